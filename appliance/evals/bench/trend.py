"""What a benchmark leaves behind: a line in a table that grows from run to run, for a chart, and a workbook for a person.

One run is one line, added in one write: several machines may write to the same file on a share, and whoever draws the chart may read it
meanwhile. The columns of a file are those it began with; a run that knows others is refused, so that no chart mixes them.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.ground.errors import TandemError

COLUMN_WIDTH_MOST = 48


class TrendUnusable(TandemError):
    """The table of earlier runs cannot be added to."""


def append(path: Path, at: float, values: Mapping[str, Any]) -> None:
    """Add a line for a run that ended ``at`` (Unix seconds); a new file gets a heading first. Raises :class:`TrendUnusable`."""
    values = {"at": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"), **values}
    columns = list(values)
    try:
        known = _heading(path)
        if known and known != columns:
            raise TrendUnusable(f"{path} has other columns than this run.", "Name another file; this one stays as it is.")
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        if not known:
            writer.writerow(columns)
        writer.writerow([_plain(value) for value in values.values()])
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, lines.getvalue().encode())
        finally:
            os.close(descriptor)
    except (OSError, UnicodeDecodeError) as error:
        raise TrendUnusable(
            f"{path} cannot be added to ({type(error).__name__}).", "Name a file in a folder that this user may write to."
        ) from error


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write a workbook of these sheets; the first row of each is its heading. Raises :class:`TrendUnusable`."""
    from openpyxl import Workbook  # late: only a report needs it
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([_plain(value) for value in row])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "A2"
        for number, column in enumerate(zip(*rows, strict=True), start=1):
            sheet.column_dimensions[get_column_letter(number)].width = _width(column)
    try:
        book.save(path)
    except OSError as error:
        raise TrendUnusable(
            f"{path} cannot be written ({error.strerror}).", "Name an .xlsx in a folder that this user may write to."
        ) from error


def _heading(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines), [])


def _width(column: Iterable[Any]) -> int:
    return min(COLUMN_WIDTH_MOST, 2 + max(len(str(value)) for value in column))


def _plain(value: Any) -> Any:
    """A cell that a spreadsheet takes as a value and never as a formula: a mail's file name may begin with anything."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
