"""A file's bytes into pieces, by the reader of its kind."""

from collections.abc import Callable
from pathlib import PurePath

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS, Limits, Reading
from appliance.knowledge.readers import csv_file, markdown, workbook
from appliance.knowledge.tables import read_sheets
from appliance.records.language import Code

Reader = Callable[[bytes, Code, Limits, str], Reading]

READING_VERSION = 1  # rises when the same bytes would be read into other passages: kept passages of an older one are not used


def _workbook(content: bytes, language: Code, limits: Limits, suffix: str) -> Reading:
    found, notes = workbook.sheets(content, limits, language, modern=suffix in (".xlsx", ".xlsm", ".xlsb", ".ods"))
    reading = read_sheets(found, limits)
    return Reading(reading.pieces, (*notes, *reading.notes))


def _csv(content: bytes, language: Code, limits: Limits, suffix: str) -> Reading:  # noqa: ARG001  one shape for all readers
    return read_sheets(csv_file.sheets(content, limits), limits)


def _markdown(content: bytes, language: Code, limits: Limits, suffix: str) -> Reading:  # noqa: ARG001
    return markdown.read(csv_file.decode(content), limits)


READERS: dict[str, Reader] = {"workbook": _workbook, "csv": _csv, "markdown": _markdown}
KINDS: dict[str, str] = {
    ".xlsx": "workbook", ".xlsm": "workbook", ".xls": "workbook", ".xlsb": "workbook", ".ods": "workbook",
    ".csv": "csv", ".tsv": "csv",
    ".md": "markdown", ".markdown": "markdown", ".txt": "markdown",
}  # fmt: skip


def read(name: str, content: bytes, language: Code, limits: Limits = LIMITS) -> Reading:
    """The pieces of a source. Raises :class:`SourceUnreadable`, and nothing else, for whatever the bytes may be."""
    suffix = PurePath(name).suffix.lower()
    kind = KINDS.get(suffix)
    if kind is None:
        raise SourceUnreadable(
            "source_kind_unknown", f"A file with the ending {suffix or '(none)'} is not known.", f"Use one of {', '.join(KINDS)}."
        )
    if len(content) > limits.file_bytes:
        raise SourceUnreadable(
            "source_too_large", f"The file has {len(content) // 1_000_000} MB; {limits.file_bytes // 1_000_000} are allowed.", "Split it."
        )
    try:
        reading = READERS[kind](content, language, limits, suffix)
    except SourceUnreadable:
        raise
    except Exception as error:  # bytes can be anything; what a reader did not foresee must not stop the other sources
        raise SourceUnreadable(
            "source_broken", f"The file could not be read ({type(error).__name__}).", "Save it again in its program and try once more."
        ) from error
    if not reading.pieces:
        raise SourceUnreadable("source_empty", "No passage was found in the file.", _why_empty(reading))
    return reading


def _why_empty(reading: Reading) -> str:
    if reading.notes:
        return f"Fill in the values. The first row that was left out: {reading.notes[0]}"
    return "Check that this is the right file and that it was saved completely."
