"""Two ends of a line on this machine: identities, a listener that is stopped again, and words to say."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from appliance.pair.line.certificate import Identity, load_or_make
from appliance.pair.line.listener import Listener, Service
from appliance.pair.line.wire import Line, LineError, Open, dial
from appliance.records.base import Record

PATIENCE = 10.0
"""Seconds after which a test has failed; nothing that goes well takes any."""


class Say(Record, tag="say"):
    number: int = 0
    data: bytes = b""


class Shout(Record, tag="shout"):
    data: bytes = b""


def echo(line: Line, _: Open) -> None:
    """Says back whatever it hears."""
    while True:
        line.send(line.receive(Say, PATIENCE))


class Held:
    """A service that hands its line to the test and keeps it open until the test is done with it."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self.opened: Open | None = None
        self._came, self._over = threading.Event(), threading.Event()

    def __call__(self, line: Line, opened: Open) -> None:
        self.line, self.opened = line, opened
        self._came.set()
        self._over.wait(PATIENCE)

    def wait(self) -> Line:
        assert self._came.wait(PATIENCE)
        assert self.line is not None
        return self.line

    def let_go(self) -> None:
        self._over.set()


class World:
    """Two nodes that know each other, and a stranger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.here = load_or_make(folder / "here", "kallio-7m9q")
        self.there = load_or_make(folder / "there", "vuori-2k4t")
        self.stranger = load_or_make(folder / "stranger", "muu-0000")
        self.trusted: tuple[str, ...] = (self.there.certificate,)

    @contextmanager
    def listening(
        self,
        services: Mapping[str, Service] | None = None,
        judge: Callable[[Open], str] = lambda _: "",
        arrival_seconds: float = PATIENCE,
        host: str = "127.0.0.1",
    ) -> Iterator[Listener]:
        listener = Listener(
            host,
            0,
            self.here,
            trusted=lambda: self.trusted,
            services=services or {"echo": echo, "pairing": echo},
            judge=judge,
            arrival_seconds=arrival_seconds,
        )
        listener.start()
        try:
            yield listener
        finally:
            listener.stop()

    def call(
        self,
        listener: Listener,
        service: str = "echo",
        *,
        identity: Identity | None = None,
        pin: str | tuple[str, ...] | None = "",
        host: str = "127.0.0.1",
        proto: int = 1,
        least: int = 1,
    ) -> Line:
        """A line from the other node; ``pin`` "" is the right one."""
        identity = identity or self.there
        fingerprint = self.here.fingerprint if pin == "" else pin
        open_ = Open(service=service, node=identity.node, pair="p-1", version="0.1.0", proto=proto, least=least)
        return dial((host, listener.port), identity, fingerprint=fingerprint, open_=open_, seconds=PATIENCE)[0]


def plain(listener: Listener, source: str = "127.0.0.1") -> socket.socket:
    """A TCP connection to the listener, without any protection."""
    return socket.create_connection(("127.0.0.1", listener.port), PATIENCE, source_address=(source, 0))


def ended(connection: socket.socket) -> bool:
    """Wait until the other side has closed the connection."""
    connection.settimeout(PATIENCE)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def outcome(act: Callable[[], object]) -> Callable[[], BaseException | None]:
    """Do it on another thread; calling the result waits for its end and gives the line error it ended with."""
    found: list[LineError] = []

    def run() -> None:
        try:
            act()
        except LineError as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait() -> BaseException | None:
        thread.join(PATIENCE)
        assert not thread.is_alive()
        return found[0] if found else None

    return wait
