import pytest

from appliance.records.answer import Decision
from appliance.records.person import Approval
from appliance.store.errors import WrongState
from tests.unit.store.support import Desk, message, outcome


def held(desk: Desk, text: str = "a") -> str:
    return desk.answer(message(sender=f"{text}@customer.example", text=text, subject=f"s-{text}"), outcome(Decision.REVIEW)).id


def test_an_escalated_case_is_listed_until_it_ends(desk: Desk) -> None:
    case = held(desk)
    desk.store.escalations.escalate(case, 2, "tier", "policy", term=desk.term)
    (one,) = desk.store.escalations.open()
    assert (one.case, one.level, one.code, one.by, one.subject) == (case, 2, "tier", "policy", "s-a")
    assert desk.store.escalations.unseen() == {2: (1, one.raised_at)}
    assert desk.store.rows()[0].escalated == 2
    desk.store.decide_review(Approval(case=case, decision="reject", by="aino"), term=desk.term)
    assert desk.store.escalations.open() == []
    assert desk.store.escalations.unseen() == {}


def test_who_has_seen_it_stands_with_it_and_it_comes_last(desk: Desk) -> None:
    first, second = held(desk, "a"), held(desk, "b")
    for case, level in ((first, 3), (second, 1)):
        desk.store.escalations.escalate(case, level, "person", "aino", term=desk.term)
    desk.store.escalations.seen(first, "maria", term=desk.term)
    assert [(one.case, one.seen_by) for one in desk.store.escalations.open()] == [(second, ""), (first, "maria")]
    position = desk.store.position
    desk.store.escalations.seen(first, "aino", term=desk.term)
    assert desk.store.position == position


def test_a_level_is_never_lowered_and_a_higher_one_is_seen_anew(desk: Desk) -> None:
    case = held(desk)
    desk.store.escalations.escalate(case, 2, "tier", "policy", term=desk.term)
    position = desk.store.position
    desk.store.escalations.escalate(case, 1, "waiting", "policy", term=desk.term)
    assert desk.store.position == position
    desk.store.escalations.seen(case, "maria", term=desk.term)
    desk.store.escalations.escalate(case, 3, "person", "aino", term=desk.term)
    newest, old = desk.store.escalations.open()
    assert (newest.level, newest.seen_at, old.level) == (3, 0.0, 2)


def test_a_person_escalates_a_case_anew_that_was_seen_answered_and_opened_again(desk: Desk) -> None:
    case = held(desk)
    escalations = desk.store.escalations
    for _ in range(2):  # a second press is no second escalation
        escalations.escalate(case, 3, "person", "aino", term=desk.term)
    assert desk.store.escalations.unseen()[3][0] == 1
    escalations.seen(case, "maria", term=desk.term)
    desk.store.decide_review(Approval(case=case, decision="reject", by="maria"), term=desk.term)
    desk.store.work.reopen(case, "aino", term=desk.term)
    assert escalations.unseen() == {}
    escalations.escalate(case, 3, "tier", "policy", term=desk.term)
    assert escalations.unseen() == {}  # the policy has said it once
    escalations.escalate(case, 3, "person", "aino", term=desk.term)
    assert escalations.unseen()[3][0] == 1


def test_candidates_are_those_that_wait_for_a_person_oldest_first(desk: Desk) -> None:
    first = held(desk, "a")
    desk.clock.move(60)
    second = held(desk, "b")
    desk.take_in(message(sender="c@customer.example", text="c"))
    assert [one.case for one in desk.store.escalations.candidates()] == [first, second]
    desk.store.escalations.escalate(first, 1, "waiting", "policy", term=desk.term)
    assert [one.level for one in desk.store.escalations.candidates()] == [1, 0]


def test_a_case_that_a_team_has_may_be_grave_but_does_not_wait_here_and_goes_once_it_is_seen(desk: Desk) -> None:
    case = desk.answer(message(text="a"), outcome(Decision.ROUTE, team="orders")).id
    desk.clock.move(86_400)
    (one,) = desk.store.escalations.candidates()
    assert (one.case, one.since) == (case, desk.clock.now())
    desk.store.escalations.escalate(case, 2, "tier", "policy", term=desk.term)
    assert [row.case for row in desk.store.escalations.open()] == [case]
    desk.store.escalations.seen(case, "maria", term=desk.term)
    assert desk.store.escalations.open() == []


def test_an_ended_case_and_a_level_that_is_none_are_refused(desk: Desk) -> None:
    case = held(desk)
    with pytest.raises(WrongState, match="no level 4"):
        desk.store.escalations.escalate(case, 4, "person", "aino", term=desk.term)
    desk.store.decide_review(Approval(case=case, decision="reject", by="aino"), term=desk.term)
    with pytest.raises(WrongState, match="has ended"):
        desk.store.escalations.escalate(case, 1, "person", "aino", term=desk.term)


def test_escalations_follow_from_the_journal(desk: Desk) -> None:
    from appliance.store.replay import differing_tables

    case = held(desk)
    desk.store.escalations.escalate(case, 1, "person", "aino", term=desk.term)
    desk.store.escalations.escalate(case, 2, "person", "aino", term=desk.term)
    desk.store.escalations.seen(case, "maria", term=desk.term)
    assert desk.store._readers.ask(differing_tables) == ()
