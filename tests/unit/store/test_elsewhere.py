"""What people do in the mailbox itself, as the store sees it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.records.answer import Decision
from appliance.records.case import Case
from appliance.records.delivery import DeliveryKind, DeliveryOutcome, DeliveryState
from appliance.records.message import Address, Cursor, Message
from appliance.records.person import Approval
from appliance.store.mailing import Directory
from appliance.store.replay import differing_tables
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome, teams

DIRECTORY = Directory(senders={"support": "support@company.example"}, team=teams, drafts_folder=lambda mailbox: mailbox == "support")
CUSTOMER = "maija@customer.example"


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    store = open_store(tmp_path / "home", clock, directory=DIRECTORY)
    yield store
    assert differing_tables(store._readers.connection()) == ()
    store.close()


def held(desk: Desk, mail: Message | None = None) -> Case:
    """A case in review whose draft lies in Drafts."""
    case = desk.answer(mail or message(), outcome(Decision.REVIEW))
    draft = desk.started()
    assert draft.kind is DeliveryKind.DRAFT
    desk.finish(draft)
    return case


def approve(desk: Desk, case: Case) -> None:
    desk.store.decide_review(Approval(case=case.id, decision="approve", by="liisa"), term=desk.term)


def sent(desk: Desk, uid: int = 1, to: str = CUSTOMER, **fields: Any) -> tuple[str, ...]:
    """Somebody's mail is found in Sent; the cases that it closed."""
    mail = Message(channel="mail", sender=Address(address="support@company.example"), to=(Address(address=to),), **fields)
    cursor = Cursor(mailbox="support", folder="Sent", uid_validity=3, uid=uid)
    return desk.store.elsewhere.answered("support", (mail,), cursor, term=desk.term)


def test_a_held_draft_is_addressed_to_the_customer_and_belongs_to_the_thread(desk: Desk) -> None:
    desk.answer(message(references=("<before@customer.example>",)), outcome(Decision.REVIEW))
    draft = desk.started()
    assert draft.appended
    assert not draft.automatic
    assert [address.address for address in draft.to] == [CUSTOMER]
    assert draft.references == ("<before@customer.example>", draft.in_reply_to)
    assert draft.text == "From nine to five."
    assert desk.store.is_own(draft.key)


def test_a_message_that_nobody_can_be_answered_at_makes_no_draft_there(desk: Desk) -> None:
    desk.answer(message(sender=""), outcome(Decision.REVIEW))
    assert desk.start() is None


def test_a_persons_answer_closes_the_case_once(desk: Desk) -> None:
    case = held(desk)
    assert sent(desk, in_reply_to=(case.message.message_id,)) == (case.id,)
    assert (desk.state(case.id), desk.reason(case.id)) == ("closed", "answered_in_mailbox")
    assert sent(desk, 1, in_reply_to=(case.message.message_id,)) == ()
    assert desk.kinds(case.id).count("answered_elsewhere") == 1


def test_how_far_sent_was_read_is_remembered(desk: Desk) -> None:
    sent(desk, 7, in_reply_to=("<stranger@x.example>",))
    cursor = desk.store.cursor("support", "Sent")
    assert cursor is not None
    assert cursor.uid == 7
    assert desk.store.cursor("support", "INBOX") is None


def test_references_alone_name_the_case_too_and_the_latest_message_is_meant(desk: Desk) -> None:
    first = held(desk)
    other = held(desk, message(text="And something else?", sender="antti@customer.example"))
    ids = (first.message.message_id, other.message.message_id)
    assert sent(desk, to="antti@customer.example", references=ids) == (other.id,)
    assert desk.state(first.id) == "review"


def test_a_forward_to_a_colleague_closes_nothing(desk: Desk) -> None:
    case = held(desk)
    assert sent(desk, to="colleague@company.example", in_reply_to=(case.message.message_id,)) == ()
    assert desk.state(case.id) == "review"


def test_a_forged_key_closes_nothing(desk: Desk) -> None:
    case = held(desk)
    forged = f"{case.id}.0123456789abcdef.tandem.{case.id}.1@company.example"
    assert sent(desk, to="x@x.example", tandem_key=forged) == ()


def test_the_draft_itself_in_sent_closes_its_case_whoever_it_was_sent_to(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.REVIEW))
    draft = desk.started()
    desk.finish(draft)
    assert sent(desk, to="x@x.example", tandem_key=draft.key, message_id="<outlook@company.example>") == (case.id,)


def test_the_draft_is_known_by_its_message_id_where_the_key_was_lost(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.REVIEW))
    draft = desk.started()
    desk.finish(draft)
    assert sent(desk, to="x@x.example", message_id=draft.message_id) == (case.id,)


def test_our_own_reply_in_sent_is_nobodys_answer(desk: Desk) -> None:
    case = held(desk)
    approve(desk, case)
    reply = desk.started()
    fields = {"in_reply_to": (case.message.message_id,), "tandem_key": reply.key}
    assert sent(desk, message_id="<rewritten@server.example>", **fields) == ()
    assert sent(desk, message_id=reply.message_id, in_reply_to=(case.message.message_id,)) == ()
    desk.finish(reply)
    assert desk.state(case.id) == "replied"


def test_an_answer_takes_back_the_reply_that_is_queued(desk: Desk) -> None:
    case = held(desk)
    approve(desk, case)
    assert sent(desk, in_reply_to=(case.message.message_id,)) == (case.id,)
    assert desk.state(case.id) == "closed"
    assert desk.start() is None


@pytest.mark.parametrize("what", [DeliveryOutcome.HELD, DeliveryOutcome.TRY_AGAIN])
def test_an_answer_while_the_reply_is_under_way_ends_the_case_with_it(desk: Desk, what: DeliveryOutcome) -> None:
    case = held(desk)
    approve(desk, case)
    reply = desk.started()
    assert sent(desk, in_reply_to=(case.message.message_id,)) == (case.id,)
    assert desk.store.elsewhere.was_answered(case.id)
    assert desk.finish(reply, what, stage="answered_in_mailbox") is DeliveryState.RETIRED
    assert (desk.state(case.id), desk.reason(case.id)) == ("closed", "answered_in_mailbox")
    assert desk.start() is None


def test_a_reply_that_is_held_back_brings_the_case_to_a_person_and_forgets_the_draft(desk: Desk) -> None:
    case = held(desk)
    approve(desk, case)
    reply = desk.started()
    assert reply.draft_lies
    assert desk.store.is_own(reply.draft_key)
    assert desk.finish(reply, DeliveryOutcome.HELD, stage="draft_gone", draft_removed=True) is DeliveryState.RETIRED
    assert (desk.state(case.id), desk.reason(case.id)) == ("review", "draft_gone")
    approve(desk, case)
    assert desk.started().draft_key == ""


def test_a_draft_taken_out_before_a_try_that_failed_is_not_missed_at_the_next(desk: Desk, clock: FakeClock) -> None:
    case = held(desk)
    approve(desk, case)
    reply = desk.started()
    desk.finish(reply, DeliveryOutcome.TRY_AGAIN, stage="data", draft_removed=True)
    clock.move(4000)
    assert desk.started().draft_key == ""
    assert desk.store.elsewhere.to_take_out("support") == ()


def test_a_draft_that_never_got_there_is_not_missed(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.REVIEW))
    approve(desk, case)
    reply = desk.started()
    assert reply.kind is DeliveryKind.REPLY
    assert not reply.draft_lies


def test_drafts_of_cases_that_ended_are_to_be_taken_out_and_those_in_review_or_leaving_are_not(desk: Desk) -> None:
    case = held(desk)
    assert desk.store.elsewhere.to_take_out("support") == ()
    approve(desk, case)
    assert desk.store.elsewhere.to_take_out("support") == ()
    desk.finish(desk.started(), DeliveryOutcome.UNCERTAIN)
    (lying,) = desk.store.elsewhere.to_take_out("support")
    assert desk.store.elsewhere.to_take_out("other") == ()
    assert desk.store.is_own(lying.key)
    for _ in range(2):
        desk.store.elsewhere.removed(lying, gone=False, term=desk.term)
    assert desk.store.elsewhere.to_take_out("support") == ()
    assert desk.kinds(case.id).count("draft_removed") == 1


def test_a_draft_stays_while_the_decision_can_be_undone(desk: Desk, clock: FakeClock) -> None:
    case = held(desk)
    desk.store.decide_review(Approval(case=case.id, decision="reject", by="liisa"), term=desk.term)
    clock.move(9.0)
    assert desk.store.elsewhere.to_take_out("support", 10.0) == ()
    clock.move(2.0)
    assert len(desk.store.elsewhere.to_take_out("support", 10.0)) == 1


def test_an_erased_customers_draft_is_to_be_taken_out(desk: Desk) -> None:
    held(desk)
    desk.store.erase_customer(CUSTOMER, "owner", term=desk.term)
    assert len(desk.store.elsewhere.to_take_out("support")) == 1


def test_a_draft_that_was_under_way_at_a_crash_is_laid_down_again(desk: Desk) -> None:
    desk.answer(message(), outcome(Decision.REVIEW))
    draft = desk.started()
    (unfinished,) = desk.store.unfinished_deliveries()
    assert unfinished.appended
    assert desk.store.found(unfinished, False, term=desk.term) is DeliveryState.QUEUED
    again = desk.started()
    assert (again.id, again.key, again.attempts) == (draft.id, draft.key, draft.attempts)


def test_a_newer_message_takes_the_earlier_draft_back(desk: Desk) -> None:
    case = held(desk)
    desk.take_in(message(text="And on Sunday?", references=(case.message.message_id,)))
    assert desk.state(case.id) == "closed"
    assert len(desk.store.elsewhere.to_take_out("support")) == 1
