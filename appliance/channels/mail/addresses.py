"""Names and addresses out of From, To and the like, as forgiving as the programs that write them demand."""

import re
from collections.abc import Iterator

from appliance.channels.mail.headers import decode_words
from appliance.records.message import Address

ADDRESSES_MAX = 500

_BARE = re.compile(r'(?:"(?:\\.|[^"\\]){1,64}"|[^\s"<>(),;:]{1,128})@[^\s"<>(),;]{1,255}')
_COMMENT = re.compile(r"\(([^()]{0,500})\)")
_ESCAPED = re.compile(r"\\(.)")


def parse_addresses(body: str) -> tuple[Address, ...]:
    """The addresses of a field whose encoded words are still encoded: a comma inside a name must not part it."""
    found: list[Address] = []
    for piece in _pieces(body[:60_000]):
        found.extend(_read(piece))
        if len(found) >= ADDRESSES_MAX:
            break
    return tuple(found[:ADDRESSES_MAX])


def _pieces(body: str) -> Iterator[str]:
    """The field between its commas and semicolons, those in quotes, comments and angle brackets left alone."""
    start, quoted, angle, depth = 0, False, False, 0
    escaped = False
    closing_quote = body.rfind('"')
    for number, letter in enumerate(body):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"' and (quoted or number < closing_quote):
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif letter in "<>":
            angle = letter == "<"
        elif letter == ":" and not angle and "@" not in body[start:number]:
            start = number + 1  # the name of a group, "undisclosed-recipients:"
        elif letter in ",;" and not angle:
            yield body[start:number]
            start = number + 1
    yield body[start:]


def _read(piece: str) -> Iterator[Address]:
    """One address, or several that somebody parted with blanks."""
    piece = piece.strip()
    if not piece:
        return
    opening = _angle(piece)
    if opening >= 0:
        inside = piece[opening + 1 :].partition(">")[0]
        name = _name(piece[:opening]) or _comments(piece)
        yield Address(name=name, address=_address(inside))
        return
    bare = _BARE.findall(_COMMENT.sub(" ", piece))
    if not bare:
        yield Address(name=_name(piece) or _comments(piece))
        return
    rest = _COMMENT.sub(" ", piece)
    for address in bare:
        rest = rest.replace(address, " ", 1)
    for address in bare:
        yield Address(name=(_name(rest) or _comments(piece)) if len(bare) == 1 else "", address=_address(address))


def _angle(piece: str) -> int:
    """Where the address in angle brackets opens: the last one outside quotes, for some names have one of their own."""
    quoted, place = False, -1
    closing_quote = piece.rfind('"')
    for number, letter in enumerate(piece):
        if letter == '"' and (quoted or number < closing_quote):
            quoted = not quoted
        elif letter == "<" and not quoted:
            place = number
    return place


def _name(text: str) -> str:
    text = decode_words(_COMMENT.sub(" ", text).strip())
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return " ".join(decode_words(_ESCAPED.sub(r"\1", text)).split()).strip('"')[:300]


def _comments(text: str) -> str:
    return " ".join(decode_words(" ".join(_COMMENT.findall(text))).split())[:300]


def _address(text: str) -> str:
    """The address with its domain in lower case; a source route (``@a,@b:``) is left out."""
    text = "".join(text.split()).strip(",;")
    if text.startswith("@") and ":" in text:
        text = text.partition(":")[2]
    if text.lower().startswith("mailto:"):
        text = text[7:]
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{domain.lower()}"[:320] if at else text[:320]
