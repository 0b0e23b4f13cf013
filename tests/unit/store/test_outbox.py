from pathlib import Path

import pytest
from msgspec.structs import replace

from appliance.desk.reasons import table
from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.delivery import DeliveryKind, DeliveryOutcome, DeliveryResult, DeliveryState
from appliance.records.language import LANGUAGES
from appliance.records.message import Address
from appliance.records.person import Approval
from appliance.store.errors import NoSuchCase
from appliance.store.limits import Sending, StoreLimits, backoff_seconds
from appliance.store.mailing import Directory
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import DIRECTORY, Desk, message, open_store, outcome


def test_a_delivery_holds_everything_its_channel_needs(desk: Desk) -> None:
    case = desk.answer(
        message(message_id="<1@x>", references=("<0@x>",), thread_index="AdqX", cc=(Address(address="boss@customer.example"),))
    )
    delivery = desk.started()
    assert delivery.message_id == f"<tandem.{case.id}.1@company.example>"
    assert delivery.to == (Address(name="Maija", address="maija@customer.example"),)
    assert delivery.in_reply_to == "<1@x>"
    assert delivery.references == ("<0@x>", "<1@x>")
    assert delivery.thread_index == "AdqX"
    assert delivery.text == "From nine to five."
    assert delivery.subject.startswith("Re: A question [#")
    assert (delivery.automatic, delivery.attempts, delivery.term) == (True, 1, desk.term)


def test_an_automatic_reply_goes_to_the_sender_and_never_to_reply_to(desk: Desk) -> None:
    desk.answer(message(reply_to=(Address(address="elsewhere@evil.example"),)))
    assert [address.address for address in desk.started().to] == ["maija@customer.example"]


_COPIED = (Address(address="Support@company.example"), Address(address="MAIJA@customer.example"), Address(address="boss@customer.example"))


def test_an_automatic_reply_has_no_copies_or_a_forged_mail_would_reach_many(desk: Desk) -> None:
    desk.answer(message(cc=_COPIED))
    delivery = desk.started()
    assert (delivery.automatic, delivery.cc) == (True, ())


def test_an_approved_reply_has_the_copies_but_none_to_ourselves(desk: Desk) -> None:
    case = desk.answer(message(cc=_COPIED), outcome(Decision.REVIEW)).id
    desk.store.decide_review(Approval(case=case, decision="approve", by="liisa"), term=desk.term)
    delivery = desk.started()
    assert (delivery.automatic, delivery.cc) == (False, (Address(address="boss@customer.example"),))


def test_a_sent_reply_ends_the_case(desk: Desk) -> None:
    case = desk.answer(message())
    assert desk.finish(desk.started()) == DeliveryState.SENT
    assert desk.state(case.id) == CaseState.REPLIED
    assert desk.start() is None


def test_a_delivery_that_started_is_not_started_again(desk: Desk) -> None:
    desk.answer(message())
    desk.started()
    assert desk.start() is None


def test_a_reply_put_off_keeps_its_message_id_and_waits_longer_each_time(desk: Desk) -> None:
    desk.answer(message())
    names, pauses = set(), []
    for _ in range(4):
        delivery = desk.started()
        names.add(delivery.message_id)
        assert desk.finish(delivery, DeliveryOutcome.TRY_AGAIN, stage="connect") == DeliveryState.QUEUED
        pauses.append(_seconds_until_due(desk))
    assert len(names) == 1
    assert pauses == [60, 120, 240, 480]


def _seconds_until_due(desk: Desk) -> float:
    started = desk.clock.now()
    while not desk.store._may_be_due(desk.clock.now()):
        desk.clock.move(30)
    return desk.clock.now() - started


def test_the_pauses_double_up_to_six_hours() -> None:
    limits = StoreLimits()
    assert [backoff_seconds(limits, attempts) for attempts in (1, 2, 3, 9, 10, 99)] == [60, 120, 240, 15_360, 21_600, 21_600]


def test_counted_tries_last_a_day_and_a_half() -> None:
    limits = StoreLimits()
    hours = sum(backoff_seconds(limits, attempts) for attempts in range(1, limits.delivery_attempts)) / 3600
    assert 36 <= hours <= 39


def test_a_servers_own_wish_to_wait_longer_is_met(desk: Desk) -> None:
    desk.answer(message())
    desk.finish(desk.started(), DeliveryOutcome.TRY_AGAIN, stage="rcpt", code=450, retry_after_seconds=600.0)
    desk.clock.move(599)
    assert desk.start() is None
    desk.clock.move(2)
    assert desk.started().attempts == 2


def approved(desk: Desk, **fields: str) -> str:
    """A case whose reply a person let out: it may wait as long as it takes."""
    case = desk.answer(message(**fields), outcome(Decision.REVIEW)).id
    desk.store.decide_review(Approval(case=case, decision="approve", by="liisa"), term=desk.term)
    return case


def test_a_reply_refused_for_now_too_often_is_a_dead_letter(desk: Desk) -> None:
    case = approved(desk)
    states = []
    for _ in range(StoreLimits().delivery_attempts):
        states.append(desk.finish(desk.started(), DeliveryOutcome.TRY_AGAIN, stage="connect"))
        desk.clock.move(7 * 3600)
    assert states == [DeliveryState.QUEUED] * (StoreLimits().delivery_attempts - 1) + [DeliveryState.DEAD]
    assert desk.state(case) == CaseState.DEAD


def test_a_reply_refused_for_good_is_a_dead_letter(desk: Desk) -> None:
    case = desk.answer(message())
    desk.finish(desk.started(), DeliveryOutcome.REFUSED, stage="rcpt", code=550)
    assert desk.state(case.id) == CaseState.DEAD


def test_a_reply_that_may_have_been_sent_is_held_and_never_sent_again_by_itself(desk: Desk) -> None:
    case = desk.answer(message())
    desk.finish(desk.started(), DeliveryOutcome.UNCERTAIN, stage="after_data")
    assert desk.state(case.id) == CaseState.UNCERTAIN
    desk.clock.move(86_400)
    assert desk.start() is None


def test_telling_the_outcome_twice_changes_nothing(desk: Desk) -> None:
    case = desk.answer(message())
    delivery = desk.started()
    desk.finish(delivery)
    position = desk.store.position
    assert desk.finish(delivery, DeliveryOutcome.UNCERTAIN) == DeliveryState.SENT
    assert desk.store.position == position
    assert desk.state(case.id) == CaseState.REPLIED


def test_the_outcome_of_an_earlier_try_says_nothing_about_a_later_one(desk: Desk) -> None:
    desk.answer(message())
    first = desk.started()
    desk.finish(first, DeliveryOutcome.TRY_AGAIN)
    desk.clock.move(61)
    desk.started()
    assert desk.finish(first, DeliveryOutcome.SENT) == DeliveryState.SENDING


# After a restart


@pytest.mark.parametrize(("was_found", "expected"), [(True, CaseState.REPLIED), (False, CaseState.UNCERTAIN)])
def test_a_delivery_under_way_at_a_crash_is_looked_for(desk: Desk, clock: FakeClock, was_found: bool, expected: CaseState) -> None:
    case = desk.answer(message())
    started = desk.started()
    home = desk.store.home
    desk.store.close()
    with open_store(home, clock) as store:
        (unfinished,) = store.unfinished_deliveries()
        assert unfinished == started
        store.found(unfinished, was_found, term=desk.term)
        opened = store.file(case.id)
        assert opened is not None
        assert opened.row.state == expected
        assert store.unfinished_deliveries() == ()


def test_a_queued_reply_survives_a_restart(desk: Desk, clock: FakeClock) -> None:
    desk.answer(message())
    home = desk.store.home
    desk.store.close()
    with open_store(home, clock) as store:
        assert store.next_delivery("sender", term=desk.term) is not None


# Levers


def test_with_outbound_off_nothing_leaves(desk: Desk) -> None:
    desk.answer(message())
    desk.store.set_switch("outbound_enabled", False, "owner", term=desk.term)
    assert desk.start() is None
    desk.store.set_switch("outbound_enabled", True, "owner", term=desk.term)
    assert desk.start() is not None


@pytest.mark.parametrize(("lever", "position"), [("automation_enabled", False), ("safe_mode", True)])
def test_automation_levers_hold_what_nobody_approved_and_let_a_handover_pass(desk: Desk, lever: str, position: bool) -> None:
    desk.answer(message(text="a"))
    desk.answer(message(text="b"), outcome(Decision.ROUTE, team="billing"))
    desk.store.set_switch(lever, position, "owner", term=desk.term)
    assert desk.started().kind == DeliveryKind.HANDOVER
    assert desk.start() is None


def test_what_is_due_longest_leaves_first(desk: Desk) -> None:
    first = desk.answer(message(text="a"))
    desk.clock.move(1)
    desk.answer(message(text="b"))
    assert desk.started().case == first.id


def test_the_deliverers_loop_is_woken_when_something_is_queued(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim()
    desk.store.wake_deliveries.clear()
    desk.settle(case)
    assert desk.store.wake_deliveries.is_set()


# Handovers and drafts


def test_a_routed_case_is_handed_over_to_a_team_with_an_address(desk: Desk) -> None:
    case = desk.answer(message(text="The invoice is wrong"), outcome(Decision.ROUTE, team="billing"))
    delivery = desk.started()
    assert delivery.kind == DeliveryKind.HANDOVER
    assert delivery.to == (Address(address="billing@company.example"),)
    assert delivery.quoted == "The invoice is wrong"
    assert delivery.quoted_from.address == "maija@customer.example"
    assert not delivery.automatic
    desk.finish(delivery)
    assert desk.state(case.id) == CaseState.ROUTED


def test_a_team_without_an_address_gets_no_mail(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.ROUTE, team="panel-only"))
    assert desk.start() is None
    assert desk.state(case.id) == CaseState.ROUTED


def test_a_handover_that_cannot_be_delivered_brings_the_case_to_a_person(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.ROUTE, team="billing"))
    desk.finish(desk.started(), DeliveryOutcome.REFUSED)
    assert desk.state(case.id) == CaseState.REVIEW
    assert desk.reason(case.id) == "handover_failed"


def test_a_held_draft_goes_to_the_companys_own_mailbox_when_there_is_one(clock: FakeClock, store: Store) -> None:
    store._directory = Directory(senders=DIRECTORY.senders, drafts=lambda _: "service@company.example")
    desk = Desk(store, clock)
    case = desk.answer(message(), outcome(Decision.REVIEW))
    delivery = desk.started()
    assert delivery.kind == DeliveryKind.DRAFT
    assert delivery.to == (Address(address="service@company.example"),)
    assert delivery.text == "From nine to five."
    desk.finish(delivery, DeliveryOutcome.REFUSED)
    assert desk.state(case.id) == CaseState.REVIEW


def test_a_put_off_reply_is_taken_back_when_a_newer_message_came_meanwhile(desk: Desk) -> None:
    case = desk.answer(message(message_id="<1@x>"))
    delivery = desk.started()
    desk.take_in(message(text="newer", message_id="<2@x>", references=("<1@x>",)))
    assert desk.finish(delivery, DeliveryOutcome.TRY_AGAIN) == DeliveryState.RETIRED
    assert desk.state(case.id) == CaseState.CLOSED


def test_an_overtaken_reply_is_taken_back_even_at_its_last_try(desk: Desk) -> None:
    case = approved(desk, message_id="<1@x>")
    for _ in range(StoreLimits().delivery_attempts - 1):
        desk.finish(desk.started(), DeliveryOutcome.TRY_AGAIN)
        desk.clock.move(7 * 3600)
    delivery = desk.started()
    desk.take_in(message(text="newer", message_id="<2@x>", references=("<1@x>",)))
    assert desk.finish(delivery, DeliveryOutcome.TRY_AGAIN) == DeliveryState.RETIRED
    assert desk.state(case) == CaseState.CLOSED


def test_an_unknown_delivery_is_refused(desk: Desk) -> None:
    desk.answer(message())
    delivery = desk.started()
    with pytest.raises(NoSuchCase):
        desk.finish(replace(delivery, id="d-000000000000000000"))


def test_tries_that_were_not_the_mails_fault_never_make_a_dead_letter(desk: Desk) -> None:
    case = desk.answer(message())
    for _ in range(desk.store.limits.delivery_attempts + 3):
        delivery = desk.started()
        result = DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage="connect", blameless=True)
        assert desk.store.delivered(delivery, result, term=desk.term) == DeliveryState.QUEUED
        assert _seconds_until_due(desk) <= 60
    assert desk.finish(desk.started(), DeliveryOutcome.TRY_AGAIN, stage="rcpt") == DeliveryState.QUEUED  # the first real refusal
    assert desk.state(case.id) == CaseState.REPLYING


# Looked at again when it is about to leave

ONCE = Sending(replies_per_sender_per_day=1, replies_per_hour=1_000)


def two_to_one_sender(desk: Desk, limits: Sending = ONCE) -> tuple[str, str]:
    """The first waits for more than a day, so that the second is settled as if there were none."""
    desk.take_in(message(text="one"))
    first = desk.claim()
    desk.settle(first, limits=limits)
    desk.clock.move(86_401)
    desk.take_in(message(text="two"))
    second = desk.claim()
    assert desk.settle(second, limits=limits) == Decision.SEND
    return first.id, second.id


def patient(tmp_path: Path, clock: FakeClock) -> Desk:
    """A store to which no reply is too old."""
    return Desk(open_store(tmp_path / "patient", clock, StoreLimits(automatic_stale_seconds=10 * 86_400.0)), clock)


def test_after_an_outage_a_sender_gets_one_automatic_reply_and_the_other_goes_to_a_person(tmp_path: Path, clock: FakeClock) -> None:
    desk = patient(tmp_path, clock)
    first, second = two_to_one_sender(desk)
    delivery = desk.started()
    assert delivery.case == first
    assert desk.start() is None  # the first one is under way
    assert (desk.state(second), desk.reason(second)) == (CaseState.REVIEW, "sender_limit")
    desk.finish(delivery)
    desk.store.decide_review(Approval(case=second, decision="approve", by="liisa"), term=desk.term)
    assert not desk.started().automatic
    assert desk.store.verify(tables=True).ok
    desk.store.close()


@pytest.mark.parametrize(("what", "leaves"), [("sent", False), ("uncertain", False), ("refused", True)])
def test_what_left_or_may_have_left_within_a_day_counts(tmp_path: Path, clock: FakeClock, what: str, leaves: bool) -> None:
    desk = patient(tmp_path, clock)
    _, second = two_to_one_sender(desk)
    desk.finish(desk.started(), DeliveryOutcome(what))
    clock.move(86_000)
    assert (desk.start() is not None) == leaves
    assert (desk.state(second) == CaseState.REPLYING) == leaves
    desk.store.close()


def test_what_left_more_than_a_day_ago_does_not_count(tmp_path: Path, clock: FakeClock) -> None:
    desk = patient(tmp_path, clock)
    two_to_one_sender(desk)
    desk.finish(desk.started())
    clock.move(86_401)
    assert desk.start() is not None
    desk.store.close()


def test_the_limit_is_the_one_the_reply_was_settled_with(tmp_path: Path, clock: FakeClock) -> None:
    desk = patient(tmp_path, clock)
    two_to_one_sender(desk, Sending(replies_per_sender_per_day=2))
    desk.finish(desk.started())
    assert desk.start() is not None
    desk.store.close()


def test_another_sender_and_a_reply_that_a_person_approved_are_not_limited(desk: Desk) -> None:
    desk.take_in(message(text="one"), message(text="two"), message(sender="pekka@customer.example", text="three"))
    desk.settle(desk.claim(), limits=ONCE)
    held = desk.claim()
    desk.settle(held, outcome(Decision.REVIEW))
    desk.store.decide_review(Approval(case=held.id, decision="approve", by="liisa"), term=desk.term)
    desk.settle(desk.claim(), limits=ONCE)
    for _ in range(3):
        desk.finish(desk.started())
    assert desk.start() is None


def test_an_automatic_reply_that_waited_too_long_goes_to_a_person(desk: Desk) -> None:
    case = desk.answer(message())
    desk.clock.move(StoreLimits().automatic_stale_seconds + 1)
    desk.answer(message(sender="pekka@customer.example", text="fresh"))
    assert desk.started().to[0].address == "pekka@customer.example"  # it holds up nobody else's
    assert (desk.state(case.id), desk.reason(case.id)) == (CaseState.REVIEW, "stale_reply")
    assert desk.kinds(case.id)[-1] == "case_released"
    opened = desk.store.file(case.id)
    assert opened is not None
    assert opened.draft == outcome().draft
    desk.store.decide_review(Approval(case=case.id, decision="approve", by="liisa"), term=desk.term)
    assert desk.started().case == case.id
    assert desk.store.verify(tables=True).ok


def test_a_reply_that_a_person_approved_is_never_too_old(desk: Desk) -> None:
    case = desk.answer(message(), outcome(Decision.REVIEW))
    desk.store.decide_review(Approval(case=case.id, decision="approve", by="liisa"), term=desk.term)
    desk.clock.move(30 * 86_400)
    assert desk.start() is not None


def test_the_reasons_to_hold_a_reply_back_have_a_sentence_in_each_language() -> None:
    for language in LANGUAGES:
        for code in ("stale_reply", "arrived_orphan", "sender_limit"):
            assert code in table(language)


# The wall clock jumps


@pytest.mark.parametrize("restart", [False, True])
def test_a_clock_set_right_after_a_year_ahead_holds_no_reply_back(tmp_path: Path, clock: FakeClock, restart: bool) -> None:
    desk = patient(tmp_path, clock)
    clock.jump_wall_clock(365 * 86_400)
    desk.answer(message())
    put_off = desk.answer(message(sender="pekka@customer.example"))
    desk.started()
    desk.finish(desk.started(), DeliveryOutcome.TRY_AGAIN, stage="rcpt")
    desk.answer(message(sender="liisa@customer.example"))
    clock.jump_wall_clock(-365 * 86_400)
    if restart:
        desk.store.close()
        desk.store = open_store(tmp_path / "patient", clock)
        desk.term = desk.store.begin_term("node-a")
    assert {desk.started().case, desk.started().case} >= {put_off.id}
    desk.store.close()


def test_a_pause_as_long_as_they_get_is_still_waited_for(desk: Desk) -> None:
    case = approved(desk)
    desk.finish(desk.started(), DeliveryOutcome.TRY_AGAIN, stage="rcpt", retry_after_seconds=1e9)
    desk.clock.move(StoreLimits().backoff_seconds_max - 1)
    assert desk.start() is None
    desk.clock.move(2)
    assert desk.started().case == case
