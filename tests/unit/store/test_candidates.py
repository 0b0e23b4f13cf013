"""Shadow mode's budget and record, claims that go on, and what answers took."""

import msgspec
import pytest

from appliance.records.answer import Decision, Draft, Usage
from appliance.records.candidate import Weighed
from appliance.store.errors import ClaimLost
from tests.unit.store.support import Desk, message, outcome

USED = Usage(engine="mlx tiny", prompt_tokens=800, cached_tokens=600, completion_tokens=90, seconds=3.0)


def weighed(decision: Decision = Decision.SEND, **fields: object) -> Weighed:
    draft = Draft(language="en", subject="Re", text="Geheimes Wort.")
    return Weighed(writer="mlx tiny", prompt="write 2", decision=decision, score=0.8, alike=0.5, usage=USED, draft=draft, **fields)  # type: ignore[arg-type]


def settled(desk: Desk, name: str = "a", decision: Decision = Decision.REVIEW) -> str:
    return desk.answer(message(sender=f"{name}@customer.example", text=f"{name}?"), outcome(decision)).id


def reserve(desk: Desk, case: str, most: int, since: float = 0.0, decided: str = "review") -> int:
    return desk.store.candidates.reserve(case, "mlx tiny", decided, since, most, term=desk.term)


def test_a_candidate_looks_at_no_more_cases_than_its_budget_however_often_it_is_asked(desk: Desk) -> None:
    cases = [settled(desk, name) for name in "abcd"]
    assert [bool(reserve(desk, case, most=2)) for case in cases] == [True, True, False, False]


def test_a_look_that_never_ended_has_used_up_the_budget_too(desk: Desk) -> None:
    first, second = settled(desk, "a"), settled(desk, "b")
    assert reserve(desk, first, most=1)
    assert not reserve(desk, second, most=1)
    assert desk.store.candidates.summary(0.0, 0.0, 1).asked_today == 1


def test_the_budget_begins_anew_with_the_day(desk: Desk) -> None:
    first, second = settled(desk, "a"), settled(desk, "b")
    reserve(desk, first, most=1)
    desk.clock.move(60.0)
    assert reserve(desk, second, most=1, since=desk.clock.now())


def test_what_a_candidate_made_of_cases_is_counted_beside_what_counted(desk: Desk) -> None:
    more, same, failed = settled(desk, "a"), settled(desk, "b", Decision.SEND), settled(desk, "c")
    answers = (
        (more, "review", weighed()),
        (same, "send", weighed()),
        (failed, "review", weighed(Decision.REVIEW, failure="writer_timeout")),
    )
    for case, decided, what in answers:
        desk.store.candidates.answered(reserve(desk, case, 9, decided=decided), case, what, term=desk.term)
    seen = desk.store.candidates.summary(0.0, 0.0, 9)
    assert (seen.answered, seen.failed, seen.would_send, seen.sends_more, seen.sends_less) == (2, 1, 2, 1, 0)
    assert (seen.same_decision, seen.alike, seen.seconds) == (2, 0.5, 3.0)
    newest = desk.store.candidates.list()[0]
    assert (newest.case, newest.failure, newest.decided, newest.tokens) == (failed, "writer_timeout", "review", 890)


def test_nothing_that_a_candidate_wrote_stands_in_the_journal_and_an_erased_customer_is_not_asked_about(desk: Desk) -> None:
    case = settled(desk)
    desk.store.candidates.answered(reserve(desk, case, 9), case, weighed(), term=desk.term)
    assert not any(b"Geheimes" in entry.payload for entry in desk.store.last_entries(50))
    desk.store.erase_customer("a@customer.example", "aino", term=desk.term)
    assert not reserve(desk, case, 9)
    desk.store.candidates.answered(1, case, weighed(), term=desk.term)  # it was under way: its words are not kept
    assert desk.store.verify(tables=True).ok


def test_the_tables_follow_from_the_journal(desk: Desk) -> None:
    case = settled(desk)
    desk.store.candidates.answered(reserve(desk, case, 9), case, weighed(), term=desk.term)
    assert desk.store.verify(tables=True).ok


# Claims


def test_a_claim_that_is_renewed_is_nobody_elses_when_its_first_time_is_over(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim(seconds=60.0)
    desk.clock.move(50.0)
    assert desk.store.renew_claim(case, term=desk.term, seconds=60.0)
    desk.clock.move(50.0)
    assert desk.store.claim("desk-2", term=desk.term, seconds=60.0) is None
    assert desk.settle(case) == Decision.SEND


def test_a_claim_that_somebody_else_has_by_now_is_not_renewed(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim(seconds=60.0)
    desk.clock.move(61.0)
    other = desk.claim("desk-2")
    assert not desk.store.renew_claim(case, term=desk.term, seconds=60.0)
    with pytest.raises(ClaimLost):
        desk.settle(case)
    assert desk.settle(other) == Decision.SEND


# What answers took


def test_what_answers_took_is_added_up_by_tier_and_engine(desk: Desk) -> None:
    for name in "ab":
        desk.answer(message(sender=f"{name}@customer.example", text=name), msgspec.structs.replace(outcome(), usage=USED))
    (used,) = desk.store.used_since(0.0)
    assert (used.engine, used.cases, used.prompt_tokens, used.cached_tokens, used.completion_tokens, used.seconds) == (
        "mlx tiny", 2, 1600, 1200, 180, 6.0,
    )  # fmt: skip
    assert desk.store.used_since(desk.clock.now() + 900.0) == []


def test_a_case_says_what_its_answer_took(desk: Desk) -> None:
    case = desk.answer(message(), msgspec.structs.replace(outcome(), usage=USED))
    opened = desk.store.file(case.id)
    assert opened is not None
    assert opened.outcome is not None
    assert opened.outcome.usage == USED
