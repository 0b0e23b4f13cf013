from typing import NamedTuple

import pytest

from appliance.reports.analytics import OUTCOMES, analytics, outcome, waits

DAYS = [1000.0, 2000.0, 3000.0]


class Case(NamedTuple):
    received_at: float = 1000.0
    state: str = "replied"
    kind: str = "message"
    language: str = "fi"
    channel: str = "mail"
    reason: str = ""
    answered_at: float | None = None
    automatic: int | None = None


def test_each_case_counts_once_on_the_day_it_came_in_and_the_parts_add_up() -> None:
    cases = [
        Case(received_at=1999.0, answered_at=2500.0, automatic=1),
        Case(received_at=2000.0, answered_at=2001.0, automatic=0),
        Case(received_at=3999.0, state="review"),
        Case(received_at=3500.0, state="closed", kind="bounce"),
        Case(received_at=3500.0, state="routed"),
        Case(received_at=999.0, state="routed"),
    ]
    seen = analytics(cases, {}, DAYS)
    assert [day.arrived for day in seen.days] == [1, 1, 3]
    assert [day.at for day in seen.days] == DAYS
    assert seen.arrived == 5 == sum(seen.outcomes.values())
    assert seen.outcomes == {"automatic": 1, "by_person": 1, "waiting": 1, "routed": 1, "other": 1}
    assert all(sum(day.outcomes.values()) == day.arrived for day in seen.days)


@pytest.mark.parametrize("state", ["arrived", "waiting", "claimed", "review", "uncertain", "replying"])
def test_what_nobody_has_answered_yet_is_waiting(state: str) -> None:
    assert outcome(Case(state=state)) == "waiting"


def test_a_case_answered_and_closed_later_is_still_answered() -> None:
    assert outcome(Case(state="closed", answered_at=5.0, automatic=1)) == "automatic"


def test_waits_of_people_and_of_the_desk_are_kept_apart() -> None:
    cases = [Case(answered_at=1000.0 + number, automatic=1) for number in range(1, 11)] + [Case(answered_at=1500.0, automatic=0)]
    desk, person = waits(cases, automatic=True), waits(cases, automatic=False)
    assert (desk.number, desk.median, desk.slow) == (10, 5.5, 10.0)
    assert (person.number, person.median, person.slow) == (1, 500.0, 500.0)
    assert waits([], automatic=True).number == 0


def test_a_clock_that_was_set_back_makes_no_negative_wait() -> None:
    assert waits([Case(answered_at=900.0, automatic=1)], automatic=True).slow == 0.0


def test_languages_are_those_of_messages_and_the_most_frequent_comes_first() -> None:
    cases = [Case(language="sv"), Case(language="fi"), Case(language="fi"), Case(language="en", kind="bounce"), Case(language="")]
    assert list(analytics(cases, {}, DAYS).languages.items()) == [("fi", 2), ("sv", 1)]


def test_reasons_are_those_of_cases_that_a_person_still_has() -> None:
    cases = [Case(state="review", reason="low_score"), Case(state="replied", reason="sent"), Case(state="routed", reason="tier_route")]
    assert set(analytics(cases, {}, DAYS).held_for) == {"low_score", "tier_route"}


def test_the_most_wanted_missing_facts_are_listed() -> None:
    missing = {f"key_{number}": number for number in range(1, 15)}
    listed = analytics([], missing, DAYS).missing
    assert next(iter(listed.items())) == ("key_14", 14)
    assert len(listed) == 10


def test_a_day_without_mail_has_zeros() -> None:
    assert analytics([], {}, DAYS).days[0].outcomes == dict.fromkeys(OUTCOMES, 0)
