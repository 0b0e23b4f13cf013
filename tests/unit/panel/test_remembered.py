"""What the desktop window remembers: little, within limits, and never in the way."""

from pathlib import Path

import pytest

from appliance.panel.remembered import FILE, HIGHEST, NARROWEST, Remembered, folder, recall, remember, sized


def test_size_and_addresses_are_there_the_next_time_for_their_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "config"
    remember(place, sized(900, 700, ("http://mini-1:8484",)))
    assert recall(place) == Remembered(width=900, height=700, addresses=("http://mini-1:8484",))
    assert (place / FILE).stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content", ["", "{", '{"width": "wide"}', '{"width": 1e999}', '{"addresses": ["' + "a" * 20_000 + '"]}', "\x00\xff", "[]"]
)
def test_a_file_that_makes_no_sense_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="latin-1")
    assert recall(tmp_path) == Remembered()


def test_what_is_out_of_all_proportion_is_brought_within_limits(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"width": 1, "height": 99999, "addresses": ["file:///etc/passwd", "http://mini-1:8484/"]}')
    assert recall(tmp_path) == Remembered(width=NARROWEST, height=HIGHEST, addresses=("http://mini-1:8484",))


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remember(tmp_path / "file" / "below", Remembered())
    assert recall(tmp_path / "file" / "below") == Remembered()


def test_it_lies_where_each_system_keeps_such_things() -> None:
    assert folder({"HOME": "/h"}, "linux") == Path("/h/.config/tandem")
    assert folder({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}, "linux") == Path("/c/tandem")
    assert folder({"HOME": "/h", "XDG_CONFIG_HOME": "relative"}, "linux") == Path("/h/.config/tandem")
    assert folder({"HOME": "/h"}, "darwin") == Path("/h/Library/Application Support/Tandem Desktop")
