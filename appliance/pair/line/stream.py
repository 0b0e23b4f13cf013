"""Protected bytes over one TCP connection: TLS 1.3 between two memory buffers, and the socket beside it.

Why not ``ssl``'s own sockets: OpenSSL must not read and write one connection from two threads at once, and such a socket holds
nothing that would keep them apart. Here the cipher has a lock that is never held while anybody waits for the network, so one thread
may wait for words while others send. And a socket that was shut down under another thread's hands cannot fall back to plain text.

Who may be at the other end:

* *The side that is called* asks for a certificate and knows the peer's (``called_context``), so OpenSSL itself refuses any other during the
  handshake, with the alert "unknown CA". Whoever shows none gets through as a *guest*; what a guest may do is the listener's to say.
  A foreign certificate cannot be let in to be looked at later: OpenSSL has no way to ask for one that it cannot verify that
  Python could use. That is why pairing shows none.
* *The side that calls* (``calling_context``) takes any certificate in the handshake and compares its fingerprint before it says a
  word. That the other side holds the certificate's key is proved by the handshake in any case (RFC 8446, 4.4.3).

No session is ever resumed: each connection proves both keys anew.
"""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from appliance.ground.clock import Clock
from appliance.pair.line.certificate import Identity, fingerprint
from appliance.pair.line.errors import LineLost
from appliance.pair.line.sockets import CUT_SECONDS

STUCK_SECONDS = float(CUT_SECONDS)
"""Sending gives up when the other side takes nothing for so long, though its machine lives: on Linux TCP_USER_TIMEOUT says so
already (measured: 5.3 s), and elsewhere it shall be no other. So whoever receives much must not pause for longer while more is coming.
"""
_PIECE = 256 * 1024


def called_context(identity: Identity, trusted: tuple[str, ...]) -> ssl.SSLContext:
    """What the called side offers and accepts. Raises ``OSError`` (``ssl.SSLError`` is one) for what is no certificate."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.path)
    context.num_tickets = 0
    if trusted:
        context.load_verify_locations(cadata="\n".join(trusted))
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def calling_context(identity: Identity | None) -> ssl.SSLContext:
    """What the calling side shows, and nothing of what it accepts: compare the fingerprint afterwards."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if identity is not None:
        context.load_cert_chain(identity.path)
    return context


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Stream:
    """One connection. One thread may read while any number write; ``cut`` may come from anywhere and wakes them all."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, clock: Clock, *, server: bool) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._clock = clock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server)
        self._cipher = threading.Lock()  # over the two buffers and the TLS between them; held for computing only
        self._writing = threading.Lock()  # pieces leave in the order in which they were sealed
        self._users = threading.Condition()
        self._inside = 0
        self._cut = False

    def shake_hands(self, seconds: float) -> None:
        """The handshake. Raises ``LineLost``, caused by ``ssl.SSLError`` where the other side is not to be believed."""
        until = self._clock.elapsed() + seconds
        with self._in_use():
            try:
                while not self._shaken():
                    self._flush()
                    if not self._pull(until):
                        raise LineLost("it did not complete the handshake in time")
            finally:
                self._flush()  # also the alert that says why not

    @property
    def certificate(self) -> bytes:
        """The other side's certificate in DER; empty for a guest."""
        return self._tls.getpeercert(True) or b""

    @property
    def fingerprint(self) -> str:
        """The other side's fingerprint; "" for a guest."""
        return fingerprint(self.certificate) if self.certificate else ""

    def read(self, until: float) -> bytes:
        """The next bytes, at most 64 KiB; none when the time (``clock.elapsed``) comes first. Raises ``LineLost``."""
        try:
            with self._in_use():
                while (data := self._opened()) is None:
                    if not self._pull(until):
                        return b""
                return data
        except LineLost:
            self.cut()
            raise

    def write(self, *parts: bytes) -> None:
        """Send all of it, in one piece as seen from other writers. Raises ``LineLost``."""
        with self._in_use(), self._writing:
            for part in parts:
                view = memoryview(part)
                for start in range(0, len(view), _PIECE):
                    with self._cipher:
                        self._tls.write(view[start : start + _PIECE])
                        sealed = self._outgoing.read()
                    self._push(sealed)

    def cut(self) -> None:
        """End it at once; whoever reads or writes meanwhile gets ``LineLost``."""
        with self._users:
            self._cut = True
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            if not self._inside:
                self._socket.close()

    def let_go(self, seconds: float) -> None:
        """End it so that what was sent last still arrives: whoever closes with words unread takes back its own (RFC 1122, 4.2.2.13)."""
        until = self._clock.elapsed() + seconds
        with suppress(LineLost), self._in_use(), suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            for _ in range(64):
                if not self._wait(select.POLLIN, until) or not self._socket.recv(65536):
                    break
        self.cut()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Whoever is inside keeps the socket's number from being given to another file; the last one out closes it."""
        with self._users:
            if self._cut:
                raise LineLost("it was closed on this side")
            self._inside += 1
        try:
            yield
        finally:
            with self._users:
                self._inside -= 1
                if self._cut and not self._inside:
                    self._socket.close()

    def _shaken(self) -> bool:
        try:
            with self._cipher:
                self._tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
        except OSError as error:
            raise LineLost(_why(error)) from error

    def _opened(self) -> bytes | None:
        """What has arrived and been opened; None when more must arrive first."""
        try:
            with self._cipher:
                data = self._tls.read(65536)
        except ssl.SSLWantReadError:
            return None
        except OSError as error:
            raise LineLost(_why(error)) from error
        if not data:
            raise LineLost("the other side has closed it")
        return data

    def _pull(self, until: float) -> bool:
        """Bring in what the network has; False when the time came first."""
        if not self._wait(select.POLLIN, until):
            return False
        try:
            sealed = self._socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError as error:
            raise LineLost(_why(error)) from error
        if not sealed:
            raise LineLost("the other side has closed it")
        with self._cipher:
            self._incoming.write(sealed)
        return True

    def _flush(self) -> None:
        with self._writing:
            with self._cipher:
                sealed = self._outgoing.read()
            self._push(sealed)

    def _push(self, sealed: bytes) -> None:
        rest = memoryview(sealed)
        try:
            while rest:
                try:
                    rest = rest[self._socket.send(rest) :]
                except BlockingIOError:
                    if not self._wait(select.POLLOUT, self._clock.elapsed() + STUCK_SECONDS):
                        raise LineLost("the other side takes nothing any more") from None
        except OSError as error:
            self.cut()  # half a record is out: nothing that follows would be understood
            raise LineLost(_why(error)) from error
        except LineLost:
            self.cut()
            raise

    def _wait(self, event: int, until: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, event)
        happened = poll.poll(max(0.0, until - self._clock.elapsed()) * 1000)
        if self._cut:
            raise LineLost("it was closed on this side")
        return bool(happened)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    return error.strerror or type(error).__name__
