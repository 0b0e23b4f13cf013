"""A cable that can be listened to, cut, and left dangling: a proxy between us and a server on the loopback."""

import contextlib
import socket
import threading
from collections.abc import Callable


class Wire:
    """``port`` leads to the server. ``said`` is all that the client has sent through it, in plain text or not."""

    host = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self._target = port
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._dangling = threading.Event()
        self._before: tuple[bytes, Callable[[], None]] | None = None
        self.said = b""
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, name="wire", daemon=True).start()

    def dangle(self) -> None:
        """From now on nothing gets through, either way, and nobody is told: a cable out, a router that forgot us."""
        self._dangling.set()

    def before(self, words: bytes, do: Callable[[], None]) -> None:
        """Hold back the next thing the client says with these words in it until something has been done: a race made certain."""
        self._before = (words, do)

    def mend(self) -> None:
        """New connections get through again; what was swallowed stays lost."""
        self._dangling.clear()

    def cut(self) -> None:
        """Close every connection there is."""
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self.connections += 1
            with self._lock:
                self._lines += [client, server]
            threading.Thread(target=self._carry, args=(client, server, True), name="wire-out", daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, False), name="wire-in", daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, outward: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if outward:
                    self.said += data
                    if self._before is not None and self._before[0] in data:
                        (_, do), self._before = self._before, None
                        do()
                if not self._dangling.is_set():
                    target.sendall(data)
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
