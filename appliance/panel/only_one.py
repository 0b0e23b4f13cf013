"""One window per person: who starts a second one brings the first to the front.

A lock says who is first, a socket in the same folder carries the knock. The lock ends with its process, so nothing is left over
by a window that was killed.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.ground.files import exclusive_lock
from appliance.node.control import socket_path

KNOCK_SECONDS = 2.0


class Door:
    """Where the next one knocks. ``open`` says what happens then; before that, a knock waits."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    def open(self, knocked: Callable[[], None]) -> None:
        threading.Thread(target=self._wait, args=(knocked,), name="second-window", daemon=True).start()

    def _wait(self, knocked: Callable[[], None]) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:  # closed: the window is gone
                return
            connection.close()
            knocked()


@contextmanager
def first(place: Path) -> Iterator[Door | None]:
    """The door, held while inside; None when another window of this person is open, which has then been told."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive_lock(place / "window.lock") as lock:
        if lock is None:
            _knock(place)
            yield None
            return
        with _listening(socket_path(place)) as listening:
            yield Door(listening)


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # left by a window that was killed; the lock says that none is open
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        listening.listen(4)
        yield listening
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        path.unlink(missing_ok=True)


def _knock(place: Path) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(KNOCK_SECONDS)
        line.connect(str(socket_path(place)))
