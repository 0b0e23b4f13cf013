"""A new version of a source: compared before, activated whole, gone back from; and whatever is wrong with it changes nothing."""

import threading
from pathlib import Path

import pytest

from appliance.ground.errors import KnowledgeError, Refused
from appliance.knowledge.library import Library
from appliance.knowledge.staged import KEPT_SECONDS, WAITING_MOST, Fact, Staged
from appliance.knowledge.staging import UPLOAD_BYTES_MOST, Staging
from appliance.records.language import Code
from tests.support.clock import FakeClock
from tests.unit.knowledge.support import Source
from tests.unit.knowledge.workbooks import by_hand, text_cell, workbook

BEFORE = "Key,Value\nhours,We are open 9-17.\nreturn,You have 14 days.\nfax,Our fax is 123.\n"
AFTER = "Key,Value\nhours,We are open 8-18.\nreturn,You have 14 days.\npickup,You can pick it up in Oulu.\n"


class Desk:
    """A home with one English sheet, and what a node does around the staging."""

    def __init__(self, home: Path, *more: Source) -> None:
        self.home, self.clock = home, FakeClock()
        (home / "knowledge").mkdir()
        self.file = home / "knowledge" / "en.csv"
        self.file.write_text(BEFORE, encoding="utf-8")
        self.library = Library((Source(Path("knowledge/en.csv")), *more), home, self.clock, home / "knowledge-state")
        self.library.refresh()
        self.staging = Staging(home, self.library, self.clock)
        self.named: list[tuple[Path, Code]] = []

    def enlist(self, file: Path, language: Code) -> None:
        self.named.append((file, language))
        self.library.add(Source(file, language))

    def upload(self, text: str | bytes = AFTER, name: str = "new.csv", source: str = "en.csv", language: Code = "en") -> Staged:
        content = text.encode() if isinstance(text, str) else text
        return self.staging.upload(name, content, source, language, "Oskar")

    def activate(self, staged: Staged) -> None:
        self.clock.move(60)
        self.staging.activate(staged.id, self.enlist)
        self.library.refresh()

    def texts(self) -> set[str]:
        return {one.text for one in self.library.passages()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def refusal(raises: pytest.ExceptionInfo[Refused]) -> str:
    """The code, when there is a remedy with it."""
    return raises.value.code if raises.value.remedy else ""


def test_what_would_change_is_told_before_anything_does(desk: Desk) -> None:
    staged = desk.upload()
    assert [one.key for one in staged.diff.added] == ["pickup"]
    assert [(one.before, one.after) for one in staged.diff.changed] == [("We are open 9-17.", "We are open 8-18.")]
    assert [one.key for one in staged.diff.removed] == ["fax"]
    assert (staged.added, staged.changed, staged.removed, staged.passages) == (1, 1, 1, 3)
    assert desk.file.read_text(encoding="utf-8") == BEFORE
    assert "We are open 9-17." in desk.texts()


def test_an_activated_version_is_live_whole_and_the_one_before_lies_beside(desk: Desk) -> None:
    desk.file.chmod(0o640)
    desk.activate(desk.upload())
    assert desk.texts() == {"We are open 8-18.", "You have 14 days.", "You can pick it up in Oulu."}
    assert desk.file.stat().st_mode & 0o777 == 0o640
    (beside,) = (desk.home / "knowledge-state" / "before").rglob("*.csv")
    assert beside.read_text(encoding="utf-8") == BEFORE
    assert beside.stat().st_mode & 0o777 == 0o600
    assert desk.staging.waiting() == ()


def test_going_back_shows_the_difference_first_and_can_be_gone_back_from(desk: Desk) -> None:
    desk.activate(desk.upload())
    back = desk.staging.back("en.csv", "", "Oskar")
    assert back.earlier
    assert [one.key for one in back.diff.removed] == ["pickup"]
    assert "We are open 8-18." in desk.texts()
    desk.activate(back)
    assert desk.file.read_text(encoding="utf-8") == BEFORE
    desk.activate(desk.staging.back("en.csv", "", "Oskar"))
    assert "We are open 8-18." in desk.texts()
    assert len(desk.staging.earlier("en.csv")) == 3


def test_a_named_earlier_version_is_the_one_that_comes_back_and_the_oldest_are_forgotten(desk: Desk) -> None:
    for number in range(12):
        desk.activate(desk.upload(f"Key,Value\nhours,We are open {number}.\n"))
    versions = desk.staging.earlier("en.csv")
    assert len(versions) == 10
    staged = desk.staging.back("en.csv", versions[2].id, "Oskar")
    assert staged.diff.changed[0].after == "We are open 8."


def test_who_edited_the_file_meanwhile_loses_nothing(desk: Desk) -> None:
    staged = desk.upload()
    edited = BEFORE.replace("14 days", "30 days")
    desk.file.write_text(edited, encoding="utf-8")
    desk.library.refresh()
    with pytest.raises(Refused) as raised:
        desk.staging.activate(staged.id, desk.enlist)
    assert refusal(raised) == "knowledge_changed"
    assert desk.file.read_text(encoding="utf-8") == edited
    again = desk.staging.find(staged.id)
    assert {one.key for one in again.diff.changed} == {"hours", "return"}
    desk.activate(again)
    assert "You have 14 days." in desk.texts()


def test_a_disagreement_that_would_arise_is_told_and_one_that_is_there_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Source(Path("more.csv")))
    (tmp_path / "more.csv").write_text("Key,Value\nreturn,You have 14 days.\nfax,Our fax is 999.\n", encoding="utf-8")
    desk.library.refresh()
    assert [one.key for one in desk.library.disagreements()] == ["fax"]
    staged = desk.upload(BEFORE.replace("14 days", "7 days"))
    assert [(one.key, one.values) for one in staged.disagreements] == [("return", ("You have 14 days.", "You have 7 days."))]


def test_a_new_source_is_named_and_live_at_once_under_a_safe_name(desk: Desk) -> None:
    staged = desk.upload("# Käynti\n\nTervetuloa Ouluun.\n", "../../Uusi tiedosto!.MD", "", "fi")
    assert (staged.new, staged.source, staged.added) == (True, "Uusi_tiedosto.md", 1)
    desk.activate(staged)
    assert desk.named == [(desk.home / "knowledge" / "Uusi_tiedosto.md", "fi")]
    assert [one.name for one in desk.library.states()] == ["en.csv", "Uusi_tiedosto.md"]
    assert "Tervetuloa Ouluun." in desk.texts()
    desk.activate(desk.upload("# Käynti\n\nTervetuloa Turkuun.\n", "uusi.md", "Uusi_tiedosto.md"))
    assert "Tervetuloa Turkuun." in desk.texts()


def test_a_file_that_cannot_be_named_as_a_source_does_not_stay_and_can_be_activated_later(desk: Desk) -> None:
    def broken(_file: Path, _language: Code) -> None:
        raise KnowledgeError("tandem.toml is broken.", "Mend it.")

    staged = desk.upload(AFTER, "more.csv", "")
    with pytest.raises(Refused) as raised:
        desk.staging.activate(staged.id, broken)
    assert refusal(raised) == "source_not_named"
    assert not (desk.home / "knowledge" / "more.csv").exists()
    desk.activate(staged)
    assert desk.named


def test_a_new_source_never_takes_the_name_of_another_file(desk: Desk) -> None:
    (desk.home / "knowledge" / "notes.csv").write_text("private", encoding="utf-8")
    for name in ("en.csv", "EN.csv", "notes.csv"):
        with pytest.raises(Refused) as raised:
            desk.upload(AFTER, name, "")
        assert refusal(raised) == "source_exists"


BOMB = by_hand(f'<row r="1">{text_cell("A1", "x")}</row>', {"xl/media/image1.bin": b"\0" * 30_000_000})


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("new.xlsx", b"PK\x03\x04 cut off", "source_broken"),
        ("new.xlsx", b"", "source_broken"),
        ("new.xlsx", BOMB, "source_too_large"),
        ("new.xlsx", workbook(Facts=[["Key", "Value"]]), "source_empty"),
        ("new.csv", b"", "source_empty"),
        ("new.csv", b'Key,Value\nhours,"never closed\n', "source_broken"),
        ("new.csv", b"Key,Value\n\x00\x01\x02", "source_broken"),
        ("new.csv", b"\xef\xbb\xbfKey,Value\nhours,\xff\xfe\n", "source_broken"),
        ("new.csv", b"x" * (UPLOAD_BYTES_MOST + 1), "source_too_large"),
        ("new.exe", b"MZ", "source_kind_unknown"),
        ("", b"x", "source_kind_unknown"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason_and_nothing_is_kept_of_it(desk: Desk, name: str, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as raised:
        desk.upload(content, name, "")
    assert refusal(raised) == code
    assert desk.staging.waiting() == ()
    assert desk.file.read_text(encoding="utf-8") == BEFORE
    assert not list((desk.home / "knowledge-state").glob("staged/*"))


def test_a_workbook_with_macros_and_one_of_csv_in_another_shape_are_read_as_what_they_hold(desk: Desk) -> None:
    macros = by_hand(
        f'<row r="1">{text_cell("A1", "Key")}{text_cell("B1", "Value")}</row>'
        f'<row r="2">{text_cell("A2", "hours")}{text_cell("B2", "Open 8-18.")}</row>',
        {"xl/vbaProject.bin": b"Sub Auto_Open()"},
    )
    assert [one.after for one in desk.upload(macros, "new.xlsm", "").diff.added] == ["Open 8-18."]
    tabs = "Avain\tArvo\nAukiolo\tÄlkää tulko.\n".encode("cp1252")
    assert [one.after for one in desk.upload(tabs, "tabs.csv", "").diff.added] == ["Älkää tulko."]


def test_a_file_of_another_kind_does_not_take_a_place(desk: Desk) -> None:
    with pytest.raises(Refused) as raised:
        desk.upload(workbook(Facts=[["Key", "Value"], ["hours", "8-18"]]), "new.xlsx")
    assert refusal(raised) == "source_other_kind"


def test_what_lies_elsewhere_or_is_locked_says_why_it_is_left_alone(tmp_path: Path) -> None:
    (outside := tmp_path / "share").mkdir()
    (outside / "out.csv").write_text(BEFORE, encoding="utf-8")
    (home := tmp_path / "home").mkdir()
    (home / "linked.csv").symlink_to(outside / "out.csv")
    sources = (Source(outside / "out.csv"), Source(Path("linked.csv")), Source(url="https://share.example.com/kb/web.csv"))
    desk = Desk(home, *sources)
    desk.file.chmod(0o444)
    found = {}
    for source in ("out.csv", "linked.csv", "web.csv", "en.csv", "none.csv"):
        with pytest.raises(Refused) as raised:
            desk.upload(AFTER, "new.csv", source)
        found[source] = refusal(raised)
    assert found == {
        "out.csv": "source_outside", "linked.csv": "source_outside", "web.csv": "source_on_server", "en.csv": "source_read_only",
        "none.csv": "source_unknown",
    }  # fmt: skip
    assert (outside / "out.csv").read_text(encoding="utf-8") == BEFORE


def test_a_fact_begins_a_sheet_of_its_own_and_more_are_added_to_it_word_for_word(desk: Desk) -> None:
    hard = 'Write to <info@x.fi>; 2 * 3 is "6" | **always**,\nalso on Sundays.'
    first = desk.staging.fact(Fact(title="Night  service", text=hard), "en", "Aino")
    assert (first.new, first.source, first.added) == (True, "added.en.csv", 1)
    desk.activate(first)
    desk.activate(desk.staging.fact(Fact(title="Parking", text="You may park for free."), "en", "Aino"))
    assert {hard, "You may park for free."} <= desk.texts()
    assert [(file.name, language) for file, language in desk.named] == [("added.en.csv", "en")]
    changed = desk.staging.fact(Fact(title="night_service", text="There is none."), "en", "Aino")
    assert (changed.added, changed.changed, changed.removed) == (0, 1, 0)


def test_two_facts_that_wait_at_once_do_not_take_each_others_place(desk: Desk) -> None:
    one = desk.staging.fact(Fact(title="Night service", text="It answers at night."), "en", "Aino")
    two = desk.staging.fact(Fact(title="Parking", text="You may park for free."), "en", "Aino")
    desk.activate(one)
    with pytest.raises(Refused) as raised:
        desk.staging.activate(two.id, desk.enlist)
    assert refusal(raised) == "knowledge_changed"
    again = desk.staging.find(two.id)
    assert (again.new, again.added, again.removed) == (False, 1, 0)
    desk.activate(again)
    assert {"It answers at night.", "You may park for free."} <= desk.texts()


@pytest.mark.parametrize(
    ("title", "text", "code"),
    [
        (" ", "x", "fact_empty"), ("!?", "x", "fact_empty"), ("A", " \n", "fact_empty"), ("a" * 121, "x", "fact_long"),
        ("A", "=HYPERLINK(1)", "fact_formula"), ("@a", "x", "fact_formula"),
    ],
)  # fmt: skip
def test_a_fact_that_is_none_is_refused(desk: Desk, title: str, text: str, code: str) -> None:
    with pytest.raises(Refused) as raised:
        desk.staging.fact(Fact(title=title, text=text), "en", "Aino")
    assert refusal(raised) == code


def test_what_was_thrown_away_or_is_too_old_is_gone_with_its_bytes(desk: Desk) -> None:
    desk.staging.discard(desk.upload().id)
    old = desk.upload()
    desk.clock.move(KEPT_SECONDS + 1)
    with pytest.raises(Refused) as raised:
        desk.staging.activate(old.id, desk.enlist)
    assert refusal(raised) == "staged_gone"
    assert not list((desk.home / "knowledge-state" / "staged").iterdir())


def test_only_so_many_wait_at_a_time_and_nobody_else_may_read_them(desk: Desk) -> None:
    for _ in range(WAITING_MOST):
        desk.upload()
    with pytest.raises(Refused) as raised:
        desk.upload()
    assert refusal(raised) == "staged_full"
    assert {path.stat().st_mode & 0o777 for path in (desk.home / "knowledge-state" / "staged").iterdir()} == {0o600}


def test_two_who_activate_at_once_put_one_after_the_other_in_place(desk: Desk) -> None:
    waiting = [desk.upload(), desk.upload(BEFORE.replace("123", "456"))]
    codes: list[str] = []

    def go(staged: Staged) -> None:
        try:
            desk.staging.activate(staged.id, desk.enlist)
            codes.append("")
        except Refused as error:
            codes.append(error.code)

    threads = [threading.Thread(target=go, args=(one,)) for one in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(codes) == ["", "knowledge_changed"]
