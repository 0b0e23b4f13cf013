"""Taking office and leaving it: with a real store, a real shipper, and a lease that the test moves."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.ground.clock import SystemClock
from appliance.ground.errors import TandemError
from appliance.node.office import Office
from appliance.pair.copying.errors import StillApplying
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.copying.shipping import Shipper
from appliance.store import sqlite
from appliance.store.errors import NotLeading, StaleTerm, StoreBroken, Unconfirmed
from appliance.store.store import Store
from tests.unit.node.pair_parts import ME, SECONDS, HandLease, wait_until
from tests.unit.store.support import DIRECTORY, OPEN_LEVERS

CLOCK = SystemClock()
QUICK = CopyLimits(confirm_seconds=0.05)


class Follows:
    """The standby's side: whether it follows. ``busy``: how many times it is still in the middle of something."""

    def __init__(self) -> None:
        self.following = False
        self.busy = 0
        self.asked = threading.Event()

    def start_following(self) -> None:
        self.following = True

    def stop_following(self) -> None:
        self.following = False
        self.asked.set()
        if self.busy > 0:
            self.busy -= 1
            raise StillApplying("Something is being written.", "Wait.")


class Bench:
    """An office, and what it stands between."""

    def __init__(self, home: Path) -> None:
        self.lease = HandLease()
        self.store = Store.open(home, CLOCK, directory=DIRECTORY, following=True)
        self.shipper = Shipper(self.store, CLOCK, self.lease.may_acknowledge, self.lease.leads, self.lease.changed, limits=QUICK)
        self.follower = Follows()
        self.office = Office(ME, self.store, self.lease, self.shipper, self.follower, CLOCK)
        self.told: list[tuple[str, int]] = []
        self.broke: list[TandemError] = []
        self.news = threading.Condition()
        self.office.taken = lambda term, _: self._tell("taken", term)
        self.office.left = lambda term: self._tell("left", term)
        self.office.broke = self._broke

    def _tell(self, what: str, term: int) -> None:
        with self.news:
            self.told.append((what, term))
            self.news.notify_all()

    def _broke(self, error: TandemError) -> None:
        with self.news:
            self.broke.append(error)
            self.news.notify_all()

    def until(self, *told: tuple[str, int]) -> None:
        wait_until(self.news, lambda: self.told == list(told))

    def holds(self, position: int) -> None:
        """The peer has flushed up to here."""
        with self.lease.changed:
            self.shipper.shipped = position
            self.lease.changed.notify_all()

    def terms(self) -> list[int]:
        return [row["term"] for row in reversed(self.store.terms(50))]

    def writes(self, term: int) -> None:
        self.store.set_switch("safe_mode", True, "aino", term=term)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "a")
    bench.office.start()
    yield bench
    bench.lease.stop()
    bench.office.stop()
    bench.store.close()


def until(so: object) -> None:
    """Wait until it is so; for what nobody tells."""
    end = CLOCK.elapsed() + SECONDS
    while not so():  # type: ignore[operator]
        assert CLOCK.elapsed() < end
        threading.Event().wait(0.005)


def test_before_it_leads_a_node_follows_and_refuses_every_change(bench: Bench) -> None:
    assert bench.follower.following
    with pytest.raises(NotLeading):
        bench.writes(1)


def test_a_leader_takes_office_in_its_term_and_says_where_the_term_began(bench: Bench) -> None:
    bench.lease.leads_in(3)
    bench.until(("taken", 3))
    assert (bench.office.term, bench.office.began, bench.terms(), bench.follower.following) == (3, 1, [3], False)
    bench.store.first_switches(term=3, **OPEN_LEVERS)
    bench.writes(3)


def test_office_is_taken_only_after_the_first_entry_is_where_it_must_be(bench: Bench) -> None:
    bench.lease.leads_in(1, mode="joining")
    until(lambda: bench.terms() == [1])
    waited = bench.lease.changed
    for _ in range(3):
        with waited:
            waited.notify_all()
    assert bench.office.term == 0
    assert bench.told == []
    bench.holds(1)
    bench.until(("taken", 1))


def test_office_is_left_when_the_lease_goes_and_whoever_writes_then_is_refused(bench: Bench) -> None:
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.lease.stands_by()
    bench.until(("taken", 1), ("left", 1))
    assert bench.office.term == 0
    until(lambda: bench.follower.following)
    with pytest.raises(NotLeading):
        bench.writes(1)


def test_giving_up_waits_for_what_is_under_way_and_then_refuses_everything(bench: Bench) -> None:
    at_rest = threading.Event()
    bench.office.at_rest = at_rest.is_set
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.store.first_switches(term=1, **OPEN_LEVERS)
    bench.lease.becomes(giving_up_since=bench.lease.now())
    bench.writes(1)
    assert not bench.office.drained
    at_rest.set()
    until(lambda: bench.office.drained)
    with pytest.raises(NotLeading):
        bench.writes(1)
    bench.lease.stands_by()
    bench.until(("taken", 1), ("left", 1))
    assert not bench.office.drained


def test_a_hand_over_that_is_called_off_goes_on_in_the_same_term_without_another_beginning(bench: Bench) -> None:
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.store.first_switches(term=1, **OPEN_LEVERS)
    bench.lease.becomes(giving_up_since=bench.lease.now())
    until(lambda: bench.office.drained)
    bench.lease.becomes(giving_up_since=None)
    until(lambda: not bench.office.drained)
    bench.writes(1)
    assert (bench.terms(), bench.told, bench.office.began) == ([1], [("taken", 1)], 1)


def test_a_hand_over_called_off_before_office_was_taken_takes_it_only_when_the_first_entry_is_held(bench: Bench) -> None:
    bench.lease.leads_in(1, mode="joining")
    until(lambda: bench.terms() == [1])
    bench.lease.becomes(giving_up_since=bench.lease.now())
    until(lambda: bench.follower.following)
    assert (bench.office.term, bench.office.drained) == (0, False)
    bench.lease.becomes(giving_up_since=None)
    until(lambda: not bench.follower.following)
    assert bench.told == []
    bench.holds(1)
    bench.until(("taken", 1))
    assert (bench.office.began, bench.terms()) == (1, [1])


def test_of_a_term_that_nobody_confirmed_nothing_is_acknowledged_and_the_node_follows_again(bench: Bench) -> None:
    bench.lease.leads_in(1, mode="joining")
    until(lambda: bench.terms() == [1])
    bench.lease.stands_by()
    until(lambda: bench.follower.following)
    assert (bench.told, bench.store.following) == ([], True)


def test_a_node_that_could_not_stop_following_follows_again_when_the_lease_has_gone(bench: Bench) -> None:
    bench.follower.busy = 1_000_000
    bench.lease.leads_in(1)
    assert bench.follower.asked.wait(SECONDS)
    bench.lease.stands_by()
    until(lambda: bench.follower.following)
    assert (bench.terms(), bench.told) == ([], [])


def test_a_standby_that_is_still_applying_takes_office_when_it_has_applied(bench: Bench) -> None:
    bench.follower.busy = 3
    bench.lease.leads_in(1)
    bench.until(("taken", 1))


def test_a_lease_that_was_lost_and_won_again_is_a_new_term_with_a_new_beginning(bench: Bench) -> None:
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.lease.stands_by()
    bench.lease.leads_in(3)
    bench.until(("taken", 1), ("left", 1), ("taken", 3))
    assert (bench.terms(), bench.office.began, bench.follower.following, bench.store.following) == ([1, 3], 2, False, False)
    bench.store.first_switches(term=3, **OPEN_LEVERS)
    bench.writes(3)


def test_between_two_terms_nothing_is_acknowledged_that_the_peer_must_hold(bench: Bench) -> None:
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.holds(1)
    bench.lease.leads_in(3, mode="joining")
    until(lambda: bench.terms() == [1, 3])
    assert bench.shipper.shipped == 0, "what it held in the old term says nothing about the new one"
    with pytest.raises((NotLeading, StaleTerm, Unconfirmed)):
        bench.writes(1)
    assert bench.told == [("taken", 1), ("left", 1)]


def test_a_term_that_is_not_above_the_journals_is_never_worked_in(bench: Bench) -> None:
    bench.lease.leads_in(5)
    bench.until(("taken", 5))
    bench.lease.stands_by()
    bench.lease.leads_in(4)
    bench.until(("taken", 5), ("left", 5))
    assert bench.store.following
    assert bench.office.term == 0
    bench.lease.stands_by()
    until(lambda: bench.follower.following)


def test_a_broken_store_ends_the_node_and_with_it_the_office(bench: Bench) -> None:
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.store._writer._break(StoreBroken("The disk failed.", "Look at it."))
    bench.lease.becomes(giving_up_since=bench.lease.now())
    wait_until(bench.news, lambda: bench.broke)
    until(lambda: bench.office.term == 0)
    assert not bench.follower.following


@pytest.mark.parametrize("moment", ["standby", "waiting for the peer", "in office", "giving up", "still applying"])
def test_it_can_be_stopped_at_any_moment(bench: Bench, moment: str) -> None:
    if moment == "waiting for the peer":
        bench.lease.leads_in(1, mode="joining")
        until(lambda: bench.terms() == [1])
    if moment in ("in office", "giving up"):
        bench.lease.leads_in(1)
        bench.until(("taken", 1))
    if moment == "giving up":
        bench.office.at_rest = lambda: False
        bench.lease.becomes(giving_up_since=bench.lease.now())
    if moment == "still applying":
        bench.follower.busy = 1_000_000
        bench.lease.leads_in(1)
        assert bench.follower.asked.wait(SECONDS)
    bench.office.stop()
    assert (bench.office.term, bench.store.following) == (0, True)


def test_whoever_is_told_and_fails_does_not_end_the_office(bench: Bench) -> None:
    def fails(term: int, _: float) -> None:
        bench._tell("taken", term)
        raise sqlite.Error("nobody expects this")

    bench.office.taken = fails
    bench.lease.leads_in(1)
    bench.until(("taken", 1))
    bench.lease.stands_by()
    bench.until(("taken", 1), ("left", 1))


@pytest.mark.parametrize(
    ("changed", "how"),
    [({"forced": True}, "forced"), ({"heard_at": float("-inf")}, "takeover"), ({"heard_at": None}, "start")],
)
def test_the_journal_says_how_a_term_came_to_be(bench: Bench, changed: dict[str, object], how: str) -> None:
    if changed.get("heard_at", 0) is None:
        changed = {"heard_at": bench.lease.now() + 1000}
    bench.lease.leads_in(1, **changed)
    bench.until(("taken", 1))
    assert bench.store.terms(1)[0]["how"] == how
