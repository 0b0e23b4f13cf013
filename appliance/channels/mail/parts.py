"""The tree of MIME parts, out of whatever bytes claim to be one."""

import re
from typing import NamedTuple

from appliance.channels.mail.headers import Head, decode_words, parameters, split_head
from appliance.channels.mail.transfer import undo

DEPTH_MAX = 12  # parts within parts
_BOUNDARY_GUESS = re.compile(rb"^--([^\s].{0,150}?)[ \t]*\n(?=content-|mime-|\n)", re.IGNORECASE | re.MULTILINE)
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_MULTIPART = "multipart/"


class Part(NamedTuple):
    """A part of a mail. A leaf has ``data``, its transfer encoding undone; a multipart has ``parts``."""

    media_type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    head: Head
    data: bytes = b""
    parts: tuple["Part", ...] = ()

    @property
    def is_multipart(self) -> bool:
        return self.media_type.startswith(_MULTIPART)

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "")


class Count:
    """How many parts are still allowed, and what was odd on the way."""

    def __init__(self, parts_max: int) -> None:
        self.left = parts_max
        self.oddities: list[str] = []

    def note(self, oddity: str) -> None:
        if oddity and oddity not in self.oddities:
            self.oddities.append(oddity)


def read_part(head: Head, body: bytes, count: Count, *, depth: int = 0, otherwise: str = "text/plain") -> Part:
    """A part and, when it is a multipart, all below it. ``otherwise`` is its type when it names none."""
    media_type, named = parameters(head.plain("content-type"))
    disposition, about = parameters(head.plain("content-disposition"))
    if "/" not in media_type:
        media_type = {"text": "text/plain", "html": "text/html"}.get(media_type, otherwise)
    name = _file_name(about.get("filename", "") or named.get("name", "") or about.get("name", ""))
    count.left -= 1
    if media_type.startswith(_MULTIPART) and depth < DEPTH_MAX and count.left > 0:
        parts = _read_multipart(media_type, named.get("boundary", ""), body, count, depth)
        if parts:
            return Part(media_type, named, disposition, name, head, parts=parts)
        count.note("boundary_missing")
        media_type = "text/plain"
    elif media_type.startswith(_MULTIPART):
        count.note("parts_over_limit")
        media_type = "application/octet-stream"
    encoding = head.plain("content-transfer-encoding").lower().strip(" \t\"';").split(" ")[0]
    data, oddity = undo(body, encoding)
    count.note(oddity)
    return Part(media_type, named, disposition, name, head, data=data)


def _read_multipart(media_type: str, boundary: str, body: bytes, count: Count, depth: int) -> tuple[Part, ...]:
    pieces = _split(body, boundary.encode("utf-8", "replace")) if boundary else []
    if not pieces and (guess := _BOUNDARY_GUESS.search(body)):
        count.note("boundary_wrong" if boundary else "boundary_missing")
        pieces = _split(body, guess.group(1))
    otherwise = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
    parts: list[Part] = []
    for piece in pieces:
        if count.left <= 0:
            count.note("parts_over_limit")
            break
        head, rest = _head_of_part(piece)
        parts.append(read_part(head, rest, count, depth=depth + 1, otherwise=otherwise))
    return tuple(parts)


def _head_of_part(piece: bytes) -> tuple[Head, bytes]:
    """A part starts with its fields or with an empty line. One that starts with words has forgotten the empty line."""
    if piece.startswith(b"\n"):
        return Head(()), piece[1:]
    return split_head(piece)


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the boundary lines. What stands before the first and after the last is for nobody (RFC 2046)."""
    boundary = boundary.strip()
    if not boundary:
        return []
    if b"--" + boundary not in body:
        return []
    marks = list(re.finditer(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*$", body, re.MULTILINE))
    if not marks:
        marks = list(re.finditer(rb"^--" + re.escape(boundary) + rb"(--)?.{0,100}$", body, re.MULTILINE))
    pieces: list[bytes] = []
    for number, mark in enumerate(marks):
        if mark.group(1):
            break
        end = marks[number + 1].start() if number + 1 < len(marks) else len(body)
        piece = body[mark.end() + 1 : end]
        pieces.append(piece[:-1] if piece.endswith(b"\n") and number + 1 < len(marks) else piece)
    return pieces


def _file_name(name: str) -> str:
    """A name that is only a name: no path, no control character."""
    return _UNSAFE_NAME.sub("_", " ".join(decode_words(name).split()))[:255]


def walk(part: Part) -> list[Part]:
    """The part and all below it, top to bottom."""
    found = [part]
    for below in part.parts:
        found.extend(walk(below))
    return found
