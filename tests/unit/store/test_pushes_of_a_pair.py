"""Pushes of two machines: both hold the same, documents that go are gone from both, and who takes over sends what was under way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.records.push import PushState
from appliance.store.errors import NotLeading, StaleTerm
from appliance.store.limits import StoreLimits
from tests.support.clock import FakeClock
from tests.support.replication import Pair, same
from tests.unit.store.support import DIRECTORY
from tests.unit.store.test_pushes import DOWN, a_case, finish, given_up, queued, started
from tests.unit.store.test_replication import led


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, DIRECTORY, StoreLimits(slots_reserved=4))
    pair.join()
    yield pair
    pair.close()


def test_both_hold_the_same_and_what_is_scrubbed_or_trimmed_is_gone_from_both(pair: Pair, clock: FakeClock) -> None:
    desk = led(pair.a, clock)
    case, other = a_case(desk, "a"), a_case(desk, "b")
    for number in range(8):
        queued(desk, case, f'{{"number":{number}}}'.encode())
        finish(desk, started(desk))
    given_up(desk, other)
    queued(desk, other, demo=True)
    assert same(pair.a, pair.b)
    desk.store.pushes.scrub("", "owner", term=desk.term)
    desk.store.pushes.reset_demo(False, "owner", term=desk.term)
    assert same(pair.a, pair.b)
    assert not any(push.payload for push in pair.b.pushes.of_case(case))


def test_only_the_leader_sends_and_who_takes_over_sends_again_under_the_same_id(pair: Pair, clock: FakeClock) -> None:
    desk = led(pair.a, clock)
    push = queued(desk, a_case(desk))
    with pytest.raises((NotLeading, StaleTerm)):
        pair.b.pushes.start_next("b", term=desk.term, seconds=45.0)
    lost = started(desk)
    pair.lead(pair.b, pair.a)
    clock.move(1)
    taken_over = led(pair.b, clock)
    again = started(taken_over)
    assert (again.id, again.payload, again.attempts) == (push, lost.payload, 2)
    with pytest.raises((NotLeading, StaleTerm)):
        finish(desk, lost, DOWN)
    assert finish(taken_over, again) is PushState.SYNCED
    assert same(pair.a, pair.b)
