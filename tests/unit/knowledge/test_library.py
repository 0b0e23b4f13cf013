"""The library: an edit is live and told, a broken file changes nothing, a search sees one moment."""

import json
import os
import threading
from pathlib import Path

import msgspec
import pytest

from appliance.knowledge.library import Library
from tests.support.clock import FakeClock
from tests.unit.knowledge.support import Source, library
from tests.unit.knowledge.workbooks import workbook

FACTS = "Key;Value\nopening_hours;Mon–Fri 9–17\nreturns;Within 14 days.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "en.csv").write_text(FACTS, encoding="utf-8")
    return tmp_path


def texts(found: Library) -> list[str]:
    return [passage.text for passage in found.passages()]


def test_the_first_refresh_puts_everything_on_the_shelf_and_tells_it(folder: Path) -> None:
    known = library(folder, Source(Path("en.csv")))
    assert known.passages() == ()
    assert known.version == ""
    (change,) = known.refresh()
    assert (change.source, change.added, change.passages, change.trouble) == ("en.csv", ("opening_hours", "returns"), 2, "")
    assert known.version
    assert known.search("When are you open?", "en")[0].passage.text == "Mon–Fri 9–17"
    assert known.search("When are you open?", "fi") == ()


def test_nothing_new_is_told_and_costs_no_reading(folder: Path) -> None:
    known = library(folder, Source(Path("en.csv")))
    known.refresh()
    before = known.passages()
    os.utime(folder / "en.csv")
    assert known.refresh() == ()
    assert known.passages() is before


def test_an_edit_is_live_at_the_next_look_with_a_diff(folder: Path) -> None:
    known = library(folder, Source(Path("en.csv")))
    known.refresh()
    version = known.version
    (folder / "en.csv").write_text("Key;Value\nopening_hours;Mon–Fri 10–18\nwarranty;Two years.\n", encoding="utf-8")
    (change,) = known.refresh()
    assert (change.added, change.changed, change.removed) == (("warranty",), ("opening_hours",), ("returns",))
    assert known.version != version
    assert known.search("opening hours", "en")[0].passage.text == "Mon–Fri 10–18"
    (diff_file,) = (folder / "state").glob("*.diff.json")
    told = json.loads(diff_file.read_text("utf-8"))
    assert told["summary"] == {"added": 1, "changed": 1, "removed": 1}
    assert told["diff"]["changed"][0]["before"] == "Mon–Fri 9–17"


def test_a_passage_keeps_its_id_through_an_edit_and_a_row_put_in_between(folder: Path) -> None:
    known = library(folder, Source(Path("en.csv")))
    known.refresh()
    before = {passage.key: passage for passage in known.passages()}
    (folder / "en.csv").write_text("Key;Value\nnew;x\nopening_hours;Mon–Fri 9–17\nreturns;Within 30 days.\n", encoding="utf-8")
    known.refresh()
    after = {passage.key: passage for passage in known.passages()}
    assert after["opening_hours"].digest == before["opening_hours"].digest
    assert after["returns"].id == before["returns"].id
    assert after["returns"].digest != before["returns"].digest
    assert known.passage(before["returns"].id) == after["returns"]


BROKEN = [
    (b'Key;Value\nopening_hours;"never closed', "source_broken"),
    (b"\x00\x01\x02", "source_broken"),
    (b"", "source_empty"),
    (b"Key;Value\nopening_hours;\n", "source_empty"),
]


@pytest.mark.parametrize(("content", "code"), BROKEN)
def test_a_broken_file_changes_nothing_and_is_told_once(folder: Path, content: bytes, code: str) -> None:
    known = library(folder, Source(Path("en.csv")))
    known.refresh()
    version, before = known.version, texts(known)
    (folder / "en.csv").write_bytes(content)
    (change,) = known.refresh()
    assert change.code == code
    assert change.trouble
    assert change.remedy
    assert (change.added, change.changed, change.removed) == ((), (), ())
    assert known.refresh() == ()
    assert (known.version, texts(known)) == (version, before)
    (state,) = known.states()
    assert (state.trouble, state.passages) == (change.trouble, 2)


def test_the_same_broken_bytes_are_not_read_again_and_again(folder: Path) -> None:
    clock = FakeClock()
    known = library(folder, Source(Path("en.csv")), clock=clock)
    known.refresh()
    (folder / "en.csv").write_bytes(b"\x00")
    os.utime(folder / "en.csv", (clock.now(), clock.now()))
    for _ in range(3):
        known.refresh()
        clock.move(1.0)
    assert known.states()[0].failures == 1


def test_a_missing_file_changes_nothing_and_heals_when_it_is_back(folder: Path) -> None:
    known = library(folder, Source(Path("en.csv")))
    known.refresh()
    os.rename(folder / "en.csv", folder / "away.csv")
    (change,) = known.refresh()
    assert change.code == "source_missing"
    assert known.refresh() == ()
    assert known.states()[0].failures == 2
    assert len(known.passages()) == 2
    os.rename(folder / "away.csv", folder / "en.csv")
    (healed,) = known.refresh()
    assert (healed.trouble, healed.passages) == ("", 2)
    assert known.states()[0].trouble == ""
    assert known.refresh() == ()


def test_a_folder_in_a_files_place_is_a_trouble_and_no_crash(folder: Path) -> None:
    (folder / "sub").mkdir()
    (change,) = library(folder, Source(Path("sub"))).refresh()
    assert change.trouble


def test_the_last_good_reading_outlives_a_restart(folder: Path) -> None:
    first = library(folder, Source(Path("en.csv")))
    first.refresh()
    (folder / "en.csv").write_bytes(b"\x00")
    again = library(folder, Source(Path("en.csv")))
    (change,) = again.refresh()
    assert change.code == "source_broken"
    assert change.added == ()
    assert again.passages() == first.passages()
    assert again.version == first.version


def test_a_restart_without_news_tells_nothing_and_has_everything(folder: Path) -> None:
    library(folder, Source(Path("en.csv"))).refresh()
    again = library(folder, Source(Path("en.csv")))
    assert again.refresh() == ()
    assert len(again.passages()) == 2


def test_an_edit_while_we_were_down_is_told_as_an_edit(folder: Path) -> None:
    library(folder, Source(Path("en.csv"))).refresh()
    (folder / "en.csv").write_text(FACTS + "warranty;Two years.\n", encoding="utf-8")
    (change,) = library(folder, Source(Path("en.csv"))).refresh()
    assert (change.added, change.changed) == (("warranty",), ())


def test_a_damaged_keep_is_only_a_reading_lost(folder: Path) -> None:
    library(folder, Source(Path("en.csv"))).refresh()
    for kept in (folder / "state").iterdir():
        kept.write_bytes(b"{")
    again = library(folder, Source(Path("en.csv")))
    again.refresh()
    assert len(again.passages()) == 2


def test_one_broken_source_does_not_hold_up_another(folder: Path) -> None:
    (folder / "fi.csv").write_text("Avain;Arvo\nopening_hours;ma–pe 9–17\n", encoding="utf-8")
    known = library(folder, Source(Path("gone.xlsx"), "sv"), Source(Path("en.csv")), Source(Path("fi.csv"), "fi"))
    changes = known.refresh()
    assert [change.code for change in changes] == ["source_missing", "", ""]
    assert {passage.language for passage in known.passages()} == {"en", "fi"}
    assert known.search("Milloin olette auki?", "fi")[0].passage.text == "ma–pe 9–17"


def test_the_template_helps_only_where_the_source_fails_and_never_was_read(folder: Path) -> None:
    (folder / "template.csv").write_text("Key;Value\nopening_hours;Please call us.\n", encoding="utf-8")
    known = library(folder, Source(Path("gone.csv"), fallback=Path("template.csv")), Source(Path("en.csv"), "sv", Path("template.csv")))
    first = known.refresh()
    assert first[0].trouble
    gone, there = known.states()
    assert (gone.fallback, gone.passages, there.fallback) == (True, 1, False)
    assert gone.trouble
    (folder / "gone.csv").write_text(FACTS, encoding="utf-8")
    (change,) = known.refresh()
    assert (change.trouble, change.passages) == ("", 2)
    assert not known.states()[0].fallback


def test_a_file_still_being_written_is_left_until_it_rests(folder: Path) -> None:
    clock = FakeClock()
    known = library(folder, Source(Path("en.csv")), clock=clock)
    known.refresh()
    (folder / "en.csv").write_text("Key;Value\nopening_hours;half", encoding="utf-8")
    os.utime(folder / "en.csv", (clock.now(), clock.now()))
    assert known.refresh(settle_seconds=1.0) == ()
    (folder / "en.csv").write_text("Key;Value\nopening_hours;half and the other half\n", encoding="utf-8")
    os.utime(folder / "en.csv", (clock.now(), clock.now()))
    clock.move(1.5)
    (change,) = known.refresh(settle_seconds=1.0)
    assert known.passages()[0].text == "half and the other half"
    assert change.changed == ("opening_hours",)


def test_an_edit_that_keeps_time_and_size_is_seen_while_the_file_is_fresh(folder: Path) -> None:
    clock = FakeClock()
    os.utime(folder / "en.csv", (clock.now(), clock.now()))
    known = library(folder, Source(Path("en.csv")), clock=clock)
    known.refresh()
    with open(folder / "en.csv", "r+b") as file:
        file.write(FACTS.replace("9–17", "8–16").encode())
    os.utime(folder / "en.csv", (clock.now(), clock.now()))
    assert [change.changed for change in known.refresh()] == [("opening_hours",)]


def test_a_search_sees_one_version_and_never_a_mix(folder: Path) -> None:
    (folder / "two.csv").write_text("Key;Value\nalpha;version 0\n", encoding="utf-8")
    (folder / "en.csv").write_text("Key;Value\nbeta;version 0\n", encoding="utf-8")
    known = library(folder, Source(Path("en.csv")), Source(Path("two.csv")), state=False)
    known.refresh()
    stop, mixed = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            seen = {found.text for found in known.passages()}
            if len(seen) != 1:
                mixed.append(seen)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(1, 60):
        for name, key in (("en.csv", "beta"), ("two.csv", "alpha")):
            (folder / name).write_text(f"Key;Value\n{key};version {number}\n" + "#" * number, encoding="utf-8")
        known.refresh()
    stop.set()
    reader.join()
    assert not mixed


def test_two_sources_of_the_same_name_are_told_apart(folder: Path) -> None:
    for place in ("a", "b"):
        (folder / place).mkdir()
        (folder / place / "facts.csv").write_text(FACTS, encoding="utf-8")
    known = library(folder, Source(Path("a/facts.csv")), Source(Path("b/facts.csv"), "sv"), Source(Path("en.csv")))
    known.refresh()
    assert [state.name for state in known.states()] == ["a/facts.csv", "b/facts.csv", "en.csv"]
    assert len({passage.id for passage in known.passages()}) == 6


def test_sources_that_disagree_are_reported_and_ways_of_writing_are_no_disagreement(folder: Path) -> None:
    (folder / "more.csv").write_text("Key;Value\nopening_hours;mon-fri  9–17\nreturns;Within 30 days.\n", encoding="utf-8")
    known = library(folder, Source(Path("en.csv")), Source(Path("more.csv")))
    known.refresh()
    (found,) = known.disagreements()
    assert (found.key, found.language, found.values) == ("returns", "en", ("Within 14 days.", "Within 30 days."))


def test_a_workbook_is_read_and_edited_like_any_source(folder: Path) -> None:
    (folder / "fi.xlsx").write_bytes(workbook(Tiedot=[["Avain", "Arvo"], ["opening_hours", "ma–pe 9–17"]]))
    known = library(folder, Source(Path("fi.xlsx"), "fi"))
    known.refresh()
    (folder / "fi.xlsx").write_bytes(workbook(Tiedot=[["Avain", "Arvo"], ["opening_hours", "ma–pe 9–18"]]))
    (change,) = known.refresh()
    assert change.changed == ("opening_hours",)
    assert known.expected_keys("Milloin olette auki?", "fi") == ("opening_hours",)


def test_a_change_is_a_value_that_can_be_journalled(folder: Path) -> None:
    (change,) = library(folder, Source(Path("en.csv"))).refresh()
    assert msgspec.json.decode(msgspec.json.encode(change), type=type(change)) == change
