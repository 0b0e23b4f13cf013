"""What goes over the pipes between the daemon and an engine's process: frames of MessagePack, each with its length before it."""

import struct
from typing import Any, BinaryIO

import msgspec

from appliance.records.base import Record

ANSWER_BYTES_MAX = 64 * 1024 * 1024
REQUEST_BYTES_MAX = 512 * 1024 * 1024  # an hour of sound as numbers is 230 MB
_LENGTH = struct.Struct(">I")
_NOTHING = msgspec.Raw(b"\xc0")


class Frame(Record):
    """One word of a child. ``kind`` is ready, beat, partial, answer or error; an error has its class, its sentences and its code."""

    kind: str
    body: msgspec.Raw = _NOTHING
    error: str = ""
    message: str = ""
    remedy: str = ""
    code: str = ""


_frames = msgspec.msgpack.Decoder(Frame)
_encoder = msgspec.msgpack.Encoder()


class BrokenFrame(Exception):
    """What came over the pipe is no frame."""


def packed(value: Any) -> msgspec.Raw:
    """A record as the body of a frame."""
    return msgspec.Raw(_encoder.encode(value))


def write(pipe: BinaryIO, value: Any) -> None:
    """Put one frame onto the pipe. Raises ``OSError`` when the other end is gone."""
    content = _encoder.encode(value)
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def read(pipe: BinaryIO, most: int) -> bytes | None:
    """The next frame's content; None when the other end has closed. Raises :class:`BrokenFrame` on anything else."""
    head = pipe.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise BrokenFrame("cut off")
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise BrokenFrame("too long")
    content = pipe.read(length)
    if len(content) < length:
        raise BrokenFrame("cut off")
    return content


def read_word(pipe: BinaryIO) -> Frame | None:
    """The child's next word; None when it has closed. Raises :class:`BrokenFrame` when it is none."""
    content = read(pipe, ANSWER_BYTES_MAX)
    if content is None:
        return None
    try:
        return _frames.decode(content)
    except (msgspec.DecodeError, ValueError) as error:
        raise BrokenFrame("no frame") from error
