"""The library: sources on disk, kept live; one shelf to search, replaced as a whole."""

import threading
from collections.abc import Sequence
from concurrent.futures import wait
from pathlib import Path, PurePath

from appliance.ground.clock import Clock
from appliance.ground.errors import KnowledgeError
from appliance.knowledge.compare import Disagreement, SourceChange, diff, disagreements, names
from appliance.knowledge.kept import DiffOnDisk, Keeper
from appliance.knowledge.shelf import Shelf
from appliance.knowledge.source import ConfiguredSource, ReadSecret, Standing, WatchedSource, origin_of
from appliance.records.knowledge import Found, Passage, SourceState
from appliance.records.language import Code

__all__ = ["Library", "SourceChange"]

PERSON_WAITS_SECONDS = 6.0  # for sources on web servers, all of them together; a server that is silent is given up before that
LOOP_WAITS_SECONDS = 0.5  # long enough for a server that is well; what comes later is seen at the next look


def no_secret(path: Path) -> str:
    """Where nobody may read passwords, a source that needs one cannot be fetched."""
    raise KnowledgeError(f"The password in {path} may not be read here.", "Look at the source in the panel or by: tandem knowledge list")


class Library:
    """What the company knows. Any thread may search; refreshing is done by one at a time.

    Relative paths of sources start at ``base``. ``state_folder`` keeps the last good readings and the diffs; None keeps none.
    ``read_secret`` reads the password file of a source on a web server. Nothing is read before the first ``refresh``.
    """

    def __init__(
        self,
        sources: Sequence[ConfiguredSource],
        base: Path,
        clock: Clock,
        state_folder: Path | None = None,
        read_secret: ReadSecret = no_secret,
    ) -> None:
        keeper = Keeper(state_folder)
        origins = [origin_of(source, base, clock, read_secret) for source in sources]
        called = _source_names([origin.path for origin in origins], [source.language for source in sources])
        self._base = base
        self._clock = clock
        self._keeper = keeper
        self._read_secret = read_secret
        self._sources = tuple(
            WatchedSource(source, origin, base, clock, keeper, name) for source, origin, name in zip(sources, origins, called, strict=True)
        )
        self._refreshing = threading.Lock()
        self._shelf = Shelf({})
        self._shelved: tuple[Standing, ...] = ()

    @property
    def version(self) -> str:
        """The digest of everything that is on the shelf now."""
        return self._shelf.version

    def add(self, source: ConfiguredSource) -> str:
        """Watch one more source; it is read at the next ``refresh``. Returns its name; the others keep theirs."""
        with self._refreshing:
            origin = origin_of(source, self._base, self._clock, self._read_secret)
            *_, name = _source_names(
                [*(one.place for one in self._sources), origin.path], [*(one.language for one in self._sources), source.language]
            )
            self._sources = (*self._sources, WatchedSource(source, origin, self._base, self._clock, self._keeper, name))
            return name

    def refresh(self, settle_seconds: float = 0.0) -> tuple[SourceChange, ...]:
        """Read what is new and put it on the shelf. Costs one look at each file when nothing is; never raises for a source.

        A loop that looks often gives ``settle_seconds``, so that a file still being copied is not read half, and a server is asked
        when it is time; a person who asks for a refresh means the file as it is, and waits for the servers a little longer.
        """
        with self._refreshing:
            asked = [answer for source in self._sources if (answer := source.ask(at_once=not settle_seconds)) is not None]
            wait(asked, LOOP_WAITS_SECONDS if settle_seconds else PERSON_WAITS_SECONDS)
            found = [(source, source.recall(), source.look(settle_seconds)) for source in self._sources]
            changes = [self._change(source, before, after) for source, before, after in found]
            self._put_on_shelf([after for _, _, after in found])
            return tuple(change for change in changes if change is not None)

    def _put_on_shelf(self, standings: Sequence[Standing]) -> None:
        """A new shelf when any source's passages are others than before; a reader has the old one or the new one in hand."""
        if len(self._shelved) == len(standings) and all(
            old.passages is new.passages and old.digest == new.digest for old, new in zip(self._shelved, standings, strict=True)
        ):
            return
        named = zip(self._sources, standings, strict=True)
        self._shelf = Shelf({source.name: (now.digest, now.passages) for source, now in named if now.good}, self._shelf)
        self._shelved = tuple(standings)

    def _change(self, source: WatchedSource, before: Standing, after: Standing) -> SourceChange | None:
        """What is worth telling: new passages, a new trouble, or that a trouble is over. A trouble is told once."""
        read_anew = after.digest != before.digest
        troubled_anew = after.trouble is not None and after.trouble is not before.trouble
        healed = before.trouble is not None and after.trouble is None
        if not (read_anew or troubled_anew or healed):
            return None
        difference = diff(before.passages, after.passages)
        if read_anew and difference:
            self._keeper.save_diff(
                DiffOnDisk(
                    source=source.name, at=self._clock.now(), digest=after.digest, digest_before=before.digest, diff=difference,
                    summary={"added": len(difference.added), "changed": len(difference.changed), "removed": len(difference.removed)},
                )
            )  # fmt: skip
        trouble = after.trouble
        return SourceChange(
            source=source.name, digest=after.digest, added=names(difference.added), changed=names(difference.changed),
            removed=names(difference.removed), passages=len(after.passages), trouble=trouble.message if trouble else "",
            remedy=trouble.remedy if trouble else "", code=trouble.code if trouble else "", notes=after.notes,
        )  # fmt: skip

    def search(self, text: str, language: Code, limit: int = 8) -> tuple[Found, ...]:
        """Passages of the language that carry most of the text's weight, best first; none that carry nothing."""
        return self._shelf.search(text, language, limit)

    def passage(self, name: str) -> Passage | None:
        """The passage with this id as it is now, or None when it is gone."""
        return self._shelf.passage(name)

    def passages(self, language: Code | None = None) -> tuple[Passage, ...]:
        """All passages, or those of one language, in the order of their sources."""
        return self._shelf.passages if language is None else self._shelf.in_language(language)

    def theme(self, language: Code) -> frozenset[str]:
        """The words that so many passages of the language share that they tell none apart, as stems ("pump" at a pump shop)."""
        return self._shelf.theme(language)

    def expected_keys(self, text: str, language: Code) -> tuple[str, ...]:
        """The keys of facts that the text asks for by name; none for a topic that no key names."""
        return self._shelf.expected_keys(text, language)

    def disagreements(self) -> tuple[Disagreement, ...]:
        """Facts that one language tells in more than one way."""
        return disagreements(self._shelf.passages)

    def last_change(self, source: str) -> DiffOnDisk | None:
        """What the last change of this source's passages was, or None when there was none, or none is known."""
        return self._keeper.load_diff(source)

    def file_of(self, source: str) -> Path | None:
        """The file of the source of this name; None for one on a web server, and for none."""
        found = next((one for one in self._sources if one.name == source), None)
        return found.file if found is not None else None

    def states(self) -> tuple[SourceState, ...]:
        """Every configured source as it stands."""
        return tuple(source.state() for source in self._sources)


def _source_names(paths: Sequence[PurePath], languages: Sequence[Code]) -> tuple[str, ...]:
    """Each source's name: its file's name, with as much of its path as tells it from the others."""
    found: list[str] = []
    for at, path in enumerate(paths):
        others = [other for place, other in enumerate(paths) if place != at]
        lengths = range(1, len(path.parts) + 1)
        alone = [count for count in lengths if all(other.parts[-count:] != path.parts[-count:] for other in others)]
        name = "/".join(path.parts[-alone[0] :]) if alone else f"{path.name}:{languages[at]}"
        found.append(name if name not in found else f"{name}#{at + 1}")
    return tuple(found)
