"""Cases as a table in a file: the export, and the audit copy that is written before a queue is archived."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from appliance.cli.common import OWNER
from appliance.ground.errors import Refused, SettingsError
from appliance.ground.files import new_file
from appliance.records.case import CaseRow, CaseState

LOT = 500

EXPORTED = (
    "id", "received_at", "changed_at", "channel", "mailbox", "state", "reason", "language", "tier", "team", "score", "agent",
    "duplicate_of",
)  # fmt: skip

Seen = list[tuple[str, float]]


class Archived(NamedTuple):
    """What became of a queue: how many cases are in the copy, how many of them were archived, and all of them as they stood."""

    copied: int
    archived: int
    seen: Seen


def archive(commands: Any, file: Path, words: bool) -> Archived:
    """Write every listed case into a new file, and only when it is on the disk have those archived that have ended.

    The node is told how each case stood in the copy, and leaves what has changed or come in since.
    """
    seen = _audit_copy(commands, file, words)
    return Archived(len(seen), in_lots(seen, lambda lot: commands.archive(OWNER, lot)), seen)


def _audit_copy(commands: Any, file: Path, words: bool) -> Seen:
    seen: Seen = []
    try:
        with new_file(file) as place, table_writer(place) as write:
            for row in exported(commands, write, words):
                seen.append((row.id, row.changed_at))
    except FileExistsError as error:
        raise Refused(f"{file} is there already; nothing was archived.", "Name a file that does not exist yet.") from error
    except OSError as error:
        reason = f"The audit copy {file} could not be written ({error.strerror}); nothing was archived."
        raise Refused(reason, "Check the folder, its rights and the room on the disk.") from error
    return seen


def in_lots(seen: Seen, work: Callable[[Seen], int]) -> int:
    """Have cases worked off in lots that a request can carry; the sum of what each came to."""
    return sum(work(seen[start : start + LOT]) for start in range(0, len(seen), LOT))


def exported(
    commands: Any, write: Callable[[Sequence[Any]], None], words: bool, states: tuple[CaseState, ...] | None = None, archived: bool = False
) -> Iterator[CaseRow]:
    """Write the headings and every case, newest first; each row comes out once it is written."""
    columns = (*EXPORTED, "sender", "subject") if words else EXPORTED
    write(columns)
    before: str | None = None
    while rows := commands.rows(states, LOT, before, archived=archived):
        for row in rows:
            write([getattr(row, column) for column in columns])
            yield row
        before = rows[-1].id


@contextmanager
def table_writer(file: Path) -> Iterator[Callable[[Sequence[Any]], None]]:
    """A function that adds a row to a CSV or a workbook, saved at the end. Raises ``SettingsError`` for a name of another kind."""
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise SettingsError("The file's name ends neither in .csv nor in .xlsx.", "Name a .csv or an .xlsx.")
    if file.suffix.lower() == ".xlsx":
        from openpyxl import Workbook  # late: only this command needs it

        book = Workbook(write_only=True)
        sheet = book.create_sheet("cases")
        yield lambda row: sheet.append([_plain(value) for value in row])
        book.save(file)
        return
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        yield lambda row: writer.writerow([_plain(value) for value in row])


def _plain(value: Any) -> Any:
    """A cell that a spreadsheet takes as a value and never as a formula, whatever a customer wrote into a subject."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
