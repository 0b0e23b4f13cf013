"""Words over a line: one frame is four bytes of length (big-endian) and a msgpack map with its ``type``.

Whoever dials says ``Open`` first, and the answer is ``Opened`` or ``Refused``; then the two sides of the service talk as they
agreed. Until it is known who is there, a frame holds 64 KiB at most, afterwards 16 MiB, and memory is taken only as bytes arrive.

Two versions of Tandem understand each other if the newest language that both speak is none too old for either: ``agree``.
"""

import socket
import ssl
import struct
import threading
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, overload

import msgspec

from appliance.ground.clock import Clock, SystemClock
from appliance.pair.line.certificate import Identity
from appliance.pair.line.errors import BadFrame, LineError, LineLost, LineRefused, LineSilent
from appliance.pair.line.sockets import plain_host, tune
from appliance.pair.line.stream import Stream, calling_context
from appliance.records.base import Record

__all__ = [
    "LEAST_PROTO",
    "PAIRING",
    "PROTO",
    "BadFrame",
    "Line",
    "LineError",
    "LineLost",
    "LineRefused",
    "LineSilent",
    "Open",
    "Opened",
    "Refused",
    "agree",
    "dial",
]

PROTO, LEAST_PROTO = 1, 1
"""The newest and the oldest language that this version speaks."""
PAIRING = "pairing"
"""The service for guests, who show no certificate."""
GUEST_FRAME_MOST = 64 * 1024
FRAME_MOST = 16 * 1024 * 1024

# What OpenSSL calls the alerts of a side that does not accept our certificate (RFC 8446, 6.2).
_NOT_KNOWN = (
    "TLSV1_ALERT_UNKNOWN_CA",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
)
_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
T = TypeVar("T")
Word = Annotated[str, msgspec.Meta(max_length=100)]
Number = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Open(Record, tag="open"):
    """The first frame of whoever dials: what it wants, who it says it is, and the languages from ``least`` to ``proto`` it speaks."""

    service: Word
    node: Word
    pair: Word
    version: Word
    proto: Number = PROTO
    least: Number = LEAST_PROTO


class Opened(Record, tag="opened"):
    """You are welcome; from now on both speak ``proto``."""

    node: Word
    version: Word
    proto: Number


class Refused(Record, tag="refused"):
    """No. ``code`` is a key of ``refusals.REFUSALS``."""

    code: Word


def agree(proto: int, least: int) -> tuple[int, str]:
    """The language to speak with somebody who speaks ``least`` to ``proto``, or 0 and why not, as told to that somebody."""
    common = min(proto, PROTO)
    if common < LEAST_PROTO:
        return 0, "too_old"
    return (common, "") if common >= least else (0, "too_new")


class Line:
    """One line to the other node. Any thread may send and close; one thread receives."""

    def __init__(self, stream: Stream, address: tuple[str, int], clock: Clock) -> None:
        self.address = address
        self.fingerprint = stream.fingerprint
        self.certificate = ssl.DER_cert_to_PEM_cert(stream.certificate) if stream.certificate else ""
        self.frame_most = GUEST_FRAME_MOST
        self._stream = stream
        self._clock = clock
        self._arrived = bytearray()
        self._sending = threading.Lock()

    def send(self, message: msgspec.Struct) -> None:
        """Send one frame. Raises ``LineLost``, and ``BadFrame`` for a message over the limit, of which nothing was sent."""
        words = _encoder.encode(message)
        if len(words) > self.frame_most:
            raise BadFrame(f"{type(message).__name__} has {len(words)} bytes, and {self.frame_most} is the most")
        with self._sending:
            self._stream.write(_LENGTH.pack(len(words)) + words)

    @overload
    def receive(self, kind: type[T], seconds: float) -> T: ...
    @overload
    def receive(self, kind: UnionType, seconds: float) -> Any: ...
    def receive(self, kind: Any, seconds: float) -> Any:
        """The next frame, which must be of this kind (a record, or a union of tagged ones), within this time altogether.

        Raises ``LineSilent``, after which the line is as good as before; ``LineLost``; and ``BadFrame``, after which it is closed.
        """
        until = self._clock.elapsed() + seconds
        while (words := self._next_frame()) is None:
            arrived = self._stream.read(until)
            if not arrived:
                raise LineSilent(seconds)
            self._arrived += arrived
        try:
            return _decoder(kind).decode(words)
        except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
            self.close()
            raise BadFrame("a frame is none of the words that belong here") from error

    def close(self) -> None:
        """End the line, from any thread and as often as one likes. Whoever sends or receives gets ``LineLost``."""
        self._stream.cut()

    def let_go(self, seconds: float = 1.0) -> None:
        """Close, but give what was sent last so much time to arrive."""
        self._stream.let_go(seconds)

    def _next_frame(self) -> bytes | None:
        if len(self._arrived) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._arrived)
        if length > self.frame_most:
            self.close()
            raise BadFrame(f"a frame of {length} bytes was announced, and {self.frame_most} is the most")
        end = _LENGTH.size + length
        if len(self._arrived) < end:
            return None
        words = bytes(memoryview(self._arrived)[_LENGTH.size : end])
        del self._arrived[:end]
        return words


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def dial(
    address: tuple[str, int],
    identity: Identity,
    *,
    fingerprint: str | tuple[str, ...] | None,
    open_: Open,
    seconds: float,
    clock: Clock | None = None,
) -> tuple[Line, Opened]:
    """Call the other node and open a service there, within this time altogether.

    ``fingerprint``: of the peer, or of either of its certificates while it changes them. None is for pairing alone: whoever answers
    is believed so far, and no certificate of ours is shown.
    Raises ``LineLost`` when nobody answers, and ``LineRefused`` when it is not the peer, or the peer will not.
    """
    clock = clock or SystemClock()
    until = clock.elapsed() + seconds
    if fingerprint is None and open_.service != PAIRING:
        raise ValueError("a line to somebody unknown is for pairing, and for nothing else")
    pins = (fingerprint,) if isinstance(fingerprint, str) else fingerprint
    try:
        connection = socket.create_connection(address, max(0.001, seconds))
        reached = (plain_host(connection.getpeername()[0]), address[1])  # as a number, also where a name was dialled
        tune(connection)
        stream = Stream(connection, calling_context(identity if pins is not None else None), clock, server=False)
    except OSError as error:
        raise LineLost(f"{address[0]}, port {address[1]}, cannot be reached ({error.strerror or 'no answer in time'})") from error
    try:
        stream.shake_hands(until - clock.elapsed())
        if pins is not None and stream.fingerprint not in pins:
            raise LineRefused("foreign_certificate")
        line = Line(stream, reached, clock)
        return line, _introduce(line, open_, until - clock.elapsed(), known=pins is not None)
    except BaseException:
        stream.cut()
        raise


def _introduce(line: Line, open_: Open, seconds: float, known: bool) -> Opened:
    try:
        line.send(open_)
        answer = line.receive(Opened | Refused, seconds)
    except LineSilent as error:
        raise LineLost("it did not answer in time") from error
    except LineLost as error:
        # In TLS 1.3 the caller is through before its own certificate is looked at; the verdict comes instead of the first word.
        if isinstance(error.__cause__, ssl.SSLError) and error.__cause__.reason in _NOT_KNOWN:
            raise LineRefused("unknown_node") from error
        raise
    if isinstance(answer, Refused):
        raise LineRefused(answer.code)
    if not open_.least <= answer.proto <= open_.proto:
        raise LineRefused("too_new" if answer.proto < open_.least else "too_old")
    if known:
        line.frame_most = FRAME_MOST
    return answer
