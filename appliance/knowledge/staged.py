"""New versions of sources that wait for a person's yes, with what they would change; kept in a folder until then.

They are proposals: nothing answers from them, and what is forgotten goes by itself.
"""

from pathlib import Path

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.ground.files import write_atomically
from appliance.knowledge.compare import Diff, Disagreement
from appliance.records.base import Record
from appliance.records.language import Code

WAITING_MOST = 20
KEPT_SECONDS = 7 * 86_400
SHOWN_MOST = 100  # passages of each kind that a proposal spells out; the rest is counted


class Fact(Record):
    """One thing to know that somebody wrote down in the panel."""

    title: str
    text: str


class Staged(Record):
    """A new version of a source. ``file`` is its name as it was handed in, ``digest`` that of its bytes.

    ``against`` is the digest of the file that it would replace, as it was when the two were compared; "" when there was none.
    ``new``: there is no such source yet. ``passages`` is how many it would have; ``diff`` spells out the first of each kind and
    ``added``, ``changed`` and ``removed`` count them all. ``disagreements`` are those that are not there now. ``earlier``: it is
    a version that was in use before. With a ``fact`` it is the live file and this fact.
    """

    id: str
    source: str
    file: str
    language: Code
    by: str
    at: float
    digest: str
    against: str = ""
    new: bool = False
    passages: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    diff: Diff = Diff()
    notes: tuple[str, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    earlier: bool = False
    fact: Fact | None = None


class StagedFiles:
    """The folder. At most ``WAITING_MOST`` at a time, each for ``KEPT_SECONDS``."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def all(self) -> tuple[Staged, ...]:
        """What waits, newest first. What is too old, or cannot be read any more, goes."""
        found = [self._kept(path) for path in self._folder.glob("*.json")]
        return tuple(sorted((one for one in found if one is not None), key=lambda one: (-one.at, one.id)))

    def find(self, name: str) -> Staged:
        """Raises ``Refused`` when there is none of that id any more."""
        found = next((one for one in self.all() if one.id == name), None)
        if found is None:
            raise Refused(
                f"Nothing is staged as {name}: it was activated, thrown away, or is over seven days old.",
                "Stage the file again.",
                code="staged_gone",
            )
        return found

    def content(self, staged: Staged) -> bytes:
        """Raises ``OSError`` when the disk has lost it."""
        return self._bytes_of(staged.id).read_bytes()

    def save(self, staged: Staged, content: bytes) -> None:
        """Keep it, or what became of it. Raises ``Refused`` when too many wait, and ``OSError``."""
        waiting = self.all()
        if len(waiting) >= WAITING_MOST and all(one.id != staged.id for one in waiting):
            raise Refused(f"{len(waiting)} files wait already.", "Activate some of them, or throw them away.", code="staged_full")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._bytes_of(staged.id), content)
        write_atomically(self._folder / f"{staged.id}.json", msgspec.json.encode(staged))  # last: what has no words is not there

    def drop(self, name: str) -> None:
        """Forget it; doing so twice is no fault."""
        (self._folder / f"{name}.json").unlink(missing_ok=True)
        self._bytes_of(name).unlink(missing_ok=True)

    def _kept(self, path: Path) -> Staged | None:
        try:
            staged = msgspec.json.decode(path.read_bytes(), type=Staged)
        except FileNotFoundError:  # somebody else has just dropped it
            return None
        except (OSError, msgspec.MsgspecError):
            self.drop(path.stem)
            return None
        if self._clock.now() - staged.at > KEPT_SECONDS:
            self.drop(staged.id)
            return None
        return staged

    def _bytes_of(self, name: str) -> Path:
        return self._folder / f"{name}.bytes"
