"""Writing header lines (RFC 5322), with other letters than ASCII as encoded words (RFC 2047).

Own code rather than the library's, for two reasons: both nodes must make the same bytes whatever their Python, and no
character of a customer's may end a header line. Whatever goes in, one header comes out.
"""

import base64
import re
import unicodedata
from collections.abc import Iterable, Sequence

from appliance.channels.mail.wire_address import wire
from appliance.records.message import Address

LINE_MAX = 76
_WORD_MAX = 56  # of an encoded word: so that it fits on the first line, after the longest of our header names
_DROPPED = {"Cc", "Cs", "Zl", "Zp"}  # controls, halves of characters, line and paragraph ends
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PLAIN_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")  # fit for names as well


def clean(text: str, length: int = 300) -> str:
    """One line: controls and line ends of any script become spaces, runs of space one; cut to ``length`` characters."""
    spaced = "".join(" " if unicodedata.category(character) in _DROPPED else character for character in text)
    return " ".join(spaced.split())[:length].rstrip()


def text_header(name: str, text: str) -> str:
    """A header of free words, such as Subject."""
    return _folded(name, _words(clean(text)))


def token_header(name: str, tokens: Sequence[str]) -> str:
    """A header of tokens that are known to be harmless: Message-IDs, key words."""
    return _folded(name, tokens)


def address_header(name: str, addresses: Iterable[Address]) -> str:
    """A header of addresses. Raises ``NoAddress`` for one that mail cannot be sent to."""
    tokens: list[str] = []
    for address in addresses:
        if tokens:
            tokens[-1] += ","
        tokens += [*_phrase(clean(address.name, 120)), f"<{wire(address.address).text}>"]
    return _folded(name, tokens)


def _words(text: str) -> list[str]:
    """The words, from the first to the last one that needs it as encoded words: what can be read raw stays so (``Re:``)."""
    words = text.split()
    odd = [place for place, word in enumerate(words) if not word.isascii() or "=?" in word or len(word) > LINE_MAX - 16]
    if not odd:
        return words
    return [*words[: odd[0]], *_encoded(" ".join(words[odd[0] : odd[-1] + 1])), *words[odd[-1] + 1 :]]


def _phrase(name: str) -> list[str]:
    if not name:
        return []
    if not name.isascii() or "=?" in name or len(name) > 50:
        return _encoded(name)
    if _ATOMS.fullmatch(name):
        return [name]
    return ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"']


def _encoded(text: str) -> list[str]:
    """The text as encoded words; a reader joins neighbours without a space, so spaces are part of the words."""
    encode = min((_q, _b), key=lambda way: len(way(text)))
    words, current = [], ""
    for character in text:
        if current and len(encode(current + character)) > _WORD_MAX:
            words.append(encode(current))
            current = ""
        current += character
    return [*words, encode(current)]


def _q(text: str) -> str:
    letters = (chr(byte) if byte in _PLAIN_IN_Q else "_" if byte == 32 else f"={byte:02X}" for byte in text.encode("utf-8"))
    return f"=?utf-8?Q?{''.join(letters)}?="


def _b(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(text.encode('utf-8')).decode('ascii')}?="


def _folded(name: str, tokens: Sequence[str]) -> str:
    """The tokens with a space between them, broken into lines where they get too long. The line end is CRLF."""
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + 1 + len(token) > LINE_MAX and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {token}"
    return "\r\n".join(lines) + "\r\n"
