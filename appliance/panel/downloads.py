"""A customer's file as an answer: to be saved, never shown as part of the panel, for nobody knows what is in it.

Pictures may be looked at: they are known by their first bytes and not by what the mail says, and are served with a policy that
lets a document do nothing at all.
"""

from urllib.parse import quote

from litestar import Response

from appliance.panel.problems import not_found
from appliance.records.work import File

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
    media_type = next((name for start, name in _PICTURES if file.data.startswith(start)), "")
    if file.data[:4] == b"RIFF" and file.data[8:12] == b"WEBP":
        media_type = "image/webp"
    if not media_type:
        raise not_found("picture")
    return _answer(file.data, media_type, "inline")


def _answer(data: bytes, media_type: str, disposition: str) -> Response[bytes]:
    headers = {
        "content-disposition": disposition,
        "content-security-policy": _NOTHING,
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    return Response(data, media_type=media_type, headers=headers)
