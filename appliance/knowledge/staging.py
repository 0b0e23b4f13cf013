"""A new version of a source on its way: handed in, compared with what is live, put in place when a person says so.

Nothing that is answered from changes before ``activate``. There the version in use is copied beside first and the new one takes its
place in one step; if somebody has edited the file since the two were compared, it is compared again and the person is asked again.
"""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused, TandemError
from appliance.ground.files import write_atomically
from appliance.ground.ids import new_id
from appliance.knowledge import added
from appliance.knowledge.compare import Diff, Disagreement, diff, disagreements
from appliance.knowledge.earlier import Earlier, EarlierVersions
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.library import Library
from appliance.knowledge.passages import digest_of, passages_of
from appliance.knowledge.pieces import Reading
from appliance.knowledge.places import FOLDER, Place, must_be_alike, new_place, replaceable
from appliance.knowledge.reading import read
from appliance.knowledge.staged import SHOWN_MOST, Fact, Staged, StagedFiles
from appliance.records.knowledge import Passage
from appliance.records.language import Code

UPLOAD_BYTES_MOST = 20 * 1024 * 1024
STATE_FOLDER = "knowledge-state"
DISAGREEMENTS_MOST = 50

Enlist = Callable[[Path, Code], None]  # makes a file a source, on disk and on the shelf


class Staging:
    """Any thread may call; one version at a time is put in place."""

    def __init__(self, home: Path, library: Library, clock: Clock) -> None:
        self._home = home
        self._library = library
        self._clock = clock
        self._files = StagedFiles(home / STATE_FOLDER / "staged", clock)
        self._earlier = EarlierVersions(home / STATE_FOLDER / "before")
        self._changing = threading.Lock()

    def waiting(self) -> tuple[Staged, ...]:
        """What waits for a yes, newest first."""
        return self._files.all()

    def find(self, name: str) -> Staged:
        """Raises ``Refused`` when there is none of that id any more."""
        return self._files.find(name)

    def earlier(self, source: str) -> tuple[Earlier, ...]:
        """The versions of a source that were in use before, newest first."""
        return self._earlier.all(source)

    # Handing in

    def upload(self, name: str, content: bytes, source: str, language: Code, by: str) -> Staged:
        """A file in the place of a source, or for a new one ("") of that language. Raises ``Refused``: nothing is kept then."""
        if len(content) > UPLOAD_BYTES_MOST:
            raise Refused(
                f"The file is larger than {UPLOAD_BYTES_MOST // (1024 * 1024)} MB.",
                "Split it into several sources.",
                code="source_too_large",
            )
        place = self._place(source) if source else new_place(self._home, name, self._taken(), language)
        must_be_alike(place, name)
        return self._stage(place, content, name, by)

    def fact(self, fact: Fact, language: Code, by: str) -> Staged:
        """One more fact in the sheet of such facts, which begins to be with the first. Raises ``Refused``."""
        fact = added.checked(fact)
        place = self._place_of_facts(language)
        return self._stage(place, _with_fact(place, fact), place.file.name, by, fact=fact)

    def back(self, source: str, version: str, by: str) -> Staged:
        """A version that was in use before, the newest by default. Raises ``Refused``."""
        place = self._place(source)
        _, content = self._earlier.content(source, version)
        return self._stage(place, content, place.file.name, by, earlier=True)

    def discard(self, name: str) -> Staged:
        """Throw it away. Raises ``Refused`` when it is gone already."""
        staged = self.find(name)
        self._files.drop(staged.id)
        return staged

    # Putting in place

    def activate(self, name: str, enlist: Enlist) -> Staged:
        """Put the version in place; a new source is made one by ``enlist``. Raises ``Refused``: then what is live is as it was."""
        with self._changing:
            staged = self.find(name)
            place = self._place_again(staged)
            live = _bytes_at(place)
            if _digest(live) != staged.against:
                self._compare_again(staged, place)
                raise Refused(
                    f"{place.source} was changed since the two were compared.", "Look at the new comparison, then activate it.",
                    code="knowledge_changed",
                )  # fmt: skip
            self._put(place, live, self._files.content(staged))
            if place.new:
                _enlist(place, enlist)
            self._files.drop(staged.id)
            return staged

    def _put(self, place: Place, live: bytes | None, content: bytes) -> None:
        """The version in use beside, the new one in its place."""
        try:
            mode = place.file.stat().st_mode & 0o777 if live is not None else 0o600
            if live is not None:
                self._earlier.keep(place.source, live, place.file.suffix, self._clock.now())
            place.file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place.file, content, mode)
        except OSError as error:
            raise Refused(
                f"{place.file} cannot be written: {error.strerror}.", "Check who may write there, and the room on the disk.",
                code="source_read_only",
            ) from error  # fmt: skip

    # Comparing

    def _stage(
        self, place: Place, content: bytes, name: str, by: str, *, earlier: bool = False, fact: Fact | None = None, again: str = ""
    ) -> Staged:
        reading = _read(place, content)
        found = passages_of(reading.pieces, place.source, place.language)
        others = [one for one in self._library.passages() if one.source != place.source]
        change = diff([one for one in self._library.passages() if one.source == place.source], found)
        staged = Staged(
            id=again or new_id("k"), source=place.source, file=Path(name).name[:200], language=place.language, by=by, at=self._clock.now(),
            digest=digest_of(content), against=_digest(_bytes_at(place)), new=place.new, passages=len(found), added=len(change.added),
            changed=len(change.changed), removed=len(change.removed), diff=first(change, SHOWN_MOST), notes=reading.notes,
            disagreements=self._arising([*others, *found]), earlier=earlier, fact=fact,
        )  # fmt: skip
        self._files.save(staged, content)
        return staged

    def _compare_again(self, staged: Staged, place: Place) -> None:
        content = self._files.content(staged) if staged.fact is None else _with_fact(place, staged.fact)
        self._stage(place, content, staged.file, staged.by, earlier=staged.earlier, fact=staged.fact, again=staged.id)

    def _arising(self, passages: Iterable[Passage]) -> tuple[Disagreement, ...]:
        """Facts that would be told in several ways, and are not so already."""
        known = {_sense(one) for one in self._library.disagreements()}
        return tuple(one for one in disagreements(passages) if _sense(one) not in known)[:DISAGREEMENTS_MOST]

    # Places

    def _place(self, source: str) -> Place:
        state = next((one for one in self._library.states() if one.name == source), None)
        if state is None:
            raise Refused(f"There is no source {source}.", "tandem knowledge list shows them.", code="source_unknown")
        return replaceable(self._home, source, self._library.file_of(source), state.language)

    def _place_of_facts(self, language: Code) -> Place:
        name = added.file_name(language)
        file = self._home / FOLDER / name
        known = next((one.name for one in self._library.states() if self._library.file_of(one.name) == file), "")
        return self._place(known) if known else new_place(self._home, name, self._taken(), language)

    def _place_again(self, staged: Staged) -> Place:
        if staged.fact is not None:
            return self._place_of_facts(staged.language)
        return new_place(self._home, staged.source, self._taken(), staged.language) if staged.new else self._place(staged.source)

    def _taken(self) -> list[str]:
        return [Path(one.path).name for one in self._library.states()]


def first(change: Diff, most: int) -> Diff:
    """So many passages of each kind."""
    return Diff(added=change.added[:most], changed=change.changed[:most], removed=change.removed[:most])


def _read(place: Place, content: bytes) -> Reading:
    try:
        return read(place.file.name, content, place.language)
    except SourceUnreadable as error:
        raise Refused(error.message, error.remedy, code=error.code) from error


def _with_fact(place: Place, fact: Fact) -> bytes:
    try:
        return added.with_fact(_bytes_at(place) or b"", fact)
    except SourceUnreadable as error:
        raise Refused(error.message, error.remedy, code=error.code) from error


def _bytes_at(place: Place) -> bytes | None:
    """What lies there now; None when nothing does. Raises ``Refused`` when it cannot be told."""
    try:
        return place.file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"{place.file} cannot be read: {error.strerror}.", "Check who may read it.", code="source_locked") from error


def _sense(one: Disagreement) -> tuple[str, Code, frozenset[str]]:
    """What it is about, whichever source comes first."""
    return one.key, one.language, frozenset(one.values)


def _digest(content: bytes | None) -> str:
    return "" if content is None else digest_of(content)


def _enlist(place: Place, enlist: Enlist) -> None:
    """A file that cannot be made a source does not stay."""
    try:
        enlist(place.file, place.language)
    except TandemError as error:
        place.file.unlink(missing_ok=True)
        raise Refused(error.message, error.remedy, code="source_not_named") from error
