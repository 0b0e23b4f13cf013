"""Mails out of one file: an ``.eml`` is one mail, an ``.mbox`` is many, each after a line that begins with ``From``.

An mbox has no grammar, only habits (RFC 4155, appendix A). A ``From`` line counts as one at the start of the file or after an
empty line, and, where the file's first one carries a date as they do, only with a date: a letter may well begin a paragraph
with "From". The ``>`` that writers put before such a line in the text is taken off again.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

LINE_MAX = 1_000_000

_DATED = re.compile(rb"From .*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+[A-Z][a-z]{2}\s+\d{1,2}\s+\d{1,2}:\d\d")
_QUOTED = re.compile(rb">+From ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One mail of a file. ``end`` is the place in the file behind it. ``cut``: it was longer than the limit."""

    raw: bytes
    end: int
    cut: bool = False


Splitter = Callable[[BinaryIO, int, int], Iterator[Piece]]


def one_mail(file: BinaryIO, start: int, limit: int) -> Iterator[Piece]:
    """The whole file, unless it has been read: then nothing."""
    if start:
        return
    raw = file.read(limit + 1)
    yield Piece(raw=raw[:limit], end=max(file.seek(0, 2), 1), cut=len(raw) > limit)


def many_mails(file: BinaryIO, start: int, limit: int) -> Iterator[Piece]:
    """The mails from this place on. A file without any ``From`` line is taken as one mail: nothing is left unread."""
    dated = _DATED.match(file.readline(LINE_MAX)) is not None
    file.seek(start)
    mail = _Mail(limit)
    after_empty = True
    place = start
    for line in iter(lambda: file.readline(LINE_MAX), b""):
        if after_empty and (_DATED.match(line) if dated else line.startswith(b"From ")):
            if mail.begun:
                yield mail.piece(place)
            mail = _Mail(limit)
            mail.begun = True
        else:
            mail.add(line)
        after_empty = line in (b"\n", b"\r\n")
        place += len(line)
    if mail.begun:
        yield mail.piece(place)


class _Mail:
    """A mail that is being gathered line by line."""

    def __init__(self, limit: int) -> None:
        self.begun = False
        self._limit = limit
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        if line.strip():
            self.begun = True
        self._size += len(line)
        if self._size <= self._limit:
            self._lines.append(line[1:] if _QUOTED.match(line) else line)

    def piece(self, end: int) -> Piece:
        if self._lines and self._lines[-1] in (b"\n", b"\r\n"):
            self._lines.pop()  # the empty line before the next From line belongs to the file, not to the mail
        return Piece(raw=b"".join(self._lines), end=end, cut=self._size > self._limit)
