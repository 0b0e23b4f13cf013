"""The files of a folder that hold mails, and the mails in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from appliance.ground.errors import TandemError

FILE_BYTES_MAX = 200_000_000
MAILS_MAX = 100_000

_MAIL_ENDINGS = frozenset((".eml", ".msg", ".mbox", ".mbx", ".email", ".mail", ""))
_NO_MAILS = re.compile(r"^(?:licen[cs]e|copying|notice|readme|authors|changelog|makefile|\..*)", re.IGNORECASE)
# A mail in an mbox starts behind an empty line, and fields follow at once: a "From " in a letter has neither.
_MBOX_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From [^\r\n]{1,200}\r?\n(?=>?[!-9;-~]{1,80}[: ])")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


class FolderMissing(TandemError):
    """There is nothing at the path that was to be measured."""


class FoundMail(NamedTuple):
    """A mail and what it is called: its path below the folder, with ``#n`` when the file holds several.

    ``trouble`` says why not all of it could be read, "" when it could.
    """

    name: str
    raw: bytes
    trouble: str = ""


def files_of(folder: Path, endings: frozenset[str] = _MAIL_ENDINGS) -> tuple[Path, ...]:
    """The files below the folder (or the one file) that by their ending hold what is looked for, in order."""
    if folder.is_file():
        return (folder,)
    if not folder.is_dir():
        raise FolderMissing(f"There is no folder {folder}.", "Name a folder of mails, or one file.")
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() in endings)
    return tuple(path for path in found if not _NO_MAILS.match(path.name))


def name_of(path: Path, folder: Path) -> str:
    return path.name if path == folder else path.relative_to(folder).as_posix()


def mails_of(path: Path, folder: Path) -> Iterator[FoundMail]:
    """The mails in a file: one, or those of an mbox. What is too large is read as far as the limit."""
    name = name_of(path, folder)
    try:
        with open(path, "rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        yield FoundMail(name, b"", f"the file cannot be opened: {error.strerror}")
        return
    trouble = "the file is over the limit" if len(raw) > FILE_BYTES_MAX else ""
    may_hold_several = path.suffix.lower() in ("", ".mbox", ".mbx") and raw.startswith(b"From ")
    starts = [match.start() for match in _MBOX_LINE.finditer(raw)] if may_hold_several else []
    if len(starts) < 2 and path.suffix.lower() not in (".mbox", ".mbx"):
        starts = []
    if not starts:
        yield FoundMail(name, raw[:FILE_BYTES_MAX], trouble)
    for number, start in enumerate(starts[:MAILS_MAX]):
        end = starts[number + 1] if number + 1 < len(starts) else len(raw)
        yield FoundMail(f"{name}#{number + 1}", _QUOTED_FROM.sub(rb"\1", raw[start:end]), trouble)
