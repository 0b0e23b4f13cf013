"""The company's macros as they are now: read again when ``macros.toml`` has changed, kept when the new one is no good."""

import threading
from pathlib import Path

from appliance.ground.errors import TandemError
from appliance.ground.log import Log, Trouble
from appliance.policy import macros
from appliance.policy.macros import Piece

_FILE_BYTES = 5_000_000


def load_macros(path: Path) -> tuple[Piece, ...]:
    """The macros of a file; none where there is no file. Raises what is wrong with it."""
    if not path.exists():
        return ()
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise macros.no_text(str(path), error) from error
    return macros.load(text, path.name)


class LiveMacros:
    """Calls give the macros in force. They are asked for when a person writes, so the file is looked at only then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._pieces: tuple[Piece, ...] = ()
        self._lock = threading.Lock()
        self.trouble = Trouble(Log("macros"), "macros")

    def __call__(self) -> tuple[Piece, ...]:
        with self._lock:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._read()
            return self._pieces

    def _read(self) -> None:
        try:
            self._pieces = load_macros(self._path)
        except TandemError as error:
            self.trouble.broke(error.message, error=error)
            return
        self.trouble.healed()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
