"""What one machine's pages show of the other: asked every few seconds over a line of its own, and never decided upon."""

import threading
from collections.abc import Callable

from appliance.pair.line.errors import LineError
from appliance.pair.line.wire import Line, Open
from appliance.records.base import Record

ANSWER_SECONDS = 2.0
IDLE_SECONDS = 60.0
EVERYWHERE = ("", "*", "0.0.0.0", "::")
"""What a panel is configured with that listens on every address of its machine."""


class AskAbout(Record, tag="ask_about"):
    """How are you?"""


class About(Record, tag="about"):
    """How a node is. ``because`` are codes of ``vitals``; the panel's address stands as it is configured there."""

    version: str
    role: str
    position: int
    term: int
    well: bool
    because: tuple[str, ...] = ()
    ready: bool = False
    panel_host: str = ""
    panel_port: int = 0
    public_url: str = ""
    files: str = ""
    """A digest of the shared files that it has."""


class AboutPeer:
    """``peer`` is what the other node says, None while it cannot be asked; ``last`` what it said last."""

    def __init__(self, dial: Callable[[], Line], me: Callable[[], About]) -> None:
        self._dial = dial
        self._me = me
        self._line: Line | None = None
        self._lock = threading.Lock()
        self.peer: About | None = None
        self.last: About | None = None
        self.host = ""

    def look(self) -> None:
        """Ask once. Raises ``LineError`` when nobody answers."""
        with self._lock:
            try:
                self._line = line = self._line or self._dial()
                line.send(AskAbout())
                self.peer = self.last = line.receive(About, ANSWER_SECONDS)
                self.host = line.address[0]
            except LineError:
                self._drop()
                self.peer = None
                raise

    def serve(self, line: Line, _open: Open) -> None:
        """Answer the other node until its line goes."""
        while True:
            try:
                line.receive(AskAbout, IDLE_SECONDS)
            except LineError:
                return
            line.send(self._me())

    @property
    def panel(self) -> str:
        """Where the other node's panel is, also while it is silent; "" for one that listens on its own machine only, or was never asked."""
        peer = self.last
        if peer is None:
            return ""
        if peer.public_url:
            return peer.public_url.rstrip("/")
        host = self.host if peer.panel_host in EVERYWHERE else peer.panel_host
        if "%" in host or (_is_loopback(host) and not _is_loopback(self.host)):  # an address that means something on one machine only
            return ""
        return f"http://{f'[{host}]' if ':' in host else host}:{peer.panel_port}"

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def close(self) -> None:
        with self._lock:
            self._drop()


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host == "::1" or host.startswith("127.")
