"""Heartbeats in datagrams (UDP), which may get lost, come late, or come twice.

One datagram is a seal of 16 bytes and one ``Beat`` in msgpack. The seal is keyed BLAKE2b (RFC 7693) under a key that is derived from
the pair's secret, its id, the sender and the receiver: what comes from another pair, from outside, or back to its sender fits
nothing. A datagram is not secret: it holds ids, numbers and states.

*Replay* is for whoever hears to pass over, and ``hear`` must: only a beat that is newer than all before, by (boot, sent_at), says that
the peer lives. The last words of a peer that died, repeated by somebody in the network, would keep the other node standing by for ever.
The answer in ``hears`` is counted from the moment that the node itself wrote into its own beat, so it grows no longer by being repeated.

Nothing here waits: what cannot be sent is counted, and the next beat comes 300 ms later anyway.
"""

import errno
import hmac
import math
import select
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b

import msgspec

from appliance.ground.log import Log, Trouble
from appliance.pair.line.errors import LineError
from appliance.pair.line.sockets import hearing, plain_host, send_datagram
from appliance.pair.messages import Beat

log = Log("pair")

DATAGRAM_MOST = 1200  # fits one packet on every network (RFC 8200, 5: at least 1280 with the headers)
_SEAL = 16
_LOOK_SECONDS = 0.2
_SECRET_LEAST, _SECRET_MOST = 16, 64  # bytes; the most is BLAKE2b's own
# What says that the socket, and not the other side, is the matter: its address left the machine, or the system took it in a sleep.
_MINE_NO_MORE = (errno.EADDRNOTAVAIL, errno.EBADF, errno.ENOTSOCK, errno.EPIPE)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Beat)


class Datagrams:
    """Sends and hears beats. ``me`` and ``peer`` are node ids; ``hear`` is called on the receiving thread, one beat after the other."""

    def __init__(
        self, host: str, port: int, *, secret: bytes, pair: str, me: str, peer: str, hear: Callable[[Beat, tuple[str, int]], None]
    ) -> None:
        self._host, self._port = host, port
        self._to_peer, self._from_peer = _key(secret, pair, me, peer), _key(secret, pair, peer, me)
        self._peer = peer
        self._hear = hear
        self._counts: Counter[str] = Counter()
        self._socket: socket.socket | None = None
        self._stale = False
        self._lock = threading.Lock()  # over the socket, so that none is closed under a sender's hands; nobody waits inside
        self._stopped = threading.Event()
        self._trouble = Trouble(log, "beats")
        self._hearing_trouble = Trouble(log, "beats_hearing")
        self._thread = threading.Thread(target=self._receive_all, name="beats", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens; after ``start`` the one it got, if 0 was asked for."""
        return self._port

    @property
    def dropped(self) -> int:
        """How many datagrams were not the peer's, or not readable."""
        return self._counts["dropped"]

    @property
    def unsent(self) -> int:
        """How many could not be handed to the network."""
        return self._counts["unsent"]

    def start(self) -> None:
        """Open the port and begin to hear. Raises ``LineError`` when somebody else has it; an address that is not there yet is awaited."""
        try:
            self._open()
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or not self._port:
                raise LineError(
                    f"This node cannot hear heartbeats at {self._host or 'all addresses'}, port {self._port} ({error.strerror or error}).",
                    "Set another port or address for the pair, or end the program that has it.",
                ) from error
            self._trouble.broke(error.strerror or type(error).__name__)
        self._thread.start()

    def stop(self) -> None:
        """Hear and send no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        with self._lock:
            self._close()

    def send(self, beat: Beat, addresses: Iterable[tuple[str, int]]) -> None:
        """Send to each of these addresses (numeric; a name is not looked up). Never raises for the network, and never waits."""
        words = _encoder.encode(beat)
        sealed = _seal(self._to_peer, words) + words
        for address in addresses:
            if len(sealed) > DATAGRAM_MOST or not self._sent(sealed, address):
                self._count("unsent")

    def _sent(self, sealed: bytes, address: tuple[str, int]) -> bool:
        with self._lock:
            if self._socket is None:
                return False
            try:
                send_datagram(self._socket, sealed, address)
            except (OSError, OverflowError, ValueError) as error:
                self._stale = self._stale or (isinstance(error, OSError) and error.errno in _MINE_NO_MORE)
                return False
            return True

    def _receive_all(self) -> None:
        while not self._stopped.is_set():
            if self._stale or self._socket is None:
                self._open_again()
            else:
                self._receive(self._socket)

    def _receive(self, opened: socket.socket) -> None:
        poll = select.poll()
        poll.register(opened, select.POLLIN)
        if not poll.poll(_LOOK_SECONDS * 1000):
            return
        try:
            sealed, address = opened.recvfrom(DATAGRAM_MOST + 1)
        except BlockingIOError:
            return
        except OSError:
            self._stale = True
            return
        beat = self._unsealed(sealed)
        if beat is None:
            self._count("dropped")
        else:
            self._tell(beat, (plain_host(address[0]), address[1]))

    def _unsealed(self, sealed: bytes) -> Beat | None:
        """The beat in it, or None for what is not the peer's or has numbers that are none."""
        seal, words = sealed[:_SEAL], sealed[_SEAL:]
        if len(sealed) > DATAGRAM_MOST or not hmac.compare_digest(seal, _seal(self._from_peer, words)):
            return None
        try:
            beat = _decoder.decode(words)
        except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
            return None
        times = (beat.sent_at, beat.hears.sent_at if beat.hears else 0.0)
        return beat if beat.sender == self._peer and all(map(math.isfinite, times)) else None

    def _tell(self, beat: Beat, address: tuple[str, int]) -> None:
        try:
            self._hear(beat, address)
            self._hearing_trouble.healed()
        except Exception as error:
            self._hearing_trouble.broke(type(error).__name__)

    def _open_again(self) -> None:
        """The network went away under the socket, or was not there: a new one on the same port, as soon as it can be had."""
        with self._lock:
            self._close()
        try:
            self._open()
        except OSError as error:
            self._trouble.broke(error.strerror or type(error).__name__)
        else:
            self._trouble.healed()
        self._stopped.wait(_LOOK_SECONDS)  # also when it could be had: it may be lost to the same cause at once

    def _open(self) -> None:
        opened = hearing(self._host, self._port)
        with self._lock:
            self._socket, self._stale = opened, False
            self._port = opened.getsockname()[1]

    def _close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
        self._socket = None

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1


def _key(secret: bytes, pair: str, sender: str, receiver: str) -> bytes:
    """The key of one direction of one pair."""
    if not _SECRET_LEAST <= len(secret) <= _SECRET_MOST:  # BLAKE2b with an empty key is no seal, and says nothing
        raise ValueError("the pair's secret has a wrong length")
    return blake2b(_encoder.encode((pair, sender, receiver)), key=secret, person=b"tandem-beat-1", digest_size=32).digest()


def _seal(key: bytes, words: bytes) -> bytes:
    return blake2b(words, key=key, digest_size=_SEAL).digest()
