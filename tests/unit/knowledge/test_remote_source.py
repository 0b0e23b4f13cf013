"""A source on a web server under watch: read like a file, edited live, and its last good version stays through every trouble."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.knowledge.library import Library
from appliance.knowledge.origin import RemoteOrigin
from appliance.knowledge.remote import SignIn, address_of
from appliance.settings.secret import read_secret
from tests.support.clock import FakeClock
from tests.support.web_share import Misbehaviour, Share, answers, breaks_off, hangs, web_share
from tests.unit.knowledge.support import Source, library
from tests.unit.knowledge.workbooks import workbook

ROWS = [["Key", "Value"], ["opening_hours", "We are open Mon–Fri 9–17."], ["returns", "You can return a pump within 14 days."]]
FACTS = "\n".join(";".join(row) for row in ROWS).encode()
MARKDOWN = "\n".join(["| Key | Value |", "|---|---|", *(f"| {key} | {value} |" for key, value in ROWS[1:])]).encode()
PLACE = "/kb/en.csv"
LATER = 1.0  # a loop's look: it does not wait for long


@pytest.fixture
def share() -> Iterator[Share]:
    with web_share() as running:
        running.files[PLACE] = FACTS
        yield running


def known_of(share: Share, folder: Path, clock: FakeClock | None = None, path: str = PLACE) -> Library:
    return library(folder, Source(url=share.url(path)), clock=clock)


def facts(known: Library) -> dict[str, str]:
    return {passage.key: passage.text for passage in known.passages()}


@pytest.mark.parametrize(
    ("path", "content"), [("/kb/en.xlsx", workbook(Facts=ROWS)), ("/kb/en.csv", FACTS), ("/kb/en.md", MARKDOWN)], ids=["xlsx", "csv", "md"]
)
def test_a_remote_source_gives_the_passages_that_the_file_holds(share: Share, tmp_path: Path, path: str, content: bytes) -> None:
    share.files[path] = content
    known = known_of(share, tmp_path, path=path)
    (change,) = known.refresh()
    assert (change.trouble, facts(known)) == ("", dict(ROWS[1:]))
    assert known.search("When are you open?", "en")[0].passage.text == "We are open Mon–Fri 9–17."
    (tmp_path / path[4:]).write_bytes(content)
    beside = library(tmp_path, Source(Path(path[4:])), state=False)
    beside.refresh()
    assert known.passages() == beside.passages()


def test_an_edit_on_the_share_is_live_at_the_next_look_with_a_diff(share: Share, tmp_path: Path) -> None:
    clock = FakeClock()
    known = known_of(share, tmp_path, clock)
    known.refresh()
    share.files[PLACE] = FACTS.replace(b"14 days", b"30 days")
    clock.move(10.0)
    (change,) = known.refresh(LATER)
    assert change.changed == ("returns",)
    assert facts(known)["returns"] == "You can return a pump within 30 days."


def test_a_server_is_asked_when_it_is_time_and_what_did_not_change_is_not_sent_again(share: Share, tmp_path: Path) -> None:
    clock = FakeClock()
    known = known_of(share, tmp_path, clock)
    known.refresh()
    for _ in range(4):
        clock.move(5.0)
        assert known.refresh(LATER) == ()
    assert share.answers == [200, 304, 304]


def test_a_person_who_asks_for_a_refresh_has_the_server_asked_at_once(share: Share, tmp_path: Path) -> None:
    known = known_of(share, tmp_path)
    known.refresh()
    share.files[PLACE] = FACTS.replace(b"14 days", b"30 days")
    assert [change.changed for change in known.refresh()] == [("returns",)]


TROUBLES: list[tuple[Misbehaviour, str]] = [
    (answers(404), "source_missing"),
    (answers(500), "source_unreachable"),
    (answers(200, b"<html>Sign in</html>", "text/html"), "source_locked"),
    (answers(200, b"x" * 51_000_000), "source_too_large"),
    (answers(200, b"Key;Value\nopening_hours;\"never closed"), "source_broken"),
    (answers(200, b""), "source_empty"),
    (breaks_off, "source_unreachable"),
]  # fmt: skip


@pytest.mark.parametrize(("trouble", "code"), TROUBLES)
def test_whatever_goes_wrong_the_last_good_version_stays_and_the_trouble_is_told_once(
    share: Share, tmp_path: Path, trouble: Misbehaviour, code: str
) -> None:
    known = known_of(share, tmp_path)
    known.refresh()
    version = known.version
    share.wrong[PLACE] = trouble
    (change,) = known.refresh()
    assert (change.code, bool(change.trouble), bool(change.remedy)) == (code, True, True)
    assert known.refresh() == ()
    assert (known.version, facts(known)) == (version, dict(ROWS[1:]))
    assert known.states()[0].trouble == change.trouble
    share.wrong.clear()
    (healed,) = known.refresh()
    assert (healed.trouble, known.states()[0].trouble, known.version) == ("", "", version)


def test_after_a_restart_without_the_share_the_last_good_version_is_served_and_the_trouble_said(share: Share, tmp_path: Path) -> None:
    known_of(share, tmp_path).refresh()
    share.wrong[PLACE] = answers(503)
    again = known_of(share, tmp_path)
    (change,) = again.refresh()
    assert change.code == "source_unreachable"
    assert facts(again) == dict(ROWS[1:])
    assert again.states()[0].remedy


def test_the_template_helps_while_a_share_was_never_read_and_each_failed_question_counts_once(share: Share, tmp_path: Path) -> None:
    (tmp_path / "template.csv").write_text("Key;Value\nphone;Call us.\n", encoding="utf-8")
    clock = FakeClock()
    share.wrong[PLACE] = answers(500)
    known = library(tmp_path, Source(url=share.url(), fallback=Path("template.csv")), clock=clock)
    known.refresh()
    for _ in range(10):
        clock.move(2.0)
        known.refresh(LATER)
    (state,) = known.states()
    assert (state.fallback, state.failures, facts(known)) == (True, 3, {"phone": "Call us."})
    share.wrong.clear()
    known.refresh()
    assert (known.states()[0].fallback, facts(known)) == (False, dict(ROWS[1:]))


def test_a_server_that_hangs_delays_no_other_source(share: Share, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("Key;Value\nphone;Call us.\n", encoding="utf-8")
    clock = FakeClock()
    known = library(tmp_path, Source(url=share.url()), Source(Path("more.csv")), clock=clock)
    known.refresh()
    share.wrong[PLACE] = hangs
    clock.move(10.0)
    (tmp_path / "more.csv").write_text("Key;Value\nphone;Write to us.\n", encoding="utf-8")
    os.utime(tmp_path / "more.csv", (1, 1))
    assert [change.changed for change in known.refresh(LATER)] == [("phone",)]
    assert known.states()[0].trouble == ""  # it has not been silent for long enough to be called a trouble
    assert facts(known)["returns"]
    share.released.set()
    (told,) = known.refresh()
    assert told.code == "source_unreachable"


def test_a_question_under_way_is_waited_for_by_a_person_and_by_no_loop(share: Share) -> None:
    share.wrong[PLACE] = hangs
    clock = FakeClock()
    origin = RemoteOrigin(address_of(share.url()), SignIn, 10, clock)
    asked = origin.ask(at_once=False)
    assert asked is not None
    clock.move(10.0)
    assert origin.ask(at_once=False) is None
    assert origin.ask(at_once=True) is asked
    share.released.set()


def test_a_server_that_hangs_at_the_start_is_told_and_its_template_or_nothing_stands(share: Share, tmp_path: Path) -> None:
    share.wrong[PLACE] = hangs
    known = known_of(share, tmp_path)
    (change,) = known.refresh(LATER)
    assert "has not answered yet" in change.trouble
    assert known.passages() == ()
    share.released.set()
    known.refresh()
    share.wrong.clear()
    (healed,) = known.refresh()
    assert (healed.trouble, len(known.passages())) == ("", 2)


def test_a_password_is_read_anew_for_each_question_and_shown_nowhere(share: Share, tmp_path: Path) -> None:
    share.password = "hunter2"
    secret = tmp_path / "share"
    secret.touch(mode=0o600)
    secret.write_text("hunter1\n")
    source = Source(url=f"{share.url()}?token=hunter3", user="desk", password_file=Path("share"))
    known = Library((source,), tmp_path, FakeClock(), tmp_path / "state", read_secret)
    (refused,) = known.refresh()
    assert refused.code == "source_locked"
    assert "hunter" not in f"{refused}{known.states()}"
    secret.write_text("hunter2\n")
    (change,) = known.refresh()
    assert (change.trouble, change.passages) == ("", 2)
    secret.chmod(0o644)
    (open_to_others,) = known.refresh()
    assert "0644" in open_to_others.trouble
    assert "chmod 600" in open_to_others.remedy
    assert facts(known) == dict(ROWS[1:])


def test_sources_on_servers_are_named_as_files_are(share: Share, tmp_path: Path) -> None:
    share.files |= {"/a/en.csv": FACTS, "/b/en.csv": FACTS, "/kb/fi.csv": FACTS}
    known = library(tmp_path, *(Source(url=share.url(path)) for path in ("/a/en.csv", "/b/en.csv", "/kb/fi.csv")))
    known.refresh()
    assert [state.name for state in known.states()] == ["a/en.csv", "b/en.csv", "fi.csv"]
    assert known.states()[2].path == share.url("/kb/fi.csv")
