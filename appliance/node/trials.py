"""What was tried and passed by in the first run: kept in a file of the home, and tried in threads of its own.

A file beside the journal and not the journal itself: how a server answered this machine is no part of the state that two nodes share.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.files import write_atomically
from appliance.ground.log import Log
from appliance.records.base import Record
from appliance.records.first_run import StepState, Tried

log = Log("first_run")
FILE = "first-run.json"


class _Kept(Record):
    tried: dict[str, Tried] = {}
    skipped: tuple[str, ...] = ()


class Trials:
    """One try of each step at most is under way. May be asked from any thread."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._file = home / FILE
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, Tried] = {}

    def tried(self) -> Mapping[str, Tried]:
        """How each step's last try ended, or that it is under way."""
        with self._lock:
            return {**self._kept().tried, **self._running}

    def skipped(self) -> frozenset[str]:
        """The steps that a person passed by."""
        return frozenset(self._kept().skipped)

    def skip(self, name: str, skipped: bool) -> None:
        """Pass a step by, or take it up again."""
        with self._lock:
            kept = self._kept()
            others = tuple(one for one in kept.skipped if one != name)
            self._keep(msgspec.structs.replace(kept, skipped=(*others, name) if skipped else others))

    def ended(self, name: str, tried: Tried) -> Tried:
        """Keep how a try ended."""
        with self._lock:
            self._running.pop(name, None)
            kept = self._kept()
            self._keep(msgspec.structs.replace(kept, tried={**kept.tried, name: tried}))
        return tried

    def begin(self, name: str, about: str, work: Callable[[], str]) -> None:
        """Try the step in a thread; nothing happens when that is under way already."""
        with self._lock:
            if name in self._running:
                return
            self._running[name] = Tried(state=StepState.RUNNING, about=about, at=self._clock.now())
        threading.Thread(target=self.run, args=(name, about, work), name=f"first-run:{name}", daemon=True).start()

    def run(self, name: str, about: str, work: Callable[[], str]) -> Tried:
        """Try the step here and now. ``work`` says what it found, or raises what stands in the way."""
        try:
            tried = Tried(state=StepState.DONE, about=about, detail=work(), at=self._clock.now())
        except TandemError as error:
            tried = failed(error, about, self._clock.now())
        except Exception as error:  # whatever it was, the step must not look as if it were under way for ever
            log.error("try_failed", step=name, error=error)
            words = (f"The try failed ({type(error).__name__}).", "See errors.log in the home's logs folder.")
            tried = Tried(state=StepState.TROUBLE, about=about, detail=words[0], remedy=words[1], at=self._clock.now())
        return self.ended(name, tried)

    def _kept(self) -> _Kept:
        """What the file holds; nothing when it is missing or was damaged: then the steps are tried anew."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return _Kept()

    def _keep(self, kept: _Kept) -> None:
        write_atomically(self._file, msgspec.json.encode(kept))


def failed(error: TandemError, about: str, at: float) -> Tried:
    """An error as the end of a try."""
    told = {"code": error.code, "gaps": dict(error.gaps), "detail": error.message, "remedy": error.remedy}
    return Tried(state=StepState.TROUBLE, about=about, at=at, **told)  # type: ignore[arg-type]
