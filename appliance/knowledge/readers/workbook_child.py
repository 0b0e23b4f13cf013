"""The process that reads one workbook: bytes on standard input, JSON on standard output, and then it ends.

Started by :mod:`appliance.knowledge.readers.workbook`, which says why. Nothing is imported before the limits are set
that could be hurt by the file.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from appliance.knowledge.cells import as_text

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_FORMATTED_CELLS = 200_000  # above, the formats of numbers are not looked up: that reader is slow
_FILL_ROWS = 10_000


def main() -> None:
    """Read, answer, end. What the parser throws is an answer too."""
    wish = json.loads(sys.argv[1])
    _limit(wish["memory_bytes"], wish["seconds"])
    content = sys.stdin.buffer.read()
    try:
        answer = _read(content, wish)
    except _TooMuch as error:
        answer = {"code": "source_too_large", "error": str(error), "remedy": "Split it into several sources."}
    except MemoryError:
        answer = {"code": "source_too_large", "error": "The workbook needs more memory than is allowed.", "remedy": "Split it."}
    except Exception as error:
        answer = {"code": "source_broken", "error": f"The workbook is damaged or of a kind that is not known ({type(error).__name__})."}
    sys.stdout.write(json.dumps(answer))


class _TooMuch(Exception):
    """More sheets, rows or cells than allowed."""


def _limit(memory_bytes: int, seconds: int) -> None:
    for kind, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS does not know every limit; the parent's timeout holds all the same
            continue


def _read(content: bytes, wish: dict[str, Any]) -> dict[str, Any]:
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    hidden = {sheet.name for sheet in workbook.sheets_metadata if sheet.visible != SheetVisibleEnum.Visible}
    names = [name for name in workbook.sheet_names if name not in hidden]
    if len(names) > wish["sheets"]:
        raise _TooMuch(f"The workbook has {len(names)} sheets; {wish['sheets']} are allowed.")
    notes = [f"Sheet {name} is hidden and was left out." for name in sorted(hidden)]
    tables = list(_tables(workbook, names, wish, notes))
    formats = _formats(content, tables)
    sheets = [
        {"name": name, "first_row": top + 1, "rows": _texts(name, top, left, rows, formats, wish)} for name, top, left, rows in tables
    ]
    return {"sheets": sheets, "notes": notes}


Table = tuple[str, int, int, list[list[Any]]]


def _tables(workbook: "CalamineWorkbook", names: list[str], wish: dict[str, Any], notes: list[str]) -> Iterator[Table]:
    """Each sheet's values with the row and column where they start."""
    rows_left, cells_left = wish["rows"], wish["cells"]
    for name in names:
        try:
            sheet = workbook.get_sheet_by_name(name)
        except Exception as error:  # a chart or macro sheet among good ones
            notes.append(f"Sheet {name} could not be read ({type(error).__name__}) and was left out.")
            continue
        rows_left -= sheet.height
        cells_left -= sheet.height * sheet.width
        if rows_left < 0 or cells_left < 0:
            raise _TooMuch(f"The workbook has more than {wish['rows']} rows or {wish['cells']} cells.")
        top, left = sheet.start or (0, 0)
        rows = sheet.to_python(skip_empty_area=True)
        _fill_merged(sheet, rows, top, left)
        yield name, top, left, rows


def _fill_merged(sheet: "CalamineSheet", rows: list[list[Any]], top: int, left: int) -> None:
    """A cell merged over several rows speaks for each of them. Across columns it is a heading and stays one."""
    for (first, column), (last, _) in sheet.merged_cell_ranges or ():
        here = column - left
        if not (0 <= first - top < len(rows)) or not 0 <= here < len(rows[first - top]):
            continue
        value = rows[first - top][here]
        for row in rows[first - top + 1 : min(last - top, first - top + _FILL_ROWS) + 1]:
            if here < len(row) and row[here] == "":
                row[here] = value


Formats = dict[tuple[str, int, int], str]


def _formats(content: bytes, tables: list[Table]) -> Formats:
    """How the workbook shows its numbers ("0.00 %", "# ##0 €"): only .xlsx tells, and a file that does not is no fault."""
    numeric = any(isinstance(cell, int | float) for _, _, _, rows in tables for row in rows for cell in row)
    cells = sum(len(row) for _, _, _, rows in tables for row in rows)
    if not numeric or cells > _FORMATTED_CELLS or not content.startswith(b"PK"):
        return {}
    try:
        return dict(_walk_formats(content))
    except Exception:
        return {}


def _walk_formats(content: bytes) -> Iterator[tuple[tuple[str, int, int], str]]:
    from openpyxl import load_workbook

    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    for sheet in workbook.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, int | float) and cell.number_format != "General":
                    yield (sheet.title, cell.row, cell.column), cell.number_format


def _texts(name: str, top: int, left: int, rows: list[list[Any]], formats: Formats, wish: dict[str, Any]) -> list[list[str]]:
    most, language = wish["cell_characters"], wish["language"]
    return [
        [as_text(cell, language, formats.get((name, top + at + 1, left + column + 1), ""))[:most] for column, cell in enumerate(row)]
        for at, row in enumerate(rows)
    ]


if __name__ == "__main__":
    main()
