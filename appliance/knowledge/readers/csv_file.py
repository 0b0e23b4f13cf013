"""CSV as offices write it: with ``;``, ``,``, a tab or ``|`` between, a BOM or none, and quotes around lines."""

import codecs
import csv
import io
from collections import Counter

from appliance.knowledge.columns import is_keyed, is_questions, roles
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import Limits, Sheet

_DELIMITERS = (";", ",", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_SAMPLE = 200  # records that are looked at to find the delimiter
_STEADY = 0.75  # share of the records that must have the same width


def sheets(content: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """The file as one sheet without a name."""
    rows = tuple(tuple(row) for row in records(decode(content), limits))
    return (Sheet("", rows),)


def decode(content: bytes) -> str:
    """The text, by its BOM, else as UTF-8, else as the old Windows code page. Raises when it is no text at all."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _strictly(content, encoding)
    if b"\x00" in content:
        raise SourceUnreadable("source_broken", "The file is not text: it holds zero bytes.", "Save it as CSV in UTF-8 and try again.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceUnreadable(
            "source_broken", f"The file says that it is {encoding} and is not, from byte {error.start} on.", "Save it as CSV in UTF-8."
        ) from error


def records(text: str, limits: Limits) -> list[list[str]]:
    """The records with the delimiter that fits best. A quote that never ends means that the file is not complete."""
    delimiter, text = _announced(text)
    delimiter = delimiter or _delimiter(text)
    try:
        found = _parse(text, delimiter, limits, strict=True)
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise SourceUnreadable(
                "source_broken", "A quotation mark is never closed.", "Close it, or wait until the file is completely saved."
            ) from error
        found = _leniently(text, delimiter, limits)
    return found


def _announced(text: str) -> tuple[str, str]:
    """Excel's own first line ``sep=;``, which is not data."""
    first, _, rest = text.partition("\n")
    announced = first.strip().strip('"')
    if announced.lower().startswith("sep=") and len(announced) == 5:
        return announced[4], rest
    return "", text


def _delimiter(text: str) -> str:
    """The one that shows a header with known columns, or else cuts the sample into records of the same width.

    When none does, the file has one column.
    """
    best, chosen = 0.0, ","
    for delimiter in _DELIMITERS:
        if _has_known_header(text, delimiter):
            return delimiter
        widths = Counter(_widths(text, delimiter))
        total = sum(widths.values())
        width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
        steadiness = count / total if total else 0.0
        if width > 1 and steadiness >= _STEADY and steadiness * (1 + width / 100) > best:
            best, chosen = steadiness * (1 + width / 100), delimiter
    return chosen if best else "\x1f"


def _has_known_header(text: str, delimiter: str) -> bool:
    try:
        first = next(csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter), [])
    except csv.Error:
        return False
    known = roles(tuple(first))
    return is_keyed(known) or is_questions(known)


def _widths(text: str, delimiter: str) -> list[int]:
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if row:
                widths.append(len(row))
            if len(widths) == _SAMPLE:
                break
    except csv.Error:
        pass  # what was read before the flaw still tells the delimiter
    return widths


def _leniently(text: str, delimiter: str, limits: Limits) -> list[list[str]]:
    try:
        return _parse(text, delimiter, limits, strict=False)
    except csv.Error as error:
        raise SourceUnreadable("source_broken", f"The file is not readable as CSV: {error}.", "Save it again as CSV in UTF-8.") from error


def _parse(text: str, delimiter: str, limits: Limits, *, strict: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    cells = 0
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict):
        cells += len(row)
        if len(rows) >= limits.rows or cells > limits.cells:
            raise SourceUnreadable(
                "source_too_large", f"The file has more than {limits.rows} rows or {limits.cells} cells.", "Split it into several sources."
            )
        rows.append([cell[: limits.cell_characters] for cell in row])
    return rows
