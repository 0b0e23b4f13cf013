"""What a node and a witness process say to each other: small frames, a greeting, and seals both ways.

    witness  Greeting   a fresh nonce for this connection
    node     Sealed     pair, the node's own nonce, the question, and a seal over both nonces, the count and the question
    witness  Answered   the reply, and a seal over the seal of the question and the reply
             Declined   instead of an answer, without a seal: a hint for people, never believed in place of an answer

A question that was taken down can never be put again: its seal holds the nonce of a connection that is gone and the count of
questions on it. Were it put all the same, an old take would meet a record whose term has gone on, and an old note a newer number
(``witness_record``). An answer cannot be put again either: it seals the question's seal. The words themselves are no secret.
"""

import socket
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from appliance.ground.clock import Clock
from appliance.pair.witness.words import Number
from appliance.records.base import Record

PROTO = 1
NONCE_BYTES = 16
FRAME_BYTES_MOST = 4096
ASKED, REPLIED = b"tandem-w-asked-1", b"tandem-w-reply-1"
M = TypeVar("M", bound=Record)

Short = Annotated[bytes, Meta(max_length=64)]
Body = Annotated[bytes, Meta(max_length=2048)]


class Greeting(Record, array_like=True):
    """``proto`` is the newest protocol that the witness speaks."""

    proto: int
    nonce: Short


class Sealed(Record, array_like=True):
    """A question to the witness. ``count`` grows with each question on this connection; ``body`` is a ``words.Question``."""

    pair: Annotated[str, Meta(max_length=64)]
    nonce: Short
    count: Number
    body: Body
    seal: Short


class Answered(Record, array_like=True, tag="answered"):
    """``body`` is a ``messages.Reply``."""

    body: Body
    seal: Short


class Declined(Record, array_like=True, tag="declined"):
    """``code``: unknown_pair, wrong_key, damaged, disk, or not_understood."""

    code: Annotated[str, Meta(max_length=40)]


class BadFrame(Exception):
    """The other side's words are too long, or not of the kind that is due."""


def pack(message: Record) -> bytes:
    return msgspec.msgpack.encode(message)


def unpack(body: bytes, kind: type[M]) -> M:
    """Raises ``BadFrame``."""
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFrame("a message that cannot be read") from error


def send(line: socket.socket, message: Record, clock: Clock, until: float) -> None:
    """Send one frame. ``until`` is a moment of ``clock.elapsed``. Raises ``OSError``."""
    body = pack(message)
    line.settimeout(max(0.001, until - clock.elapsed()))
    line.sendall(len(body).to_bytes(4, "big") + body)


def receive(line: socket.socket, clock: Clock, until: float) -> bytes:
    """One whole frame; however slowly it drips in, not after ``until``. Raises ``OSError``, ``EOFError`` or ``BadFrame``."""
    length = int.from_bytes(_exactly(line, 4, clock, until), "big")
    if not 0 < length <= FRAME_BYTES_MOST:
        raise BadFrame("a frame of a length that is not allowed")
    return _exactly(line, length, clock, until)


def _exactly(line: socket.socket, length: int, clock: Clock, until: float) -> bytes:
    got = bytearray()
    while len(got) < length:
        left = until - clock.elapsed()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        piece = line.recv(length - len(got))
        if not piece:
            raise EOFError
        got += piece
    return bytes(got)
