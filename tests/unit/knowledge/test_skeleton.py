"""Skeletons: the keys of one language, ready to be filled in another."""

from pathlib import Path

import openpyxl
import pytest

from appliance.knowledge.errors import SkeletonError, SourceUnreadable
from appliance.knowledge.reading import read
from appliance.knowledge.skeleton import skeleton
from tests.unit.knowledge.workbooks import workbook


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "facts.en.xlsx"
    path.write_bytes(workbook(Facts=[["Key", "Value", "Tags"], ["opening_hours", "9–17", "shop"], ["returns", "14 days", ""]]))
    return path


def test_each_language_gets_a_workbook_with_the_keys_and_empty_values(source: Path, tmp_path: Path) -> None:
    paths = skeleton(["fi", "sv"], source, tmp_path / "new")
    assert [path.name for path in paths] == ["facts.fi.xlsx", "facts.sv.xlsx"]
    with pytest.raises(SourceUnreadable) as caught:
        read(paths[0].name, paths[0].read_bytes(), "fi")
    assert caught.value.code == "source_empty"


def test_a_filled_skeleton_is_a_source_with_the_same_keys(source: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    (path,) = skeleton(["fi"], source, tmp_path / "new")
    book = load_workbook(path)
    book.active["B2"] = "ma–pe 9–17"
    book.active["B3"] = "14 päivää"
    book.save(path)
    reading = read(path.name, path.read_bytes(), "fi")
    assert [(piece.key, piece.text, piece.tags) for piece in reading.pieces] == [
        ("opening_hours", "ma–pe 9–17", ("shop",)), ("returns", "14 päivää", ()),
    ]  # fmt: skip


def test_what_is_there_is_never_overwritten_and_then_nothing_is_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "facts.sv.xlsx").write_bytes(b"mine")
    with pytest.raises(SkeletonError, match=r"facts\.sv\.xlsx"):
        skeleton(["fi", "sv"], source, tmp_path)
    assert (tmp_path / "facts.sv.xlsx").read_bytes() == b"mine"
    assert not (tmp_path / "facts.fi.xlsx").exists()


def test_a_source_of_prose_has_nothing_to_make_a_skeleton_of(tmp_path: Path) -> None:
    (tmp_path / "prose.md").write_text("Just words.", encoding="utf-8")
    with pytest.raises(SkeletonError, match="no keys"):
        skeleton(["fi"], tmp_path / "prose.md", tmp_path)


def test_without_a_source_the_facts_of_nearly_every_company_are_asked_for_in_the_sheets_language(tmp_path: Path) -> None:
    (path,) = skeleton(["fi"], None, tmp_path)
    rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert path.name == "knowledge.fi.xlsx"
    assert rows[0][:2] == ("Avain", "Arvo")
    assert "opening_hours" in [row[0] for row in rows]
    assert any("aukioloajat" in (row[2] or "") for row in rows)
    assert all(row[1] is None for row in rows[1:])
