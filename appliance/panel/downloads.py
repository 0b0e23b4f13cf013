"""A customer's file as an answer: to be saved, never shown as part of the panel, for nobody knows what is in it.

Pictures may be looked at: they are known by their first bytes and not by what the mail says, and are served with a policy that
lets a document do nothing at all.
"""

import re
from urllib.parse import quote

from litestar import Response

from appliance.channels.voice.sound import media_type
from appliance.panel.problems import not_found
from appliance.records.work import File

_RANGE = re.compile(r"bytes=([0-9]{0,12})-([0-9]{0,12})")
_NOTHING = "default-src 'none'; sandbox"
_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def saved(file: File) -> Response[bytes]:
    """The file to be saved under its name (RFC 6266)."""
    plain = "".join(letter if letter.isascii() and letter.isprintable() and letter not in '"\\%;' else "_" for letter in file.name)
    disposition = f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(file.name or 'file', safe='')}"
    return _answer(file.data, "application/octet-stream", disposition)


def picture(file: File) -> Response[bytes]:
    """The file as a picture; not found when it is none."""
    kind = next((name for start, name in _PICTURES if file.data.startswith(start)), "")
    if file.data[:4] == b"RIFF" and file.data[8:12] == b"WEBP":
        kind = "image/webp"
    if not kind:
        raise not_found("picture")
    return _answer(file.data, kind, "inline")


def sound(data: bytes, wanted: str) -> Response[bytes]:
    """A clip for a player, which may want a part of it (RFC 9110, 14): it jumps to a place, or begins before all has come."""
    kind = media_type(data) or "application/octet-stream"
    part = _part(wanted, len(data))
    if part is None:
        return _answer(data, kind, "inline", {"accept-ranges": "bytes"})
    start, end = part
    if start >= end:
        return _answer(b"", kind, "inline", {"content-range": f"bytes */{len(data)}"}, 416)
    return _answer(
        data[start:end], kind, "inline", {"accept-ranges": "bytes", "content-range": f"bytes {start}-{end - 1}/{len(data)}"}, 206
    )


def _part(wanted: str, length: int) -> tuple[int, int] | None:
    """From where to before where; None for the whole: no part is asked for, several are, or it is no range that we know."""
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, length - int(found[2])), length
    return int(found[1]), min(length, int(found[2]) + 1) if found[2] else length


def _answer(data: bytes, kind: str, disposition: str, more: dict[str, str] | None = None, status: int = 200) -> Response[bytes]:
    headers = {
        **(more or {}),
        "content-disposition": disposition,
        "content-security-policy": _NOTHING,
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    return Response(data, media_type=kind, headers=headers, status_code=status)
