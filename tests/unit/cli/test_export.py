"""The audit copy of the queue."""

import csv
from pathlib import Path

import openpyxl
import pytest

from appliance.cli.copies import table_writer
from appliance.ground.errors import SettingsError


@pytest.mark.parametrize("subject", ["=HYPERLINK(1)", "+1", "-2", "@sum"])
def test_a_customers_words_never_become_a_formula(tmp_path: Path, subject: str) -> None:
    with table_writer(tmp_path / "cases.csv") as write:
        write(["c-1", subject])
    (row,) = csv.reader((tmp_path / "cases.csv").open(encoding="utf-8"))
    assert row[1] == f"'{subject}"


def test_numbers_stay_numbers_in_a_workbook(tmp_path: Path) -> None:
    with table_writer(tmp_path / "cases.xlsx") as write:
        write(["id", "score"])
        write(["c-1", 0.96])
    sheet = openpyxl.load_workbook(tmp_path / "cases.xlsx").worksheets[0]
    assert [list(row) for row in sheet.iter_rows(values_only=True)] == [["id", "score"], ["c-1", 0.96]]


@pytest.mark.parametrize("name", ["cases.xls", "cases.txt", "cases"])
def test_a_name_that_promises_another_kind_of_file_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="ends neither in"), table_writer(tmp_path / name) as write:
        write(["c-1"])
    assert list(tmp_path.iterdir()) == []
