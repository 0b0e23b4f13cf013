"""Words planted where words live, and the search for them in whatever leaves: as they are, and in every dress they may have put on."""

import base64
import io
import json
import quopri
import zipfile
from collections.abc import Iterable, Iterator
from urllib.parse import quote


def forms(word: str) -> set[bytes]:
    """The word as bytes: plain, in UTF-16, as base64 at each of its three alignments, quoted-printable, for a URL, in JSON, in hex."""
    dressed: set[bytes] = set()
    for raw in (word.encode(), word.encode("latin-1"), word.encode("utf-16-le"), word.encode("utf-16-be")):
        dressed |= {raw, raw.lower(), raw.upper(), raw.hex().encode(), *_base64(raw), quopri.encodestring(raw).rstrip(b"=\n")}
    quoted = quopri.encodestring(word.encode(), header=True)
    return dressed | {quote(word).encode(), quoted, json.dumps(word)[1:-1].encode()}


def _base64(raw: bytes) -> Iterator[bytes]:
    """The part that is the same whatever stands before and after the word."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        whole = (before + len(raw)) // 3 * 4
        yield coded[4 if before else 0 : whole]


def found(content: bytes, words: Iterable[str]) -> set[str]:
    """Which of the words stand in the content, whatever their dress."""
    flat = content.replace(b"=\n", b"").replace(b"=\r\n", b"")
    lower = flat.lower()
    return {word for word in words if any(form in flat or form in lower for form in forms(word))}


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
