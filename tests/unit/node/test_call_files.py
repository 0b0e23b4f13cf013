"""The company's files for calls: live at once, the last good one kept, and what is wrong told in words; the contact service."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from openpyxl import Workbook

from appliance.desk.heard import Heard
from appliance.node.call_desk import ASKED_AT_ONCE, FIELD_CHARACTERS, FRESH_SECONDS, SILENT_SECONDS, CallDesk
from appliance.records.voice import Caller
from appliance.settings.model import CallSettings, Settings
from tests.support.clock import FakeClock
from tests.support.web_share import Share, answers, hangs, web_share

CUE = '[[cue]]\nid = "one"\nwords.en = ["price"]\ntitle.en = "Price"\ntext.en = "100 EUR"\n'
PRICES = "code;name;price;vat\nPX;Pump;1234,50;25,5\n"
CONTACTS = "kind,title,email\njob,Service,anna@example.fi\n"
ANNA = Caller(address="anna@example.fi")
ANSWER = b'{"name": "Anna", "jobs": [{"title": "Service"}]}'


def write(path: Path, text: str, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


def desk_of(home: Path, clock: FakeClock | None = None, **call: object) -> CallDesk:
    settings = Settings(home=home, call=msgspec.structs.replace(CallSettings(), contacts=Path("contacts.csv"), **call))
    return CallDesk(settings, clock or FakeClock())


def points(desk: CallDesk) -> list[str]:
    return [cue.text for cue in desk.said(Heard("the price", "en"), (), ())[0]]


def test_a_changed_playbook_is_live_and_a_bad_one_leaves_the_last_good_one_in_force(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    assert (points(desk), desk.faults()) == ([], [])
    write(tmp_path / "playbook.toml", CUE, 1)
    assert points(desk) == ["100 EUR"]
    write(tmp_path / "playbook.toml", CUE + "[[cue]]\n", 2)
    assert points(desk) == ["100 EUR"]
    ((name, fault),) = desk.faults()
    assert (name, "cue[2].id" in fault.message, bool(fault.remedy)) == ("playbook.toml", True, True)
    write(tmp_path / "playbook.toml", CUE.replace("100", "200"), 3)
    assert (points(desk), desk.faults()) == (["200 EUR"], [])
    (tmp_path / "playbook.toml").unlink()
    assert points(desk) == []


@pytest.mark.parametrize("bad", [b"\xff\xfe\x00", b'version = "x"', b"\x00"])
def test_a_file_that_is_no_text_is_told_and_changes_nothing(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "brief.toml").write_bytes(bad)
    ((name, fault),) = desk_of(tmp_path).faults()
    assert name == "brief.toml"
    assert fault.remedy


def test_the_price_list_and_the_contacts_are_read_from_tables(tmp_path: Path) -> None:
    write(tmp_path / "prices.csv", PRICES, 1)
    write(tmp_path / "contacts.csv", CONTACTS, 1)
    desk = desk_of(tmp_path)
    assert [price.code for price in desk.prices()] == ["PX"]
    assert [one.title for one in desk.contact(ANNA).dealings] == ["Service"]
    write(tmp_path / "prices.csv", PRICES.replace("1234,50", "much"), 2)
    write(tmp_path / "contacts.csv", "a,b\n1,2\n", 2)
    assert [price.code for price in desk.prices()] == ["PX"]
    contact = desk.contact(ANNA)
    assert ([one.title for one in contact.dealings], contact.code) == (["Service"], "source_broken")
    assert [name for name, _ in desk.faults()] == ["prices.csv", "contacts.csv"]


def test_a_workbook_of_contacts_is_read_in_its_child(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (("kind", "title", "email"), ("quote", "Pump", "anna@example.fi")):
        book.active.append(row)
    book.save(tmp_path / "contacts.xlsx")
    desk = desk_of(tmp_path)
    assert desk.contact(ANNA).dealings == ()
    desk = CallDesk(Settings(home=tmp_path), FakeClock())
    assert [one.title for one in desk.contact(ANNA).of("quote")] == ["Pump"]


# The service


@pytest.fixture
def share() -> Iterator[Share]:
    with web_share() as share:
        share.files["/contact"] = ANSWER
        yield share


def test_the_service_is_asked_with_what_is_known_and_its_answer_is_good_for_a_while(tmp_path: Path, share: Share) -> None:
    clock = FakeClock()
    desk = desk_of(tmp_path, clock, contacts_url=share.url("/contact"))
    contact = desk.contact(ANNA)
    assert (contact.found, contact.way, contact.caller.name, contact.code) == (True, "service", "Anna", "")
    desk.contact(ANNA)
    assert len(share.heard) == 1
    clock.move(FRESH_SECONDS + 1)
    desk.contact(ANNA)
    assert len(share.heard) == 2
    assert desk.contact(Caller()).way == "none"


@pytest.mark.parametrize("wrong", [answers(500), answers(200, b"<html>Sign in</html>", "text/html"), answers(200, b"[]")])
def test_a_service_that_fails_is_told_and_its_last_answer_is_shown_as_such(tmp_path: Path, share: Share, wrong: object) -> None:
    clock = FakeClock()
    desk = desk_of(tmp_path, clock, contacts_url=share.url("/contact"))
    desk.contact(ANNA)
    share.wrong["/contact"] = wrong  # type: ignore[assignment]
    clock.move(FRESH_SECONDS + 1)
    contact = desk.contact(ANNA)
    assert (contact.way, [one.title for one in contact.dealings], bool(contact.code)) == ("kept", ["Service"], True)
    asked = len(share.heard)
    assert desk.contact(Caller(name="Somebody new")).way == "none"
    assert len(share.heard) == asked  # it is left alone for a while
    del share.wrong["/contact"]
    clock.move(SILENT_SECONDS + 1)
    assert (desk.contact(ANNA).way, desk.faults()) == ("service", [])


def test_nobody_waits_long_for_a_service_that_hangs(tmp_path: Path, share: Share) -> None:
    share.wrong["/contact"] = hangs
    contact = desk_of(tmp_path, contacts_url=share.url("/contact")).contact(ANNA)
    share.released.set()
    assert (contact.way, contact.code) == ("none", "source_unreachable")
    assert "anna" not in contact.trouble


def test_a_service_that_hangs_keeps_few_threads_and_the_others_see_what_is_known(tmp_path: Path, share: Share) -> None:
    share.wrong["/contact"] = hangs
    desk = desk_of(tmp_path, contacts_url=share.url("/contact"))
    with ThreadPoolExecutor(ASKED_AT_ONCE + 6) as pages:
        seen = list(pages.map(lambda number: desk.contact(Caller(name=f"Caller {number}")), range(ASKED_AT_ONCE + 6)))
    share.released.set()
    assert len(share.heard) <= ASKED_AT_ONCE
    assert {one.code for one in seen} == {"source_unreachable"}


def test_a_caller_with_endless_fields_is_cut_before_anything_is_asked_or_kept(tmp_path: Path, share: Share) -> None:
    contact = desk_of(tmp_path, contacts_url=share.url("/contact")).contact(Caller(name="x" * 100_000))
    assert len(contact.caller.name) == FIELD_CHARACTERS
