"""Undoing the transfer encodings: base64, quoted-printable, uuencode; whole, broken, or mislabelled."""

import binascii
import re
from typing import NamedTuple

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDING = re.compile(rb"=+")
_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ?([^\n]{0,255})$", re.MULTILINE)
_UU_END = re.compile(rb"^(?:end|====)[ \t]*$", re.MULTILINE)
_SOFT_BLANKS = re.compile(rb"(?<![ \t])[ \t]+(?=\n|\Z)")


class Transferred(NamedTuple):
    """The bytes as they were before they were sent, and the code of what was odd about it."""

    data: bytes
    oddity: str = ""


class Enclosed(NamedTuple):
    """A file that stands in the middle of a text, uuencoded."""

    name: bytes
    data: bytes


def undo(data: bytes, encoding: str) -> Transferred:
    """Undo a Content-Transfer-Encoding. Never fails: what cannot be decoded stays as it came."""
    match encoding:
        case "base64" | "b64":
            return _base64(data)
        case "quoted-printable" | "quotedprintable" | "qp":
            return Transferred(binascii.a2b_qp(_SOFT_BLANKS.sub(b"", data)))
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            _, files = take_uuencoded(data)
            return Transferred(files[0].data) if files else Transferred(data, "transfer_encoding_broken")
        case "" | "7bit" | "8bit" | "binary" | "8-bit" | "7-bit" | "none":
            return Transferred(data)
    return Transferred(data, "transfer_encoding_unknown")


def _base64(data: bytes) -> Transferred:
    if b" " in data.lstrip().split(b"\n", 1)[0].strip():
        return Transferred(data, "transfer_encoding_broken")  # words, which only claim to be encoded
    padding = data.find(b"=")
    if padding >= 0 and data[padding:].strip(b"= \t\n"):
        return _pieces(data)  # something stands behind the padding: pieces that were joined, or a footer
    try:
        return Transferred(binascii.a2b_base64(data))
    except binascii.Error:
        return _pieces(data)


def _pieces(data: bytes) -> Transferred:
    """Base64 that somebody cut or joined: decoded from one padding to the next, as far as it goes."""
    decoded = bytearray()
    whole = True
    for piece in _PADDING.split(_NOT_BASE64.sub(b"", data)):
        usable = len(piece) - (1 if len(piece) % 4 == 1 else 0)
        whole = whole and usable == len(piece)
        decoded += binascii.a2b_base64(piece[:usable] + b"=" * (-usable % 4))
    return Transferred(bytes(decoded), "" if whole else "transfer_encoding_broken")


def take_uuencoded(data: bytes) -> tuple[bytes, tuple[Enclosed, ...]]:
    """The text without the uuencoded files that stand in it, and those files."""
    if b"begin" not in data:
        return data, ()
    kept: list[bytes] = []
    files: list[Enclosed] = []
    position = 0
    for begin in _UU_BEGIN.finditer(data):
        if begin.start() < position:
            continue
        end = _UU_END.search(data, begin.end())
        if end is None:
            break
        inside = _uudecode(data[begin.end() + 1 : end.start()])
        if inside is None:
            continue
        kept.append(data[position : begin.start()])
        files.append(Enclosed(begin.group(1).strip(), inside))
        position = end.end()
    return b"".join([*kept, data[position:]]), tuple(files)


def _uudecode(data: bytes) -> bytes | None:
    """The bytes of a uuencoded block, or None when it is none: somebody wrote "begin 100" in a letter."""
    decoded = bytearray()
    for line in data.split(b"\n"):
        line = line.rstrip(b"\r")
        if not line.strip():
            continue
        length = (line[0] - 32) & 63
        characters = (length * 8 + 5) // 6
        try:
            decoded += binascii.a2b_uu(line[: characters + 1])
        except binascii.Error:
            return None
    return bytes(decoded)
