"""Plain words out of what a mail program sends: a tidy text, and the part of it that its writer wrote just now."""

import re
import unicodedata

from appliance.language.quotes import split_quotes
from appliance.language.signatures import split_signature
from appliance.records.base import Record
from appliance.records.message import Address

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_TRAILING = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_MANY_BLANKS = re.compile(r"\n{3,}")
_LINES_MAX = 10_000  # lines that are looked at; what a person writes and quotes stays far below

# What no reader sees but a model would read: zero widths, soft hyphens, direction marks, the "tag" letters that
# spell hidden words, and lone surrogates that no encoder takes. The zero-width joiner stays: emoji are made with it.
_UNSEEN = (
    *range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), 0xAD, 0x034F, 0x061C, 0x115F, 0x1160,
    0x17B4, 0x17B5, 0x180E, 0x200B, 0x200C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164,
    0xFEFF, 0xFFA0, *range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000), *range(0xE0000, 0xE0080),
)  # fmt: skip
_SPACES = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_TIDY: dict[int, int | None] = {**dict.fromkeys(_UNSEEN), **dict.fromkeys(_SPACES, 0x20)}


class Cut(Record):
    """A text in its parts: what its writer wrote now, the quoted earlier messages, and the signature."""

    text: str
    quoted: str = ""
    signature: str = ""


def normalise(text: str) -> str:
    """The text in one shape: NFC, ``\\n`` line ends, plain spaces, nothing invisible, never more than one blank line."""
    text = _LINE_ENDS.sub("\n", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = text.translate(_TIDY)
    text = _TRAILING.sub("", text)
    return _MANY_BLANKS.sub("\n\n", text).lstrip("\n").rstrip()


def cut_reply(text: str, *, sender: Address | None = None, forwarded: bool = False) -> Cut:
    """Separate the words of this message from what it quotes and from its signature.

    Top, bottom and inline replies keep their writer's words; a forwarded text is the message and stays. ``sender`` lets a
    bare name at the end be known as a signature. ``forwarded`` says the subject calls it a forward. Nothing is ever cut
    down to nothing: a message that is all quote or all signature keeps it.
    """
    whole = normalise(text)
    lines = whole.split("\n")
    own, quoted = split_quotes(lines[:_LINES_MAX], forwarded=forwarded)
    own += lines[_LINES_MAX:]
    if not any(line.strip() for line in own):
        own, quoted = lines, []
    kept, signature = split_signature(own, sender or Address())
    return Cut(text=_joined(kept), quoted=_joined(quoted), signature=_joined(signature))


def _joined(lines: list[str]) -> str:
    return _MANY_BLANKS.sub("\n\n", "\n".join(lines)).lstrip("\n").rstrip()
