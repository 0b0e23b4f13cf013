"""What changed between two readings of a source, and where two sources say different things."""

from collections.abc import Iterable, Sequence

from appliance.language.numbers import numbers
from appliance.records.base import Record
from appliance.records.knowledge import Passage
from appliance.records.language import Code


class SourceChange(Record):
    """What a refresh found in one source.

    ``added``, ``changed`` and ``removed`` name passages by key, or by id where there is none. With ``trouble`` (a sentence,
    with its ``remedy`` and its ``code`` for the journal) the source failed and its last good passages stay; a later change
    without trouble says that it is well again.
    """

    source: str
    digest: str = ""
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    passages: int = 0
    trouble: str = ""
    remedy: str = ""
    code: str = ""
    notes: tuple[str, ...] = ()


class ChangedPassage(Record):
    """One passage of a diff with its words before and after; "" where there was or is none."""

    id: str
    key: str = ""
    title: str = ""
    place: str = ""
    before: str = ""
    after: str = ""


class Diff(Record):
    """The difference between two readings, passage by passage."""

    added: tuple[ChangedPassage, ...] = ()
    changed: tuple[ChangedPassage, ...] = ()
    removed: tuple[ChangedPassage, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class Disagreement(Record):
    """One fact that is told in several ways in one language: a person decides which is true.

    ``passages`` are the ids and ``values`` what each says, in the order of the sources.
    """

    key: str
    language: Code
    passages: tuple[str, ...]
    values: tuple[str, ...]


def diff(old: Iterable[Passage], new: Iterable[Passage]) -> Diff:
    """What was added, changed and removed, in the order of the newer (for removed: the older) reading."""
    before, after = {passage.id: passage for passage in old}, {passage.id: passage for passage in new}
    kept = [name for name in after if name in before]
    return Diff(
        added=tuple(_changed(None, after[name]) for name in after if name not in before),
        changed=tuple(_changed(before[name], after[name]) for name in kept if before[name].digest != after[name].digest),
        removed=tuple(_changed(before[name], None) for name in before if name not in after),
    )


def _changed(before: Passage | None, after: Passage | None) -> ChangedPassage:
    shown = after or before
    assert shown is not None
    return ChangedPassage(
        id=shown.id, key=shown.key, title=shown.title, place=shown.place,
        before=before.text if before else "", after=after.text if after else "",
    )  # fmt: skip


def names(changed: Sequence[ChangedPassage]) -> tuple[str, ...]:
    """How a change is named in a list: by its key, or by its id."""
    return tuple(dict.fromkeys(one.key or one.id for one in changed))


def disagreements(passages: Iterable[Passage]) -> tuple[Disagreement, ...]:
    """Keys that one language tells in several ways. Case, spacing and the way a number is written make no difference."""
    told: dict[tuple[str, Code], dict[str, Passage]] = {}
    for passage in passages:
        if passage.key:
            told.setdefault((passage.key, passage.language), {}).setdefault(_sense(passage.text), passage)
    return tuple(
        Disagreement(
            key=key,
            language=language,
            passages=tuple(one.id for one in versions.values()),
            values=tuple(one.text for one in versions.values()),
        )
        for (key, language), versions in told.items()
        if len(versions) > 1
    )


def _sense(text: str) -> str:
    words = " ".join("".join(letter for letter in text.casefold() if letter.isalpha() or letter.isspace()).split())
    return f"{words}|{numbers(text)}"
