"""Visits: being signed in at one machine while nobody leads."""

from appliance.node.visits import LEFT_SECONDS, VISIT_SECONDS, VISITS_MOST, Visits
from tests.support.clock import FakeClock


def test_a_visit_is_short_and_ends_a_moment_after_somebody_leads() -> None:
    clock = FakeClock()
    visits = Visits(clock)
    secret = visits.begin("u-1", "proof")
    clock.move(VISIT_SECONDS - LEFT_SECONDS - 10)
    assert visits.find(secret, somebody_leads=False) is not None
    assert visits.find(secret, somebody_leads=True) is not None
    clock.move(LEFT_SECONDS - 1)
    assert visits.find(secret, somebody_leads=False) is not None
    clock.move(1)
    assert visits.find(secret, somebody_leads=False) is None
    late = visits.begin("u-1", "proof")
    clock.move(VISIT_SECONDS)
    assert visits.find(late, somebody_leads=False) is None


def test_a_visit_that_was_ended_or_never_was_opens_nothing() -> None:
    visits = Visits(FakeClock())
    secret = visits.begin("u-1", "")
    assert visits.end(secret)
    assert not visits.end(secret)
    assert visits.find(secret, somebody_leads=False) is None
    assert visits.find("", somebody_leads=False) is None


def test_there_are_never_more_visits_than_a_person_could_oversee() -> None:
    visits = Visits(FakeClock())
    secrets = [visits.begin("u-1", "") for _ in range(VISITS_MOST + 1)]
    assert [visits.find(secret, somebody_leads=False) is not None for secret in secrets] == [False] + [True] * VISITS_MOST
