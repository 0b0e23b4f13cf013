"""A sheet into pieces: Key/Value, Question/Answer, or whatever columns the company happens to keep.

In a sheet with columns known by name the other columns are the company's own notes and are left aside. In a free sheet
every row becomes a readable text with the headers woven in: ``Product: PX-200. Price: 49 €.``
"""

import re
from collections.abc import Iterator

from appliance.knowledge.columns import ALIASES, ANSWER, KEY, QUESTION, TAGS, TITLE, VALUE, is_keyed, is_questions, roles
from appliance.knowledge.pieces import LIMITS, Limits, Piece, Reading, Sheet

_HEADER_WITHIN = 10  # rows; above the header there may be a title and a remark
_HEADER_LENGTH = 60
_SEPARATORS = re.compile(r"[;|\n]")
_NOT_WORD = re.compile(r"[^\w]+")
_ERROR = re.compile(r"#(?:REF!|DIV/0!|N/A|NAME\?|NULL!|NUM!|VALUE!|SPILL!|CALC!|GETTING_DATA)", re.IGNORECASE)

Row = tuple[int, tuple[str, ...]]


def read_sheets(sheets: tuple[Sheet, ...], limits: Limits = LIMITS) -> Reading:
    """The pieces of all sheets, in order."""
    pieces: list[Piece] = []
    notes: list[str] = []
    for sheet in sheets:
        rows = [(sheet.first_row + at, tuple(cell.strip() for cell in row)) for at, row in enumerate(sheet.rows)]
        for number, found in _pieces([row for row in rows if any(row[1])], sheet.name):
            if isinstance(found, Piece):
                pieces.append(found)
            else:
                notes.append(f"{_place(sheet.name, number)}: {found}")
    return Reading(tuple(pieces), tuple(_shortened(notes, limits.notes)))


def key_of(written: str) -> str:
    """The key as a name: ``Opening hours`` and ``opening_hours`` are the same fact."""
    return _NOT_WORD.sub("_", written.strip().casefold()).strip("_")


def _pieces(rows: list[Row], sheet: str) -> Iterator[tuple[int, Piece | str]]:
    for at, (_, row) in enumerate(rows[:_HEADER_WITHIN]):
        known = roles(row)
        if is_keyed(known):
            return _keyed(rows[at + 1 :], known, sheet)
        if is_questions(known):
            return _titled(rows[at + 1 :], known, sheet)
    return _free(rows, sheet)


def _keyed(rows: list[Row], known: dict[str, int], sheet: str) -> Iterator[tuple[int, Piece | str]]:
    value_column = known.get(VALUE, known.get(ANSWER, -1))
    for number, row in rows:
        written, value = _cell(row, known[KEY]), _cell(row, value_column)
        key = key_of(written)
        problem = _problem(key, value, "key")
        if problem:
            yield number, problem
            continue
        question = _cell(row, known.get(QUESTION, -1))
        aliases = ((question,) if question else ()) + _parts(_cell(row, known.get(ALIASES, -1)))
        title = _cell(row, known.get(TITLE, -1)) or written.replace("_", " ").strip()
        yield number, Piece(value, key, title, _place(sheet, number), aliases, _parts(_cell(row, known.get(TAGS, -1)), ","))


def _titled(rows: list[Row], known: dict[str, int], sheet: str) -> Iterator[tuple[int, Piece | str]]:
    title_column = known.get(QUESTION, known.get(TITLE, -1))
    text_column = known.get(ANSWER, known.get(VALUE, -1))
    for number, row in rows:
        title, text = _cell(row, title_column), _cell(row, text_column)
        problem = _problem(title, text, "question")
        if problem:
            yield number, problem
            continue
        aliases = _parts(_cell(row, known.get(ALIASES, -1)))
        key = key_of(_cell(row, known.get(KEY, -1)))
        yield number, Piece(text, key, title, _place(sheet, number), aliases, _parts(_cell(row, known.get(TAGS, -1)), ","))


def _problem(name: str, value: str, what: str) -> str:
    if _ERROR.fullmatch(value):
        return f"the value is an error ({value}), so the row was left out."
    if not value:
        return "there is no value (empty, or a formula that was never calculated), so the row was left out." if name else "left out."
    if not name:
        return f"there is a value without a {what}, so the row was left out."
    return ""


def _free(rows: list[Row], sheet: str) -> Iterator[tuple[int, Piece | str]]:
    headers, body = _headed(rows)
    for number, row in body:
        filled = [(_header(headers, column), cell) for column, cell in enumerate(row) if cell and not _ERROR.fullmatch(cell)]
        if len(filled) < sum(1 for cell in row if cell):
            yield number, "a cell is an error and was left out."
        if filled:
            yield number, Piece(_woven(filled), title=_title(filled), place=_place(sheet, number))


def _headed(rows: list[Row]) -> tuple[tuple[str, ...], list[Row]]:
    """The header row, when there is one, and the rows below it."""
    width = max((sum(1 for cell in row if cell) for _, row in rows), default=0)
    if width < 2:
        return (), rows
    for at, (_, row) in enumerate(rows[:_HEADER_WITHIN]):
        cells = [cell for cell in row if cell]
        if len(cells) < 2:
            continue  # a title above the table
        if at + 1 < len(rows) and len(set(cells)) == len(cells) and all(_is_header(cell) for cell in cells):
            return row, rows[at + 1 :]
        break
    return (), rows


def _is_header(cell: str) -> bool:
    return len(cell) <= _HEADER_LENGTH and not cell[0].isdigit() and cell[-1] not in ".!?" and any(letter.isalpha() for letter in cell)


def _header(headers: tuple[str, ...], column: int) -> str:
    return headers[column].rstrip(": ") if column < len(headers) else ""


def _woven(filled: list[tuple[str, str]]) -> str:
    """Sentences a person can read: each header with its value."""
    parts = []
    for header, cell in filled:
        value = " ".join(cell.split())
        sentence = f"{header}: {value}" if header else value
        parts.append(sentence if sentence[-1] in ".!?…" else f"{sentence}.")
    return " ".join(parts)


def _title(filled: list[tuple[str, str]]) -> str:
    """What the row is about: its first cell that says something in words."""
    for _, cell in filled:
        if any(letter.isalpha() for letter in cell) and len(cell) <= _HEADER_LENGTH * 2:
            return " ".join(cell.split())
    return ""


def _cell(row: tuple[str, ...], column: int) -> str:
    return row[column] if 0 <= column < len(row) else ""


def _parts(cell: str, also: str = "") -> tuple[str, ...]:
    """Several words or phrases in one cell, parted by semicolons, bars or lines."""
    parted = _SEPARATORS.sub("\n", cell if not also else cell.replace(also, "\n"))
    return tuple(part.strip() for part in parted.split("\n") if part.strip())


def _place(sheet: str, row: int) -> str:
    return f"sheet {sheet}, row {row}" if sheet else f"row {row}"


def _shortened(notes: list[str], most: int) -> list[str]:
    return notes if len(notes) <= most else [*notes[:most], f"And {len(notes) - most} more rows."]
