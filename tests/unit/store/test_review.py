import pytest

from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.delivery import DeliveryKind, DeliveryOutcome
from appliance.records.message import Address, Bounce, Message, MessageKind
from appliance.records.person import Approval
from appliance.store.errors import WrongState
from tests.unit.store.support import Desk, message, outcome


def held(desk: Desk, **fields: object) -> str:
    return desk.answer(message(**fields), outcome(Decision.REVIEW)).id  # type: ignore[arg-type]


def decide(desk: Desk, case: str, decision: str, **fields: str) -> str:
    return desk.store.decide_review(Approval(case=case, decision=decision, by="liisa", **fields), term=desk.term)


def test_an_approved_draft_leaves_as_it_is_in_the_persons_name(desk: Desk) -> None:
    case = held(desk)
    assert decide(desk, case, "approve") == CaseState.REPLYING
    delivery = desk.started()
    assert (delivery.text, delivery.automatic) == ("From nine to five.", False)
    desk.finish(delivery)
    assert desk.state(case) == CaseState.REPLIED


def test_an_edited_draft_leaves_in_the_persons_words_and_the_desks_own_is_kept(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, "approve", text="We are open nine to six.", comment="summer hours")
    assert desk.started().text == "We are open nine to six."
    opened = desk.store.file(case)
    assert opened is not None
    assert opened.draft is not None
    assert opened.outcome is not None
    assert opened.outcome.draft is not None
    assert (opened.draft.text, opened.outcome.draft.text) == ("We are open nine to six.", "From nine to five.")
    assert desk.store.comments(case) == ("summer hours",)


def test_an_approved_reply_obeys_outbound_and_nothing_else(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, "approve")
    desk.store.set_switch("automation_enabled", False, "owner", term=desk.term)
    desk.store.set_switch("safe_mode", True, "owner", term=desk.term)
    desk.store.set_switch("outbound_enabled", False, "owner", term=desk.term)
    assert desk.start() is None
    desk.store.set_switch("outbound_enabled", True, "owner", term=desk.term)
    assert desk.start() is not None


def test_a_persons_reply_goes_where_the_customer_wants_replies(desk: Desk) -> None:
    case = held(desk, reply_to=(Address(address="office@customer.example"),))
    decide(desk, case, "approve")
    assert [address.address for address in desk.started().to] == ["office@customer.example"]


def test_a_rejected_case_is_closed_and_nothing_leaves(desk: Desk) -> None:
    case = held(desk)
    assert decide(desk, case, "reject", comment="wrong") == CaseState.CLOSED
    assert desk.start() is None
    assert desk.reason(case) == "rejected"


def test_a_case_routed_by_a_person_is_handed_over(desk: Desk) -> None:
    case = held(desk)
    assert decide(desk, case, "route", team="billing") == CaseState.ROUTED
    assert desk.started().kind == DeliveryKind.HANDOVER
    opened = desk.store.file(case)
    assert opened is not None
    assert opened.row.team == "billing"


def test_a_routed_case_may_be_answered_after_all(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.ROUTE, team="panel-only")).id
    decide(desk, case, "approve", text="Hello")
    assert desk.started().text == "Hello"


def test_a_case_without_a_draft_needs_the_persons_words(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.ROUTE)).id
    with pytest.raises(WrongState, match="no draft"):
        decide(desk, case, "approve")
    with pytest.raises(WrongState, match="empty"):
        decide(desk, case, "approve", text="  ")


def test_a_case_is_decided_once(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, "approve")
    for decision in ("approve", "reject", "route"):
        with pytest.raises(WrongState):
            decide(desk, case, decision)


def test_an_unknown_decision_is_refused(desk: Desk) -> None:
    with pytest.raises(WrongState):
        decide(desk, held(desk), "perhaps")


def test_a_newer_message_takes_a_case_out_of_review_and_an_approved_reply_back(desk: Desk) -> None:
    case = held(desk, message_id="<1@x>")
    decide(desk, case, "approve")
    desk.take_in(message(text="newer", message_id="<2@x>", references=("<1@x>",)))
    assert desk.start() is None
    assert desk.state(case) == CaseState.CLOSED


def uncertain(desk: Desk) -> str:
    case = desk.answer(message())
    desk.finish(desk.started(), DeliveryOutcome.UNCERTAIN, stage="after_data")
    return case.id


@pytest.mark.parametrize(("decision", "state"), [("sent", CaseState.REPLIED), ("drop", CaseState.CLOSED)])
def test_a_person_finds_out_what_became_of_an_uncertain_reply(desk: Desk, decision: str, state: CaseState) -> None:
    case = uncertain(desk)
    assert desk.store.resolve_uncertain(case, decision, "liisa", term=desk.term) == state
    assert desk.state(case) == state
    assert desk.start() is None


def test_a_reply_sent_once_more_by_a_person_has_another_message_id_and_the_same_words(desk: Desk) -> None:
    case = uncertain(desk)
    assert desk.store.resolve_uncertain(case, "resend", "liisa", term=desk.term) == CaseState.REPLYING
    delivery = desk.started()
    assert delivery.message_id == f"<tandem.{case}.2@company.example>"
    assert (delivery.text, delivery.automatic, delivery.attempts) == ("From nine to five.", False, 1)
    desk.finish(delivery)
    assert desk.state(case) == CaseState.REPLIED


def test_an_uncertainty_is_resolved_once_and_only_where_there_is_one(desk: Desk) -> None:
    case = uncertain(desk)
    with pytest.raises(WrongState):
        desk.store.resolve_uncertain(case, "maybe", "liisa", term=desk.term)
    desk.store.resolve_uncertain(case, "sent", "liisa", term=desk.term)
    with pytest.raises(WrongState):
        desk.store.resolve_uncertain(case, "resend", "liisa", term=desk.term)


def test_a_bounced_reply_may_be_answered_again_under_another_message_id(desk: Desk) -> None:
    first = desk.answer(message())
    delivery = desk.started()
    desk.finish(delivery)
    bounce = Bounce(action="failed", original_message_id=delivery.message_id)
    desk.answer(Message(channel="mail", kind=MessageKind.BOUNCE, bounce=bounce), outcome(Decision.CLOSE))
    decide(desk, first.id, "approve", text="Once more")
    assert desk.started().message_id == f"<tandem.{first.id}.2@company.example>"


# Dead letters


def dead(desk: Desk) -> str:
    case = desk.answer(message())
    desk.finish(desk.started(), DeliveryOutcome.REFUSED, stage="rcpt", code=550)
    assert desk.state(case.id) == CaseState.DEAD
    return case.id


def test_a_dead_letter_is_sent_once_more_by_a_person(desk: Desk) -> None:
    case = dead(desk)
    assert desk.store.resolve_uncertain(case, "resend", "liisa", term=desk.term) == CaseState.REPLYING
    delivery = desk.started()
    assert (delivery.message_id, delivery.attempts) == (f"<tandem.{case}.2@company.example>", 1)
    assert (delivery.text, delivery.automatic) == ("From nine to five.", False)
    desk.finish(delivery, DeliveryOutcome.REFUSED)
    assert desk.store.resolve_uncertain(case, "resend", "liisa", term=desk.term) == CaseState.REPLYING
    desk.finish(desk.started())
    assert desk.state(case) == CaseState.REPLIED
    assert desk.store.verify(tables=True).ok


def test_a_dead_letter_may_be_dropped_but_nobody_can_have_found_it_sent(desk: Desk) -> None:
    case = dead(desk)
    with pytest.raises(WrongState, match="refused"):
        desk.store.resolve_uncertain(case, "sent", "liisa", term=desk.term)
    assert desk.store.resolve_uncertain(case, "drop", "liisa", term=desk.term) == CaseState.CLOSED
    assert (desk.state(case), desk.reason(case)) == (CaseState.CLOSED, "dropped")


@pytest.mark.parametrize(
    ("decision", "state"), [("approve", CaseState.REPLYING), ("reject", CaseState.CLOSED), ("route", CaseState.ROUTED)]
)
def test_a_dead_letter_may_be_decided_like_a_case_in_review(desk: Desk, decision: str, state: CaseState) -> None:
    case = dead(desk)
    assert decide(desk, case, decision, team="billing") == state
    assert desk.state(case) == state
    assert (desk.start() is not None) == (decision != "reject")
    assert desk.store.verify(tables=True).ok


def test_an_erased_customers_dead_letter_is_closed(desk: Desk) -> None:
    case = dead(desk)
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert (desk.state(case), desk.reason(case)) == (CaseState.CLOSED, "erased")


def test_a_dead_letter_whose_words_were_erased_meanwhile_can_only_be_closed(desk: Desk) -> None:
    cases = [desk.answer(message(text="one")).id, desk.answer(message(text="two")).id]
    under_way = [desk.started(), desk.started()]
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    for delivery in under_way:
        desk.finish(delivery, DeliveryOutcome.TRY_AGAIN, stage="rcpt")
    desk.clock.move(61)
    assert desk.start() is None
    assert [desk.state(case) for case in cases] == [CaseState.DEAD, CaseState.DEAD]
    with pytest.raises(WrongState, match="erased"):
        desk.store.resolve_uncertain(cases[0], "resend", "liisa", term=desk.term)
    for decision, comment in (("approve", ""), ("route", ""), ("reject", "why")):
        with pytest.raises(WrongState, match="erased"):
            decide(desk, cases[1], decision, comment=comment, team="billing")
    assert desk.store.resolve_uncertain(cases[0], "drop", "liisa", term=desk.term) == CaseState.CLOSED
    assert decide(desk, cases[1], "reject") == CaseState.CLOSED
    assert desk.store.verify(tables=True).ok
