"""A case opened up: what is shown of it, and what may be decided."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from appliance.desk.check import CHECKS
from appliance.ground.assets import asset
from appliance.panel import words
from appliance.panel.opened import Opened, open_up, print_of, rest_of
from appliance.panel.words import Voice
from appliance.records.answer import Check, Decision, Draft, DraftSentence, Outcome
from appliance.records.case import CaseFile, CaseState
from appliance.records.language import Language
from appliance.records.message import Address, Message
from appliance.records.policy import Reason, Tier
from tests.support.clock import FakeClock
from tests.support.panel_company import company, finnish_draft
from tests.support.panel_twin import a_case

CLOCK = FakeClock(1_795_000_000.0)
VOICE = Voice(words.load(asset("web") / "words"), "en", ZoneInfo("Europe/Helsinki"), CLOCK.now())


def opened(file: CaseFile) -> Opened:
    return open_up(file, ["why"], company(CLOCK).passage, VOICE)


def test_the_draft_is_laid_out_as_the_customer_would_read_it() -> None:
    view = opened(a_case(1, CLOCK, draft=finnish_draft()))
    assert "".join(row.before + row.text for row in view.sentences) == finnish_draft().text


def test_words_that_the_layout_added_are_shown_too() -> None:
    draft = Draft(
        language="en",
        subject="",
        text="Hello Anna,\n\nWe open at 9.\n\nKind regards",
        sentences=(DraftSentence(text="We open at 9.", passages=("p3",)),),
    )
    view = opened(a_case(1, CLOCK, draft=draft))
    assert [(row.text, row.courtesy) for row in view.sentences] == [("Hello Anna,", True), ("We open at 9.", False), ("Kind regards", True)]
    assert "".join(row.before + row.text for row in view.sentences) == draft.text


def test_a_persons_edit_is_shown_as_it_stands_without_the_desks_citations() -> None:
    edited = msgspec.structs.replace(finnish_draft(), text="Something else entirely.")
    view = opened(a_case(1, CLOCK, draft=edited))
    assert view.sentences == ()
    assert view.draft_text == "Something else entirely."


def test_a_citation_says_when_its_source_has_changed_or_gone_since() -> None:
    view = opened(a_case(1, CLOCK, draft=finnish_draft()))
    assert [(row.id, row.changed, row.gone) for row in view.cited] == [("p1", False, False), ("p2", True, False)]
    lost = msgspec.structs.replace(finnish_draft(), sentences=(DraftSentence(text="Hei Anna,", passages=("p99",)),))
    assert [(row.id, row.gone) for row in opened(a_case(1, CLOCK, draft=lost)).cited if row.gone] == [("p99", True)]


@pytest.mark.parametrize(
    ("state", "asks", "waits"),
    [
        (CaseState.REVIEW, "review", True),
        (CaseState.ROUTED, "review", False),
        (CaseState.UNCERTAIN, "uncertain", True),
        (CaseState.REPLIED, "", False),
        (CaseState.CLAIMED, "", False),
    ],
)
def test_only_what_waits_for_a_person_or_a_team_can_be_decided(state: CaseState, asks: str, waits: bool) -> None:
    view = opened(a_case(1, CLOCK, state=state))
    assert (view.asks, view.waits) == (asks, waits)


def test_nothing_can_be_decided_about_words_that_are_gone() -> None:
    view = opened(msgspec.structs.replace(a_case(1, CLOCK), message=None, draft=None, erased=True))
    assert (view.asks, view.recipient, view.draft_text) == ("", "", "")


@pytest.mark.parametrize(
    ("state", "days", "asks", "said"),
    [
        (CaseState.REPLIED, 30, "", "removed on 18 Nov 2026, when their 30-day keeping time was over"),
        (CaseState.REPLIED, 0, "", "removed on 18 Nov 2026, when the queue was archived"),
        (CaseState.DEAD, 30, "close", "30-day"),
        (CaseState.REVIEW, 0, "close", "archived"),
    ],
)
def test_words_that_have_run_out_are_said_to_have_and_what_is_still_open_can_only_be_closed(
    state: CaseState, days: int, asks: str, said: str
) -> None:
    file = a_case(1, CLOCK, state=state)
    row = msgspec.structs.replace(file.row, subject="", words_removed_at=CLOCK.now())
    view = opened(msgspec.structs.replace(file, row=row, message=None, draft=None, erased=True, kept_days=days))
    assert (view.asks, view.subject) == (asks, "(words removed)")
    assert said in view.words_gone


def test_the_recipient_is_the_one_the_store_will_write_to() -> None:
    file = a_case(1, CLOCK)
    assert opened(file).recipient == "Anna Virtanen <anna.virtanen@example.fi>"
    assert opened(file).goes_elsewhere is False
    assert file.message is not None
    elsewhere = msgspec.structs.replace(
        file.message, reply_to=(Address(address="boss@example.fi"),), cc=(Address(address="pal@example.fi"),)
    )
    view = opened(msgspec.structs.replace(file, message=elsewhere))
    assert (view.recipient, view.goes_elsewhere, view.copies) == ("boss@example.fi", True, "pal@example.fi")


@pytest.mark.parametrize(
    ("text", "full", "rest"),
    [
        ("Hello", "Hello", ""),
        ("Hello", "Hello\n\n> quoted", "> quoted"),
        ("Hello", "> quoted\n\nHello", "> quoted\n\nHello"),
        ("", "> quoted", "> quoted"),
        ("Hello", "", ""),
    ],
)
def test_quotes_and_signature_are_what_is_left_of_the_whole(text: str, full: str, rest: str) -> None:
    assert rest_of(Message(channel="mail", text=text, full_text=full)) == rest


def test_another_draft_has_another_print() -> None:
    one, other = finnish_draft(), msgspec.structs.replace(finnish_draft(), text="x")
    assert print_of(one) != print_of(other) != print_of(None)


def test_why_a_case_waits_is_said_once_and_in_words() -> None:
    checks = (
        Check(name="grounded", passed=False, score=0.7, reason=Reason(code="unsupported_number", numbers={"unknown": 1})),
        Check(name="odd", passed=False, score=None),
        Check(name="language", passed=True, score=1.0),
    )
    held = Reason(code="low_score", numbers={"score": 0.62, "least": 0.7})
    stages = (Reason(code="allowed"), held, Reason(code="unsupported_number", numbers={"unknown": 1}), Reason(code="reply_to_differs"))
    outcome = Outcome(decision=Decision.REVIEW, reason=held, language=Language(code="en"), tier=Tier.GROUNDED, checks=checks, stages=stages)
    view = opened(msgspec.structs.replace(a_case(1, CLOCK, reason="sender_limit"), outcome=outcome))
    assert view.why == (
        "The sender already got an automatic reply within 24 hours.",
        "The reply's score 0.62 is below 0.70.",
        "Answers are asked to another address than the sender's.",
    )
    assert view.failed == ("1 number of the draft is not in what it cites.", "The check odd failed.")
    assert view.passed == ("It is in the customer's language.",)


def test_every_check_of_the_desk_has_a_sentence() -> None:
    assert [name for name in CHECKS if f"check.passed.{name}" not in words.load(asset("web") / "words")["en"]] == []
