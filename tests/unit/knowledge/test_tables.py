"""Sheets into pieces."""

import pytest

from appliance.knowledge.pieces import Sheet
from appliance.knowledge.tables import key_of, read_sheets


def sheet(*rows: tuple[str, ...], name: str = "Facts") -> tuple[Sheet, ...]:
    return (Sheet(name, rows),)


@pytest.mark.parametrize("header", [("Key", "Value"), ("KEY", "value"), ("Avain", "Arvo"), ("nyckel", "VÄRDE"), ("Key:", " Value ")])
def test_key_and_value_are_known_in_three_languages(header: tuple[str, str]) -> None:
    piece = read_sheets(sheet(header, ("opening_hours", "9–17"))).pieces[0]
    assert (piece.key, piece.title, piece.text, piece.place) == ("opening_hours", "opening hours", "9–17", "sheet Facts, row 2")


@pytest.mark.parametrize("header", [("Question", "Answer"), ("Kysymys", "Vastaus"), ("Fråga", "Svar")])
def test_questions_and_answers_are_known_in_three_languages(header: tuple[str, str]) -> None:
    piece = read_sheets(sheet(header, ("Can I pay later?", "Yes."))).pieces[0]
    assert (piece.title, piece.text, piece.key) == ("Can I pay later?", "Yes.", "")


def test_aliases_a_question_and_tags_go_with_their_fact_and_other_columns_are_left_aside() -> None:
    header = ("Key", "Value", "Question", "Aliases", "Tags", "Owner")
    row = ("returns", "14 days", "Can I return?", "send back; refund", "shop, web", "Anna")
    piece = read_sheets(sheet(header, row)).pieces[0]
    assert piece.aliases == ("Can I return?", "send back", "refund")
    assert piece.tags == ("shop", "web")
    assert "Anna" not in piece.text


def test_a_header_may_stand_below_a_title() -> None:
    assert [piece.key for piece in read_sheets(sheet(("Our facts",), (), ("Key", "Value"), ("a", "b"))).pieces] == ["a"]


def test_a_free_sheet_reads_as_sentences() -> None:
    piece = read_sheets(sheet(("Product", "Price", "Note"), ("PX-200", "49 €", "Fits all wells."))).pieces[0]
    assert (piece.title, piece.text) == ("PX-200", "Product: PX-200. Price: 49 €. Note: Fits all wells.")


def test_a_sheet_of_one_column_is_prose() -> None:
    reading = read_sheets(sheet(("We are open.",), ("", ""), ("We deliver.",)))
    assert [piece.text for piece in reading.pieces] == ["We are open.", "We deliver."]


def test_rows_that_are_left_out_are_named() -> None:
    reading = read_sheets(sheet(("Key", "Value"), ("a", ""), ("", "b"), ("c", "#N/A"), ("d", "e")))
    assert [piece.key for piece in reading.pieces] == ["d"]
    assert [note.partition(":")[0] for note in reading.notes] == [f"sheet Facts, row {row}" for row in (2, 3, 4)]


def test_a_key_is_the_same_fact_however_it_is_typed() -> None:
    assert {key_of(written) for written in ("Opening hours", "opening_hours", " OPENING-HOURS ", "opening  hours")} == {"opening_hours"}
