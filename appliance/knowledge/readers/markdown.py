"""Markdown into pieces: the heading path is the title, a section's paragraphs are the text, a table's rows are pieces.

Marks for the eye (emphasis, code, images) are taken off, since the words go into a mail; links keep their address.
Paragraphs of one section stay together up to a length, so that an answer is not torn from its condition.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.knowledge.pieces import LIMITS, Limits, Piece, Reading, Sheet
from appliance.knowledge.tables import read_sheets

_TOGETHER = 600  # characters of neighbouring paragraphs that make one piece
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+(.*)$")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_RULE = re.compile(r"^ {0,3}([-*_])(?:\s*\1){2,}\s*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\s*\n.*?\n---\s*\n", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|\*|_|~~|`)(?=\S)(.+?)(?<=\S)\1")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>])")
_TAG = re.compile(r"</?[A-Za-z][^>]*>")


@dataclass
class _Block:
    """A paragraph, a list, a code block or a table, with the line it starts on."""

    line: int
    kind: str
    lines: list[str] = field(default_factory=list)


def read(text: str, limits: Limits = LIMITS) -> Reading:
    """All sections of the text as pieces, in order."""
    pieces: list[Piece] = []
    notes: list[str] = []
    for path, line, blocks in _sections(_prepared(text)):
        for found in _section_pieces(path, line, blocks, limits):
            pieces.extend(found.pieces)
            notes.extend(found.notes)
    return Reading(tuple(pieces), tuple(notes[: limits.notes]))


def _prepared(text: str) -> list[str]:
    """Lines without front matter and comments; their line breaks stay, so that line numbers hold."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    for pattern in (_FRONT_MATTER, _COMMENT):
        unix = pattern.sub(lambda match: "\n" * match.group().count("\n"), unix)
    return unix.split("\n")


def _sections(lines: list[str]) -> Iterator[tuple[tuple[str, ...], int, list[_Block]]]:
    """Each heading path with the blocks below it."""
    path: list[tuple[int, str]] = []
    start, body = 1, list[tuple[int, str]]()
    for number, level, words in _headings(lines):
        if level == 0:
            body.append((number, words))
            continue
        yield tuple(name for _, name in path), start, list(_blocks(body))
        path = [step for step in path if step[0] < level] + [(level, _plain(words))]
        start, body = number, []
    yield tuple(name for _, name in path), start, list(_blocks(body))


def _headings(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Each line with its number and, for a heading, its level; fences hide what is inside them."""
    fence, skip = "", False
    for at, line in enumerate(lines):
        if skip:
            skip = False
            continue
        opened = _FENCE.match(line)
        if opened and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else opened.group(1)[:3]
        heading = None if fence else _HEADING.match(line)
        below = lines[at + 1] if at + 1 < len(lines) and not fence else ""
        if heading:
            yield at + 1, len(heading.group(1)), heading.group(2)
        elif line.strip() and _UNDERLINE.match(below) and _is_paragraph_line(line) and (at == 0 or not lines[at - 1].strip()):
            yield at + 1, 1 if below.strip().startswith("=") else 2, line.strip()
            skip = True
        else:
            yield at + 1, 0, line


def _is_paragraph_line(line: str) -> bool:
    return not _ITEM.match(line) and "|" not in line and not line.lstrip().startswith(">")


def _blocks(body: list[tuple[int, str]]) -> Iterator[_Block]:
    block: _Block | None = None
    fenced = False
    for number, line in body:
        if _FENCE.match(line):
            if not fenced and block:
                yield block
            block = _Block(number, "code") if not fenced else block
            if fenced and block:
                yield block
                block = None
            fenced = not fenced
            continue
        if fenced and block:
            block.lines.append(line)
            continue
        kind = _kind(line, block)
        if block and kind != block.kind:
            yield block
            block = None
        if kind:
            block = block or _Block(number, kind)
            block.lines.append(line)
    if block:
        yield block


def _kind(line: str, block: _Block | None) -> str:
    """What the line belongs to; an indented or plain line right below a list item goes on with it."""
    if not line.strip() or _RULE.match(line):
        return ""
    if _ITEM.match(line):
        return "list"
    if line.lstrip().startswith("|") or (block and block.kind == "table" and "|" in line):
        return "table"
    return "list" if block and block.kind == "list" else "paragraph"


def _section_pieces(path: tuple[str, ...], line: int, blocks: list[_Block], limits: Limits) -> Iterator[Reading]:
    title = " › ".join(path)
    held: list[str] = []
    at = line
    for block in blocks:
        text = _block_text(block) if block.kind != "table" else ""
        if held and (not text or sum(map(len, held)) + len(text) > _TOGETHER) and not held[-1].endswith(":"):
            yield Reading((Piece("\n\n".join(held), title=title, place=f"line {at}"),))
            held = []
        if text:
            at = block.line if not held else at
            held.append(text)
        if block.kind == "table":
            yield _table(block, path, limits)
    if held:
        yield Reading((Piece("\n\n".join(held), title=title, place=f"line {at}"),))


def _block_text(block: _Block) -> str:
    if block.kind == "code":
        return "\n".join(block.lines).strip()
    if block.kind == "list":
        return "\n".join(_items(block.lines))
    return _plain(" ".join(line.strip().lstrip("> ") for line in block.lines))


def _items(lines: list[str]) -> Iterator[str]:
    item = ""
    for line in lines:
        match = _ITEM.match(line)
        if match and item:
            yield f"- {_plain(item)}"
            item = ""
        item = match.group(1) if match else f"{item} {line.strip()}"
    if item:
        yield f"- {_plain(item)}"


def _table(block: _Block, path: tuple[str, ...], limits: Limits) -> Reading:
    """The rows as a sheet would give them, under the section's title."""
    rows = [tuple(_cells(line)) for line in block.lines if not _TABLE_RULE.match(line)]
    reading = read_sheets((Sheet("", tuple(rows)),), limits)
    head = " › ".join(path)
    pieces = tuple(
        Piece(piece.text, piece.key, _joined(head, piece), f"line {block.line}, table {piece.place}", piece.aliases, piece.tags)
        for piece in reading.pieces
    )
    return Reading(pieces, tuple(f"line {block.line}, table {note}" for note in reading.notes))


def _joined(head: str, piece: Piece) -> str:
    return piece.title if piece.key or not head else " › ".join(filter(None, [head, piece.title]))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [_plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]


def _plain(text: str) -> str:
    """The words as a mail would carry them."""
    bare = _LINK.sub(_link, _IMAGE.sub(r"\1", _TAG.sub("", text)))
    for _ in range(3):  # emphasis inside emphasis
        bare = _EMPHASIS.sub(_unmarked, bare)
    return " ".join(_ESCAPED.sub(r"\1", bare).split())


def _link(match: re.Match[str]) -> str:
    words, address = match.group(1), match.group(2).removeprefix("mailto:").removeprefix("tel:")
    return words if address in (words, f"#{words}") or address.startswith("#") else f"{words} ({address})"


def _unmarked(match: re.Match[str]) -> str:
    """Underscores inside a word are letters, as in ``opening_hours``."""
    text = match.string
    inside = match.group(1).startswith("_") and (
        (match.start() > 0 and text[match.start() - 1].isalnum()) or (match.end() < len(text) and text[match.end()].isalnum())
    )
    return match.group() if inside else match.group(2)
