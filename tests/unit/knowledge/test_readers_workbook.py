"""Workbooks of every age, and hostile ones: read, or refused with a reason; never a crash, never a hang."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import Limits
from appliance.knowledge.reading import read
from tests.unit.knowledge.support import DATA, outcome_of
from tests.unit.knowledge.workbooks import by_hand, saved, text_cell, workbook

ODDITIES = sorted(path for path in (DATA / "sheets").iterdir() if path.name != "LICENSE")


@pytest.mark.parametrize("path", ODDITIES, ids=lambda path: path.name)
def test_an_odd_workbook_is_read_or_refused_with_a_remedy(path: Path) -> None:
    assert outcome_of(path.name, path.read_bytes(), "fi") in ("read", "source_broken", "source_empty")


@pytest.mark.parametrize("name", ["date.xlsx", "date.xls", "date.xlsb"])
def test_dates_read_the_same_from_every_format(name: str) -> None:
    reading = read(name, (DATA / "sheets" / name).read_bytes(), "fi")
    assert [piece.text for piece in reading.pieces][:2] == ["1.1.2021. 15.", "2.1.2021. 16."]


def test_a_cell_in_the_last_corner_ends_the_reading_and_not_the_appliance() -> None:
    rows = f'<row r="1">{text_cell("A1", "x")}</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(SourceUnreadable) as caught:
        read("bomb.xlsx", by_hand(rows), "en")
    assert caught.value.code == "source_broken"
    assert "far-away cell" in caught.value.message


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read("bomb.xlsx", by_hand(f'<row r="1">{text_cell("A1", "x")}</row>', {"xl/media/zeros.bin": bytes(30_000_000)}), "en")
    assert caught.value.code == "source_too_large"


def test_more_rows_than_allowed_are_refused() -> None:
    content = workbook(Facts=[["Key", "Value"], *[[f"k{number}", "v"] for number in range(30)]])
    with pytest.raises(SourceUnreadable) as caught:
        read("f.xlsx", content, "en", Limits(rows=20))
    assert caught.value.code == "source_too_large"


def test_a_reading_that_takes_too_long_is_broken_off() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read("f.xlsx", workbook(Facts=[["Key", "Value"], ["a", "b"]]), "en", Limits(seconds=0))
    assert caught.value.code == "source_broken"


@pytest.mark.parametrize("cut", [0, 1, 100, 2000, -1, -30])
def test_a_half_written_workbook_is_refused(cut: int) -> None:
    with pytest.raises(SourceUnreadable):
        read("f.xlsx", workbook(Facts=[["Key", "Value"], ["a", "b"]])[:cut], "en")


def test_a_protected_workbook_says_so() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read("f.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "en")
    assert (caught.value.code, caught.value.remedy) == ("source_locked", "Save it without a password.")


def test_an_unknown_kind_of_file_names_the_known_ones() -> None:
    with pytest.raises(SourceUnreadable, match=r"\.xlsx") as caught:
        read("facts.docx", b"x", "en")
    assert caught.value.code == "source_kind_unknown"


def test_numbers_read_as_the_workbook_shows_them() -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["Key", "Value"])
    shown = [(0.255, "0.0%"), (49.9, '0.00 "€"'), (1234.5, "#,##0.00 [$€-40B]"), (3, "General"), (0.1 + 0.2, "General"), (True, "General")]
    for number, (value, number_format) in enumerate(shown):
        sheet.append([f"k{number}", value])
        sheet.cell(number + 2, 2).number_format = number_format
    sheet.append(["day", date(2026, 5, 1)])
    texts = {code: [piece.text for piece in read("f.xlsx", saved(book), code).pieces] for code in ("fi", "sv", "en")}
    assert texts["fi"] == ["25,5 %", "49,90 €", "1234,50 €", "3", "0,3", "kyllä", "1.5.2026"]
    assert texts["sv"][-2:] == ["ja", "2026-05-01"]
    assert texts["en"] == ["25.5%", "€49.90", "€1234.50", "3", "0.3", "yes", "1 May 2026"]


def test_a_merged_cell_speaks_for_each_of_its_rows() -> None:
    book = Workbook()
    sheet = book.active
    for row in (["Category", "Product", "Price"], ["Pumps", "PX-200", "49 €"], [None, "PX-300", "59 €"], ["Hoses", "H-1", "9 €"]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    assert [piece.text for piece in read("f.xlsx", saved(book), "en").pieces] == [
        "Category: Pumps. Product: PX-200. Price: 49 €.",
        "Category: Pumps. Product: PX-300. Price: 59 €.",
        "Category: Hoses. Product: H-1. Price: 9 €.",
    ]


def test_an_error_or_an_uncalculated_formula_is_never_told_to_a_customer() -> None:
    book = Workbook()
    sheet = book.active
    for row in (["Key", "Value"], ["good", "yes"], ["formula", "=1+1"], ["empty", None]):
        sheet.append(row)
    sheet.append(["broken", "#REF!"])
    sheet["B5"].data_type = "e"
    reading = read("f.xlsx", saved(book), "en")
    assert [piece.key for piece in reading.pieces] == ["good"]
    assert [note.split(":")[0] for note in reading.notes] == ["sheet Sheet, row 3", "sheet Sheet, row 4", "sheet Sheet, row 5"]


def test_a_hidden_sheet_is_not_knowledge() -> None:
    book = Workbook()
    book.active.append(["Key", "Value"])
    book.active.append(["a", "b"])
    secret = book.create_sheet("Margins")
    secret.append(["Key", "Value"])
    secret.append(["margin", "40 %"])
    secret.sheet_state = "hidden"
    reading = read("f.xlsx", saved(book), "en")
    assert [piece.key for piece in reading.pieces] == ["a"]
    assert reading.notes == ("Sheet Margins is hidden and was left out.",)
