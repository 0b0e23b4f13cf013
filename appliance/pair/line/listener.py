"""The door for lines: who comes in, how far, and how many at once.

One port for everybody. Whoever shows a certificate must show the peer's, or the handshake fails; whoever shows none is a guest, for
whom there is the service ``pairing`` and nothing else. A connection has five seconds from the first byte to the end of its first
frame, so a silent stranger holds nothing for long, and ``lobby`` says how many there may be.
"""

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from appliance import __version__
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.log import Log, Trouble
from appliance.pair.line.certificate import Identity, fingerprint_of
from appliance.pair.line.errors import LineError, LineLost
from appliance.pair.line.lobby import Hushed, Lobby, Visitor
from appliance.pair.line.sockets import listening, plain_host, tune
from appliance.pair.line.stream import Stream, called_context
from appliance.pair.line.wire import FRAME_MOST, PAIRING, Line, Open, Opened, Refused, agree

log = Log("pair")

Service = Callable[[Line, Open], None]
"""What is done on a line, in a thread of its own; the line is closed when it returns."""

_GONE_ALREADY = (errno.ECONNABORTED, errno.EPROTO)  # who knocked went away again: accept(2)
_LOOK_SECONDS = 0.5
_STOP_SECONDS = 5.0


class Listener:
    """Takes lines and hands each to its service.

    ``trusted`` gives the peer's certificates in PEM: one, two while it changes them, none while there is no peer.
    ``judge`` has the last word on an ``Open`` whose service, certificate and language are right: "", or a code of ``REFUSALS``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        identity: Identity,
        *,
        trusted: Callable[[], tuple[str, ...]],
        services: Mapping[str, Service],
        judge: Callable[[Open], str],
        clock: Clock | None = None,
        arrival_seconds: float = 5.0,
    ) -> None:
        self._host, self._port = host, port
        self._identity = identity
        self._trusted = trusted
        self._services = services
        self._judge = judge
        self._clock = clock or SystemClock()
        self._arrival_seconds = arrival_seconds
        self._lobby = Lobby()
        self._hushed = Hushed(self._clock)
        self._trust_trouble = Trouble(log, "line_trust")
        self._accept_trouble = Trouble(log, "line_accept")
        self._contexts: tuple[object, ssl.SSLContext] | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._accept_all, name="line-listener", daemon=True)
        self.refused = 0
        """How many were sent away, for whatever reason."""

    @property
    def port(self) -> int:
        """Where it listens; after ``start`` the one it got, if 0 was asked for."""
        return self._port

    def start(self) -> None:
        """Listen. Raises ``LineError`` when the address or the port cannot be had."""
        try:
            self._socket = listening(self._host, self._port)
        except OSError as error:
            raise LineError(
                f"This node cannot listen for its peer at {self._host or 'all addresses'}, port {self._port} ({error.strerror or error}).",
                "Set another port or address for the pair, or end the program that has it.",
            ) from error
        self._port = self._socket.getsockname()[1]
        self._thread.start()

    def stop(self) -> None:
        """Take no more lines and cut those that are there; returns when their threads have ended, after five seconds at most."""
        self._stopped.set()
        if self._socket is not None:
            with suppress(OSError):  # wakes ``accept`` where the system can; elsewhere it looks by itself
                self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(_STOP_SECONDS)
            self._socket.close()
        if not self._lobby.clear(_STOP_SECONDS):
            log.warning("line_service_does_not_end")

    def cut(self) -> None:
        """Cut every line that is there now; whoever comes next is judged as always."""
        self._lobby.clear(0.0)

    def use(self, identity: Identity) -> None:
        """Show this identity to whoever comes from now on; lines that are there stay."""
        with self._lock:
            self._identity, self._contexts = identity, None

    def _accept_all(self) -> None:
        assert self._socket is not None
        self._socket.settimeout(_LOOK_SECONDS)
        while not self._stopped.is_set():
            try:
                connection, address = self._socket.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if not self._stopped.is_set() and error.errno not in _GONE_ALREADY:
                    self._accept_trouble.broke(error.strerror or type(error).__name__)
                    self._clock.wait(self._stopped, _LOOK_SECONDS)  # no more files, or no memory: it may pass
                continue
            self._accept_trouble.healed()
            self._let_in(connection, (plain_host(address[0]), address[1]))

    def _let_in(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            tune(connection)
            stream = Stream(connection, self._context(), self._clock, server=True)
        except Exception as error:  # ``trusted`` is somebody else's, and this thread must outlive it
            connection.close()
            self._trust_trouble.broke(f"the certificates cannot be used: {type(error).__name__}")
            return
        visitor = Visitor(address[0], stream.cut)
        if not self._lobby.enter(visitor, _LOOK_SECONDS):
            stream.cut()
            self._send_away(address, "busy")
            return
        try:
            threading.Thread(target=self._welcome, args=(stream, address, visitor), name="line", daemon=True).start()
        except RuntimeError:  # the system has no more threads
            stream.cut()
            self._lobby.leave(visitor)
            self._send_away(address, "busy")

    def _context(self) -> ssl.SSLContext:
        trusted = self._trusted()
        with self._lock:
            if self._contexts is None or self._contexts[0] != trusted:
                self._contexts = (trusted, called_context(self._identity, trusted))
                self._trust_trouble.healed()
            return self._contexts[1]

    def _welcome(self, stream: Stream, address: tuple[str, int], visitor: Visitor) -> None:
        """One visitor from the handshake to the end of its service. Whatever it says, nothing leaves here but the thread's end."""
        service = "none"
        try:
            until = self._clock.elapsed() + self._arrival_seconds
            stream.shake_hands(self._arrival_seconds)
            line = Line(stream, address, self._clock)
            open_ = line.receive(Open, until - self._clock.elapsed())
            code, proto = self._verdict(line, open_, visitor)
            if code:
                self._send_away(address, code)
                line.send(Refused(code=code))
            else:
                service = open_.service
                line.send(Opened(node=self._identity.node, version=__version__, proto=proto))
                self._services[service](line, open_)
        except LineError as error:
            if visitor.kind == "arriving":
                self._send_away(address, "handshake" if isinstance(error, LineLost) else error.code, reason=error.message)
            else:
                log.debug("line_ended", service=service, code=error.code, reason=error.message)
        except Exception as error:
            log.error("line_service_failed", error=error, service=service)
        finally:
            stream.let_go(1.0)
            self._lobby.leave(visitor)

    def _verdict(self, line: Line, open_: Open, visitor: Visitor) -> tuple[str, int]:
        """Why not, or "" and the language to speak. What anybody may know comes first, what only the peer may know last."""
        known = line.fingerprint != "" and line.fingerprint in {fingerprint_of(each) for each in self._trusted()}
        if not known and (line.fingerprint or open_.service != PAIRING):
            return "unknown_node", 0
        if open_.service not in self._services:
            return "no_such_service", 0
        proto, code = agree(open_.proto, open_.least)
        code = code or self._judged(open_)
        if not code and not self._lobby.admit(visitor, "member" if known else "guest"):
            code = "busy"
        if known and not code:
            line.frame_most = FRAME_MOST
        return code, proto

    def _judged(self, open_: Open) -> str:
        try:
            return self._judge(open_)
        except Exception as error:
            log.error("line_judge_failed", error=error)
            return "failed"

    def _send_away(self, address: tuple[str, int], code: str, reason: str = "") -> None:
        with self._lock:
            self.refused += 1
        if self._hushed.may_say(address[0]):
            log.warning("line_refused", address=address[0], code=code, reason=reason, refused=self.refused)
