"""The head of a mail: fields out of bytes, unfolded and decoded, however they were mangled on the way."""

import binascii
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from email.utils import mktime_tz, parsedate_tz
from typing import NamedTuple

from appliance.channels.mail.charset import decode
from appliance.channels.mail.transfer import undo

FIELDS_MAX = 2_000
FIELD_BYTES_MAX = 100_000

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_UNFOLD = re.compile(r"(?<![ \t])[ \t]*\n[ \t]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_COMMENT = re.compile(r"\([^()]{0,1000}\)")
_MESSAGE_ID = re.compile(r"<\s*([^<>]{1,990}?)\s*>")
_PARAMETER = re.compile(r';?\s*([^\s=;"]{1,100})\s*=\s*("(?:\\.|[^"\\])*"?|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONTINUED = re.compile(r"([^*]+)\*(?:(\d{1,3})(\*)?)?\Z")
# A line that is no field, met in the head, is skipped when one of these still follows; else the text has begun.
_WELL_KNOWN = re.compile(
    rb"^(?:from|to|cc|subject|date|message-id|received|return-path|reply-to|mime-version|content-type|"
    rb"content-transfer-encoding|content-disposition|in-reply-to|references|sender|delivered-to|x-[\w-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)


class Field(NamedTuple):
    """One field: its name in lower case, and its body as it came, folds and all."""

    name: str
    body: bytes


class Head:
    """The fields of a mail or of one of its parts, top first."""

    def __init__(self, fields: Sequence[Field], oddities: Sequence[str] = ()) -> None:
        self.fields = tuple(fields)
        self.oddities = tuple(oddities)
        self._bodies: dict[str, list[bytes]] = {}
        for field in fields:
            self._bodies.setdefault(field.name, []).append(field.body)

    def __contains__(self, name: str) -> bool:
        return name in self._bodies

    def count(self, name: str) -> int:
        return len(self._bodies.get(name, ()))

    def plain(self, name: str) -> str:
        """The first field of that name as one line, its encoded words not yet decoded; "" when there is none."""
        bodies = self._bodies.get(name)
        return unfold(bodies[0]) if bodies else ""

    def all_plain(self, name: str) -> Iterator[str]:
        return (unfold(body) for body in self._bodies.get(name, ()))

    def text(self, name: str) -> str:
        """The first field of that name as a person reads it."""
        return decode_words(self.plain(name)).strip()


def split_head(data: bytes) -> tuple[Head, bytes]:
    """The head and the rest of a mail whose line ends are ``\\n``. A mail without a head is all rest."""
    fields: list[Field] = []
    oddities: list[str] = []
    position = 0
    while position < len(data) and len(fields) < FIELDS_MAX:
        end = data.find(b"\n", position)
        end = len(data) if end < 0 else end
        line = data[position:end]
        if not line.strip():
            position = end + 1
            break
        found = _FIELD.match(line)
        if line[:1] in b" \t":
            if fields:
                fields[-1] = Field(fields[-1].name, fields[-1].body + b"\n" + line)
        elif found is not None:
            start = position
            position, body = _whole_body(data, end, line[found.end() :])
            fields.append(Field(found.group(1).decode("ascii").lower(), body[:FIELD_BYTES_MAX]))
            if position <= start:
                break
            continue
        elif not line.startswith((b"From ", b">From ")):
            if not fields or not _field_comes(data, end):
                oddities.append("head_without_end" if fields else "no_head")
                break
            oddities.append("head_line_broken")
        position = end + 1
    return Head(fields, oddities), data[position:]


def _whole_body(data: bytes, end: int, body: bytes) -> tuple[int, bytes]:
    """The body of a field with its folded lines, and where the next field starts."""
    start = end
    while data[end + 1 : end + 2] in (b" ", b"\t"):
        next_end = data.find(b"\n", end + 1)
        next_end = len(data) if next_end < 0 else next_end
        if not data[end + 1 : next_end].strip():
            break  # a line of blanks ends the head in practice, whatever the grammar says
        end = next_end
    return end + 1, body + data[start:end] if end > start else body


def _field_comes(data: bytes, position: int) -> bool:
    """Whether a well-known field still stands before the next empty line."""
    blank = data.find(b"\n\n", position)
    return _WELL_KNOWN.search(data, position, len(data) if blank < 0 else blank) is not None


def unfold(body: bytes) -> str:
    """A field's body as one line of letters, without control characters."""
    text = decode(body).text
    if "\n" in text:
        text = _UNFOLD.sub(" ", text)
    return _CONTROL.sub("", text).strip()


def decode_words(text: str) -> str:
    """Encoded words (RFC 2047) decoded. Letters cut in half between two words of one charset are put together first."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    charset, gathered = "", b""
    position = 0
    for word in _WORD.finditer(text):
        between = text[position : word.start()]
        data = _word_bytes(word.group(2), word.group(3))
        if data is None:
            continue
        if gathered and (between.strip() or word.group(1).lower() != charset):
            pieces.append(decode(gathered, charset).text)
            gathered = b""
        if between.strip() or not (pieces or gathered):
            pieces.append(between)
        charset = word.group(1).lower()
        gathered += data
        position = word.end()
    if gathered:
        pieces.append(decode(gathered, charset).text)
    return _CONTROL.sub("", "".join([*pieces, text[position:]]))


def _word_bytes(kind: str, payload: str) -> bytes | None:
    data = payload.encode("utf-8", "replace")
    if kind in "qQ":
        return binascii.a2b_qp(data.replace(b"_", b"=20"), header=False)
    decoded = undo(data, "base64")
    return None if decoded.oddity and not decoded.data else decoded.data


def parameters(body: str) -> tuple[str, dict[str, str]]:
    """The value of a structured field and its parameters (RFC 2231), names in lower case."""
    value, _, rest = body.partition(";")
    if "=" in value and "/" not in value:
        value, rest = "", body
    value = _COMMENT.sub("", value).strip().split(" ")[0].strip("\"'").lower()
    plain: dict[str, str] = {}
    parts: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _PARAMETER.finditer(rest[:10_000]):
        name, raw = found.group(1).lower(), found.group(2).strip()
        content = _ESCAPED.sub(r"\1", raw.strip('"')) if raw.startswith('"') else _COMMENT.sub("", raw).strip() or raw
        continued = _CONTINUED.match(name)
        if continued is None:
            plain.setdefault(name, content)
        else:
            number = int(continued.group(2) or 0)
            encoded = continued.group(3) is not None or continued.group(2) is None
            parts.setdefault(continued.group(1), {}).setdefault(number, (content, encoded))
    for name, pieces in parts.items():
        plain[name] = _joined(pieces)
    return value, plain


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """The pieces of a parameter in order; percent signs are undone in those that say so, by the charset of the first."""
    charset, data = "", b""
    for number in sorted(pieces):
        content, encoded = pieces[number]
        if encoded and number == min(pieces) and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data += urllib.parse.unquote_to_bytes(content) if encoded else content.encode("utf-8", "replace")
    return _CONTROL.sub("", decode(data, charset).text)


def message_ids(body: str, at_most: int = 100) -> tuple[str, ...]:
    """The Message-IDs of a field, with their angle brackets; the last ones when there are too many."""
    found = tuple(f"<{_joined_id(match)}>" for match in _MESSAGE_ID.findall(body))
    if not found and body.strip() and "@" in body:
        found = tuple(f"<{word.strip('<>')}>" for word in _COMMENT.sub("", body).split() if "@" in word)
    return found[-at_most:]


def _joined_id(text: str) -> str:
    """A fold inside an identifier is no part of it."""
    return "".join(text.split())


def unix_time(body: str) -> float | None:
    """The moment a Date field means, in Unix seconds; None when it means none between 1970 and 2200."""
    try:
        parsed = parsedate_tz(body[:200])
        if parsed is None:
            return None
        seconds = float(mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return seconds if 0 <= seconds < 7_258_118_400 else None
