"""A file of the company's own, read again when it has changed, the last good reading kept when the new one is no good."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from appliance.ground.errors import SettingsError, TandemError
from appliance.ground.log import Log, Trouble

FILE_BYTES_MOST = 20_000_000

Content = TypeVar("Content")


class LiveFile(Generic[Content]):
    """Calls give what the file says now. It is looked at only when somebody asks; a missing file says ``empty``.

    ``read`` gets the file's name and bytes and raises a ``TandemError`` for bytes that are no good.
    """

    def __init__(self, path: Path, name: str, empty: Content, read: Callable[[str, bytes], Content]) -> None:
        self.path = path
        self._empty = empty
        self._read = read
        self._content = empty
        self._stamp: tuple[int, int] = (-1, -1)
        self._lock = threading.Lock()
        self.trouble = Trouble(Log("call"), name)

    def __call__(self) -> Content:
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._stamp = stamp
                self._look(stamp)
            return self._content

    @property
    def fault(self) -> TandemError | None:
        """What is wrong with the file as it was last looked at."""
        return self.trouble.error

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes with the file."""
        return self._stamp

    def _look(self, stamp: tuple[int, int]) -> None:
        try:
            self._content = self._empty if stamp == (0, 0) else self._read(self.path.name, self._bytes())
        except TandemError as error:
            self.trouble.broke(error.message, error=error)
            return
        self.trouble.healed()

    def _bytes(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                content = file.read(FILE_BYTES_MOST + 1)
        except OSError as error:
            told = f"{self.path.name} cannot be read ({error.strerror})."
            raise SettingsError(told, "Let the user that the appliance runs as read it.") from error
        if len(content) > FILE_BYTES_MOST:
            raise SettingsError(f"{self.path.name} has more than {FILE_BYTES_MOST // 1_000_000} MB.", "Keep only what is needed in it.")
        return content


def text_of(name: str, content: bytes) -> str:
    """The bytes as UTF-8 text. Raises ``SettingsError`` when they are none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name} is not UTF-8 text.", "Save it as UTF-8 and try again.") from error


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size) if path.is_file() else (0, 0)
