"""Workbooks: .xlsx, .xlsm, .xls, .xlsb and .ods, read in a process of their own.

A workbook of one kilobyte can name a cell in the last row and column; the parser then asks for half a terabyte and the
whole process is ended, not merely the call. So the parser runs in a child with a limit on memory and time: whatever a
file does to it, the appliance sees a source that could not be read.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import Limits, Sheet
from appliance.records.language import Code

_CHILD = "appliance.knowledge.readers.workbook_child"
_ROOT = Path(__file__).resolve().parents[3]
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of any encrypted workbook
_SMALL = 10_000_000  # bytes unpacked; below, no ratio is suspicious
_RESAVE = "Open it in a spreadsheet program, save it again and try once more."


def sheets(content: bytes, limits: Limits, language: Code, modern: bool) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """The visible sheets as texts, and notes. ``modern``: the file's name says that it is a packed (zip) workbook."""
    if content.startswith(b"PK"):
        _refuse_bombs(content, limits)
    elif modern and content.startswith(_OLD_OFFICE):
        raise SourceUnreadable("source_locked", "The workbook is protected by a password.", "Save it without a password.")
    answer = _ask_child(content, limits, language)
    if "error" in answer:
        raise SourceUnreadable(str(answer.get("code", "source_broken")), str(answer["error"]), str(answer.get("remedy", _RESAVE)))
    found = tuple(Sheet(one["name"], tuple(tuple(row) for row in one["rows"]), one["first_row"]) for one in answer["sheets"])
    return found, tuple(answer["notes"])


def _refuse_bombs(content: bytes, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
            encrypted = any(entry.flag_bits & 1 for entry in package.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise SourceUnreadable("source_broken", "The workbook is damaged or not yet completely saved.", _RESAVE) from error
    if encrypted:
        raise SourceUnreadable("source_locked", "The workbook is protected by a password.", "Save it without a password.")
    if unpacked > limits.unpacked_bytes or (unpacked > _SMALL and unpacked > limits.unpacked_ratio * len(content)):
        raise SourceUnreadable(
            "source_too_large", f"The workbook unpacks to {unpacked // 1_000_000} MB, which is more than is allowed.",
            "Remove what is not knowledge (pictures, empty formatted rows), or split it.",
        )  # fmt: skip


def _ask_child(content: bytes, limits: Limits, language: Code) -> dict[str, Any]:
    wish = json.dumps({
        "language": language, "memory_bytes": limits.memory_bytes, "seconds": limits.seconds, "sheets": limits.sheets,
        "rows": limits.rows, "cells": limits.cells, "cell_characters": limits.cell_characters,
    })  # fmt: skip
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", _CHILD, wish],
            input=content, capture_output=True, timeout=limits.seconds, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "RUST_BACKTRACE": "0"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceUnreadable("source_broken", f"The workbook could not be read within {limits.seconds} s.", _RESAVE) from error
    if done.returncode != 0:
        raise SourceUnreadable(
            "source_broken", "The workbook broke off its reading: it is damaged, or a far-away cell makes it enormous.",
            "Delete stray cells far below or right of the data, save it again and try once more.",
        )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
