"""CSV as offices write it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS, Limits
from appliance.knowledge.readers.csv_file import decode, records
from appliance.knowledge.reading import read
from tests.unit.knowledge.support import DATA, outcome_of

KNOWN_OUTCOMES = ("read", "source_broken", "source_empty")
SPECTRUM = sorted((DATA / "csv").glob("*.csv"))


@pytest.mark.parametrize("path", SPECTRUM, ids=lambda path: path.name)
def test_every_corner_of_csv_reads_as_its_gold(path: Path) -> None:
    rows = records(decode(path.read_bytes()), LIMITS)
    assert [dict(zip(rows[0], row, strict=False)) for row in rows[1:] if row] == json.loads(path.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_delimiter_in_any_encoding_reads_the_same(delimiter: str, encoding: str) -> None:
    text = "\r\n".join(delimiter.join(row) for row in (("Avain", "Arvo"), ("hinta", '"49,90 €"'), ("näyttö", '"rivi 1\r\nrivi 2"')))
    reading = read("f.csv", text.encode(encoding), "fi")
    assert [(piece.key, piece.text) for piece in reading.pieces] == [("hinta", "49,90 €"), ("näyttö", "rivi 1\r\nrivi 2")]


def test_a_decimal_comma_stays_as_it_is_written() -> None:
    reading = read("f.csv", b"Key;Value\nprice;49,90\nweight;1,5 kg, approx.\n", "sv")
    assert [piece.text for piece in reading.pieces] == ["49,90", "1,5 kg, approx."]


def test_excels_own_first_line_is_no_data() -> None:
    assert [piece.key for piece in read("f.csv", b"sep=;\r\nKey;Value\r\na;b\r\n", "en").pieces] == ["a"]


def test_a_file_that_stops_inside_a_quotation_is_not_complete() -> None:
    with pytest.raises(SourceUnreadable, match="never closed"):
        read("f.csv", b'Key;Value\na;b\nc;"half of a senten', "en")


def test_a_stray_quotation_mark_is_forgiven() -> None:
    assert [piece.text for piece in read("f.csv", b'Key;Value\nsize;"5" pipe\nb;c\n', "en").pieces][-1] == "c"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(SourceUnreadable, match="not text"):
        read("f.csv", b"Key;Value\n\x00\x01\x02", "en")


def test_more_cells_than_allowed_are_refused() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read("f.csv", b"Key;Value\n" + b"a;b\n" * 100, "en", Limits(cells=50))
    assert caught.value.code == "source_too_large"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for name in ("f.csv", "f.md"):
        assert outcome_of(name, content) in KNOWN_OUTCOMES


CELL = st.text(alphabet='abé;,"\n |\t1', min_size=1, max_size=12)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_what_a_spreadsheet_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    written = "Key;Value\n" + "".join(";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    assert [tuple(row) for row in records(written, LIMITS)[1:]] == rows
