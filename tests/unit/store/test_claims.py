import pytest
from msgspec.structs import replace

from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.policy import Reason
from appliance.store.errors import ClaimLost, NoSuchCase, StaleTerm
from appliance.store.limits import Sending
from tests.support.clock import FakeClock
from tests.unit.store.support import FREELY, Desk, message, open_store, outcome


def test_the_oldest_waits_no_longer_than_the_newest_whatever_the_mailbox(desk: Desk) -> None:
    old, new = desk.arrival(message(text="new")), desk.arrival(message(text="old"))
    desk.clock.move(100)
    late = desk.arrival(message(text="late"))
    receipts = desk.store.receive([late, old, new], term=desk.term)
    desk.store.acknowledge(receipts, None, term=desk.term)
    assert [desk.claim().message.text for _ in range(3)] == ["new", "old", "late"]


def test_two_workers_never_have_the_same_case(desk: Desk) -> None:
    desk.take_in(message(text="a"), message(text="b"))
    assert desk.claim("desk-1").id != desk.claim("desk-2").id
    assert desk.store.claim("desk-3", term=desk.term, seconds=60) is None


def test_a_claim_that_ended_is_taken_again_and_counted(desk: Desk) -> None:
    desk.take_in(message())
    first = desk.claim("desk-1", seconds=60)
    desk.clock.move(59)
    assert desk.store.claim("desk-2", term=desk.term, seconds=60) is None
    desk.clock.move(2)
    second = desk.claim("desk-2")
    assert (second.id, second.attempts) == (first.id, 2)


def test_who_lost_the_claim_settles_nothing(desk: Desk) -> None:
    desk.take_in(message())
    first = desk.claim("desk-1", seconds=60)
    desk.clock.move(61)
    second = desk.claim("desk-2")
    with pytest.raises(ClaimLost):
        desk.settle(first)
    assert desk.settle(second) == Decision.SEND


def test_a_claim_that_ended_but_that_nobody_took_may_still_be_settled(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim(seconds=60)
    desk.clock.move(600)
    assert desk.settle(case) == Decision.SEND


def test_a_case_is_settled_once(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim()
    desk.settle(case)
    with pytest.raises(ClaimLost):
        desk.settle(case)


def test_after_three_failed_tries_a_person_gets_the_case(desk: Desk) -> None:
    desk.take_in(message())
    states = [desk.store.release(desk.claim().id, Reason(code="desk_failed"), term=desk.term) for _ in range(3)]
    assert states == [CaseState.WAITING, CaseState.WAITING, CaseState.REVIEW]
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None


def test_after_three_claims_that_ran_out_a_person_gets_the_case(desk: Desk) -> None:
    (receipt,) = desk.take_in(message())
    for _ in range(3):
        desk.claim(seconds=10)
        desk.clock.move(11)
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None
    assert desk.state(receipt.case) == CaseState.REVIEW
    assert desk.reason(receipt.case) == "gave_up"


def test_a_case_that_nobody_can_decide_does_not_hold_up_the_next(desk: Desk) -> None:
    desk.take_in(message(text="poison"))
    for _ in range(3):
        desk.claim(seconds=10)
        desk.clock.move(11)
    desk.take_in(message(text="fine"))
    assert desk.claim().message.text == "fine"


def test_a_node_that_stops_gives_its_claims_back_without_counting_them(desk: Desk) -> None:
    desk.take_in(message())
    for _ in range(5):
        desk.store.release(desk.claim().id, Reason(code="stopping"), term=desk.term)
    assert desk.claim().attempts == 1


def test_a_new_term_frees_the_claims_of_the_one_before(desk: Desk) -> None:
    desk.take_in(message())
    old = desk.claim(seconds=3600)
    desk.term = desk.store.begin_term("node-b")
    assert desk.claim().id == old.id
    with pytest.raises(ClaimLost):
        desk.settle(old)


def test_a_lower_term_is_refused_whatever_it_wants(desk: Desk) -> None:
    desk.answer(message(text="under way"))
    delivery = desk.started()
    desk.take_in(message(), message(text="two"))
    case, stale, store = desk.claim(), desk.term, desk.store
    store.begin_term("node-b")
    arrival, position = desk.arrival(message(text="three")), store.position
    for work in (
        lambda: store.receive([arrival], term=stale),
        lambda: store.acknowledge((), None, term=stale),
        lambda: store.claim("desk-1", term=stale, seconds=60),
        lambda: store.release(case.id, Reason(code="x"), term=stale),
        lambda: store.release(case.id, Reason(code="x"), term=stale, claim=1),
        lambda: store.settle(case, outcome(), FREELY, term=stale),
        lambda: store.found(delivery, True, term=stale),
        lambda: store.set_switch("safe_mode", True, "me", term=stale),
        lambda: store.erase_customer("maija@customer.example", "me", term=stale),
    ):
        with pytest.raises(StaleTerm):
            work()
    assert store.position == position


def test_claims_survive_a_restart(desk: Desk, clock: FakeClock) -> None:
    desk.take_in(message())
    case = desk.claim(seconds=60)
    home = desk.store.home
    desk.store.close()
    with open_store(home, clock) as store:
        assert store.claim("desk-2", term=desk.term, seconds=60) is None
        assert store.settle(case, outcome(), FREELY, term=desk.term) == Decision.SEND


# Narrowing


def test_a_second_automatic_reply_to_a_sender_within_a_day_is_held(desk: Desk) -> None:
    once = Sending(replies_per_sender_per_day=1)
    desk.take_in(message(text="a"), message(text="b", sender="maija@customer.example"))
    assert desk.settle(desk.claim(), limits=once) == Decision.SEND
    second = desk.claim()
    assert second.history.automatic_replies_to_sender == 1
    assert desk.settle(second, limits=once) == Decision.REVIEW
    assert desk.reason(second.id) == "sender_limit"
    desk.clock.move(86_401)
    desk.take_in(message(text="c"))
    assert desk.settle(desk.claim(), limits=once) == Decision.SEND


def test_two_replies_settled_at_the_same_time_still_meet_the_senders_limit(desk: Desk) -> None:
    once = Sending(replies_per_sender_per_day=1)
    desk.take_in(message(text="a"), message(text="b"))
    first, second = desk.claim(), desk.claim()
    assert second.history.automatic_replies_to_sender == 0
    assert {desk.settle(first, limits=once), desk.settle(second, limits=once)} == {Decision.SEND, Decision.REVIEW}


def test_the_hourly_cap_holds_everybody(desk: Desk) -> None:
    cap = Sending(replies_per_sender_per_day=9, replies_per_hour=2)
    desk.take_in(*(message(sender=f"c{number}@x.example") for number in range(3)))
    assert [desk.settle(desk.claim(), limits=cap) for _ in range(3)] == [Decision.SEND, Decision.SEND, Decision.REVIEW]
    desk.clock.move(3_601)
    desk.take_in(message(text="later"))
    assert desk.settle(desk.claim(), limits=cap) == Decision.SEND


def test_a_reply_taken_back_before_it_left_does_not_count(desk: Desk) -> None:
    desk.answer(message(message_id="<1@x>"))
    desk.take_in(message(text="newer", message_id="<2@x>", references=("<1@x>",)))
    assert desk.claim().history.automatic_replies_to_sender == 0


@pytest.mark.parametrize(
    ("lever", "position", "expected"),
    [("safe_mode", True, Decision.ROUTE), ("automation_enabled", False, Decision.REVIEW)],
)
def test_a_lever_pulled_while_the_desk_was_thinking_holds_the_reply(desk: Desk, lever: str, position: bool, expected: Decision) -> None:
    desk.take_in(message())
    case = desk.claim()
    desk.store.set_switch(lever, position, "owner", term=desk.term)
    assert desk.settle(case) == expected
    assert desk.start() is None


def test_nothing_is_ever_widened(desk: Desk) -> None:
    desk.take_in(*(message(text=str(number)) for number in range(3)))
    for decision in (Decision.REVIEW, Decision.ROUTE, Decision.CLOSE):
        assert desk.settle(desk.claim(), outcome(decision)) == decision
    assert desk.start() is None


def test_a_reply_without_a_draft_is_held(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim()
    without = outcome(Decision.CLOSE)
    assert desk.settle(case, replace(without, decision=Decision.SEND)) == Decision.REVIEW


def test_a_case_overtaken_while_the_desk_was_thinking_is_closed_and_nothing_leaves(desk: Desk) -> None:
    desk.take_in(message(message_id="<1@x>"))
    case = desk.claim()
    desk.take_in(message(text="newer", message_id="<2@x>", references=("<1@x>",)))
    assert desk.settle(case) == Decision.CLOSE
    assert desk.start() is None


def test_a_case_that_is_not_there_is_refused(desk: Desk) -> None:
    with pytest.raises(NoSuchCase):
        desk.store.release("c-000000000000000000", Reason(code="x"), term=desk.term)
    with pytest.raises(NoSuchCase):
        desk.store.release("nonsense", Reason(code="x"), term=desk.term)


def test_the_desks_loop_is_woken_when_a_case_begins_to_wait(desk: Desk) -> None:
    desk.store.wake_cases.clear()
    receipts = desk.receive(message())
    assert not desk.store.wake_cases.is_set()
    desk.store.acknowledge(receipts, None, term=desk.term)
    assert desk.store.wake_cases.is_set()


def test_the_file_holds_what_replay_needs(desk: Desk) -> None:
    case = desk.answer(message())
    opened = desk.store.file(case.id)
    assert opened is not None
    assert opened.case is not None
    assert opened.case.message == case.message
    assert opened.case.history == case.history
    assert opened.outcome == outcome()
    assert opened.draft == outcome().draft


# Who may give a claim back


def test_who_lost_the_claim_gives_nothing_back(desk: Desk) -> None:
    desk.take_in(message())
    first = desk.claim("desk-1", seconds=60)
    desk.clock.move(61)
    second = desk.claim("desk-2")
    position = desk.store.position
    state = desk.store.release(first.id, Reason(code="desk_failed"), term=desk.term, claim=first.claim)
    assert (state, desk.store.position) == (CaseState.CLAIMED, position)
    assert desk.settle(second) == Decision.SEND


def test_who_has_the_claim_gives_it_back_by_its_number(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim()
    assert desk.store.release(case.id, Reason(code="desk_failed"), term=desk.term, claim=case.claim) == CaseState.WAITING


# The wall clock jumps


def test_a_claim_further_ahead_than_any_can_be_has_ended(desk: Desk) -> None:
    desk.take_in(message())
    first = desk.claim(seconds=60)
    desk.clock.jump_wall_clock(-7_200)
    desk.clock.move(60)
    second = desk.claim("desk-2", seconds=5)
    assert (second.id, second.attempts) == (first.id, 2)


def test_no_claim_is_longer_than_the_longest(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim(seconds=86_400)
    desk.clock.move(desk.store.limits.claim_seconds_max - 1)
    assert desk.store.claim("desk-2", term=desk.term, seconds=60) is None
    desk.clock.move(2)
    assert desk.claim("desk-2").id == case.id


# Mail that its mailbox never offered again


@pytest.mark.parametrize("restart", [False, True])
def test_a_case_that_nobody_told_the_mailbox_of_comes_to_a_person_after_a_while(desk: Desk, clock: FakeClock, restart: bool) -> None:
    (receipt,) = desk.receive(message())
    if restart:
        home = desk.store.home
        desk.store.close()
        desk.store = open_store(home, clock)
        desk.term = desk.store.begin_term("node-a")
    clock.move(desk.store.limits.orphan_seconds - 1)
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None
    assert desk.state(receipt.case) == CaseState.ARRIVED
    clock.move(62)
    case = desk.claim()
    assert (case.id, case.hold) == (receipt.case, "arrived_orphan")
    assert "case_released" in desk.kinds(case.id)
    assert desk.settle(case) == Decision.REVIEW
    assert desk.reason(case.id) == "arrived_orphan"
    assert desk.store.verify(tables=True).ok
    desk.store.close()


def test_after_a_long_stop_the_mailbox_has_a_while_to_offer_its_mail_again(desk: Desk, clock: FakeClock) -> None:
    mail = desk.arrival(message())
    desk.store.receive([mail], term=desk.term)
    home = desk.store.home
    desk.store.close()
    clock.move(86_400)
    with open_store(home, clock) as store:
        term = store.begin_term("node-a")
        assert store.claim("desk-1", term=term, seconds=60) is None
        receipts = store.receive([mail], term=term)
        store.acknowledge(receipts, None, term=term)
        case = store.claim("desk-1", term=term, seconds=60)
        assert case is not None
        assert case.hold == ""


def test_an_orphan_keeps_the_reason_it_is_held_for_already_and_a_late_word_of_the_mailbox_changes_nothing(desk: Desk) -> None:
    receipts = desk.receive(message(), older=True)
    desk.clock.move(desk.store.limits.orphan_seconds + 61)
    case = desk.claim()
    assert case.hold == "older"
    desk.store.acknowledge(receipts, None, term=desk.term)
    assert desk.state(case.id) == CaseState.CLAIMED


def test_what_came_in_just_now_is_left_to_its_intake(desk: Desk) -> None:
    desk.clock.move(7_200)
    (receipt,) = desk.receive(message())
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None
    assert desk.state(receipt.case) == CaseState.ARRIVED
