"""A table of the company's own (prices, contacts) as plain rows by field, whatever its columns are called.

The file is read as a source of knowledge is: CSV as offices write it, workbooks in a process of their own with limits.
"""

from collections.abc import Mapping
from pathlib import PurePath

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS, Limits, Sheet
from appliance.knowledge.readers import csv_file, workbook
from appliance.knowledge.tables import key_of

Rows = tuple[tuple[int, dict[str, str]], ...]

_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_TEXTS = (".csv", ".tsv")
_HEADER_WITHIN = 10  # rows; above the header there may be a title


def read_rows(name: str, content: bytes, headings: Mapping[str, str], needed: tuple[str, ...], limits: Limits = LIMITS) -> Rows:
    """The rows with their numbers as people see them, each cell by its field; a column that nobody knows is left out.

    ``headings`` gives each field its headings, spaced apart; without a column for each of ``needed`` the file is refused.
    Raises :class:`SourceUnreadable`, and nothing else, for whatever the bytes may be.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in (*_WORKBOOKS, *_TEXTS):
        raise SourceUnreadable(
            "source_kind_unknown", f"A table with the ending {suffix or '(none)'} is not known.", "Save it as .csv or .xlsx."
        )
    if len(content) > limits.file_bytes:
        raise SourceUnreadable("source_too_large", "The table is larger than is allowed.", "Keep only what is needed in it.")
    known = {key_of(heading): field for field, all_of_it in headings.items() for heading in all_of_it.split()}
    for sheet in _sheets(suffix, content, limits):
        found = _rows(sheet, known, needed)
        if found is not None:
            return found
    told = f"The table has no column for: {', '.join(needed)}."
    raise SourceUnreadable("source_broken", told, f"Give it a heading row with {', '.join(needed)}.")


def _sheets(suffix: str, content: bytes, limits: Limits) -> tuple[Sheet, ...]:
    try:
        return csv_file.sheets(content, limits) if suffix in _TEXTS else workbook.sheets(content, limits, "en", suffix != ".xls")[0]
    except SourceUnreadable:
        raise
    except Exception as error:  # bytes can be anything
        told = f"The table could not be read ({type(error).__name__})."
        raise SourceUnreadable("source_broken", told, "Save it again in its program.") from error


def _rows(sheet: Sheet, known: Mapping[str, str], needed: tuple[str, ...]) -> Rows | None:
    """The rows below the first row that has a column for all that is needed; None where there is none."""
    for at, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        fields = [known.get(key_of(heading), "") for heading in row]
        if set(needed) <= set(fields):
            below = enumerate(sheet.rows[at + 1 :], start=sheet.first_row + at + 1)
            return tuple((number, one) for number, cells in below if (one := _by_field(fields, cells)))
    return None


def _by_field(fields: list[str], cells: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, cell in zip(fields, cells, strict=False):
        if field and cell.strip():
            found.setdefault(field, cell.strip())
    return found
