"""Where the bytes of a source come from: a file on the disk, or one on a web server. Twins: the watch does not know which.

The watch asks for a stamp, and for the content when the stamp is another than before. A file is looked at while the watch waits. A
server is asked in a thread of its own, one question at a time, and the watch sees what was last answered: one that is slow or hangs
delays nobody.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Protocol

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS
from appliance.knowledge.remote import Address, Copy, SignIn, fetch_if_changed

Answer = Copy | SourceUnreadable | None  # None: it is as it was


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a change is noticed without reading it. ``modified`` 0: nobody can be in the middle of writing to it."""

    modified: int
    size: int
    number: int  # a file's inode; a server's copies are counted


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes, and a name whose ending tells their kind."""

    name: str
    content: bytes


class Origin(Protocol):
    """What the watch needs of a place. Only the library calls it, under its lock."""

    @property
    def shown(self) -> str:
        """The place, for people."""
        ...

    @property
    def path(self) -> PurePath:
        """The place in its parts, from which the source's name is made."""
        ...

    def ask(self, at_once: bool) -> "Future[Answer] | None":
        """Begin to look, where that takes time; None when nothing has to be waited for. ``at_once``: whether or not it is time."""
        ...

    def has_news(self) -> bool:
        """Whether a look may show something else than the last one did."""
        ...

    def stamp(self) -> Stamp:
        """Raises :class:`SourceUnreadable`."""
        ...

    def content(self) -> Content:
        """Raises :class:`SourceUnreadable`. Called once for each stamp."""
        ...


class FileOrigin:
    """A file on the disk, or on a share that is mounted there."""

    def __init__(self, path: Path) -> None:
        self.path: PurePath = path
        self.shown = str(path)
        self._file = path

    def ask(self, at_once: bool) -> "Future[Answer] | None":  # noqa: ARG002  one shape for both
        return None

    def has_news(self) -> bool:
        return True

    def stamp(self) -> Stamp:
        try:
            found = self._file.stat()
        except OSError as error:
            raise self._missing(error) from error
        if found.st_size > LIMITS.file_bytes:
            raise SourceUnreadable(
                "source_too_large",
                f"{self.path.name} has {found.st_size // 1_000_000} MB; {LIMITS.file_bytes // 1_000_000} are allowed.",
                "Split it.",
            )
        return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)

    def content(self) -> Content:
        try:
            return Content(self.path.name, self._file.read_bytes())
        except OSError as error:
            raise self._missing(error) from error

    def _missing(self, error: OSError) -> SourceUnreadable:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return SourceUnreadable("source_missing", f"There is no file {self.path}.", "Put it back, or correct its path in tandem.toml.")
        if isinstance(error, IsADirectoryError):
            return SourceUnreadable("source_missing", f"{self.path} is a folder.", "Name a file in tandem.toml.")
        return SourceUnreadable(
            "source_locked", f"{self.path} cannot be opened: {error.strerror}.", "Close it in other programs and check who may read it."
        )


class RemoteOrigin:
    """A file on a web server, asked for every ``poll_seconds``. ``sign_in`` is called for each question, so that a password that
    was changed is taken up; it may raise a ``TandemError``."""

    def __init__(self, address: Address, sign_in: Callable[[], SignIn], poll_seconds: float, clock: Clock) -> None:
        self.path: PurePath = address.path
        self.shown = address.shown
        self._address = address
        self._sign_in = sign_in
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._asked_at: float | None = None
        self._asked: Future[Answer] | None = None
        self._answer: Answer = _no_answer_yet(address)  # a copy is taken over at once, so what stays is a trouble or None
        self._seen = False  # whether the answer was shown to the watch
        self._known: Copy | None = None  # without its content, which the watch has
        self._content = b""
        self._stamp = Stamp(0, 0, 0)

    def ask(self, at_once: bool) -> "Future[Answer] | None":
        self._collect()
        if self._asked is not None:
            return self._asked if at_once else None
        now = self._clock.elapsed()
        if not at_once and self._asked_at is not None and now - self._asked_at < self._poll_seconds:
            return None
        self._asked_at = now
        self._asked = Future()
        threading.Thread(target=_answered, args=(self._asked, self._question(self._known)), name="knowledge-remote", daemon=True).start()
        return self._asked

    def _question(self, known: Copy | None) -> Callable[[], Copy | None]:
        return lambda: fetch_if_changed(self._address, self._sign_in(), known)

    def has_news(self) -> bool:
        self._collect()
        return not self._seen

    def _collect(self) -> None:
        """Take what was answered since; what the watch sees changes here and not in the middle of its look."""
        if self._asked is None or not self._asked.done():
            return
        self._answer, self._asked, self._seen = self._asked.result(), None, False
        if isinstance(self._answer, Copy):
            self._known, self._content = replace(self._answer, content=b""), self._answer.content
            self._stamp = Stamp(0, len(self._content), self._stamp.number + 1)
            self._answer = None
        elif self._answer is not None:
            self._known = None  # the next good answer brings the whole file, whatever was missed meanwhile

    def stamp(self) -> Stamp:
        self._seen = True
        if isinstance(self._answer, SourceUnreadable):
            raise self._answer
        return self._stamp

    def content(self) -> Content:
        content, self._content = self._content, b""
        return Content(self._known.name if self._known else self.path.name, content)


def _answered(asked: "Future[Answer]", question: Callable[[], Copy | None]) -> None:
    """Put the answer down; whatever goes wrong is an answer too, since nobody stands above this thread."""
    try:
        asked.set_result(question())
    except SourceUnreadable as error:
        asked.set_result(error)
    except TandemError as error:
        asked.set_result(SourceUnreadable("source_locked", error.message, error.remedy))
    except Exception as error:
        asked.set_result(
            SourceUnreadable("source_unreachable", f"It could not be fetched ({type(error).__name__}).", "It is asked again by itself.")
        )


def _no_answer_yet(address: Address) -> SourceUnreadable:
    return SourceUnreadable("source_unreachable", f"{address.shown} has not answered yet.", "Check the server if this stays.")
