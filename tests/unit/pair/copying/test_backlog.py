"""What was shipped and not yet sent: bounded, without gaps, and never half a transaction."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.pair.copying.backlog import Backlog, weight
from appliance.pair.copying.waiting import Waiting
from appliance.store.journal import Entry
from appliance.store.shipment import BodyRow, Shipment


def shipment(first: int, last: int, size: int = 10) -> Shipment:
    entries = tuple(Entry(position, 1, 1, "kind", 0.0, b"x" * size, 0, b"", b"") for position in range(first, last + 1))
    return Shipment(entries=entries)


def positions(taken: list[Shipment]) -> list[int]:
    return [entry.position for each in taken for entry in each.entries]


def test_several_transactions_that_wait_go_together() -> None:
    backlog = Backlog(1 << 20)
    for first in (5, 7, 9):
        backlog.put(shipment(first, first + 1))
    assert positions(backlog.take(4, 1 << 20)) == [5, 6, 7, 8, 9, 10]
    assert not backlog.take(10, 1 << 20)


def test_what_was_sent_from_disk_already_is_left_out() -> None:
    backlog = Backlog(1 << 20)
    for first in (5, 7, 9):
        backlog.put(shipment(first, first + 1))
    assert positions(backlog.take(8, 1 << 20)) == [9, 10]


def test_a_transaction_of_which_a_part_was_sent_is_left_to_the_disk() -> None:
    backlog = Backlog(1 << 20)
    backlog.put(shipment(5, 8))
    backlog.put(shipment(9, 9))
    assert not backlog.take(6, 1 << 20)
    assert positions(backlog.take(8, 1 << 20)) == [9]


def test_nothing_is_given_that_leaves_a_gap() -> None:
    backlog = Backlog(1 << 20)
    backlog.put(shipment(5, 5))
    assert not backlog.take(3, 1 << 20)
    backlog.put(shipment(9, 9))
    assert not backlog.take(4, 1 << 20)
    assert positions(backlog.take(8, 1 << 20)) == [9]


def test_a_transaction_that_is_larger_than_a_frame_goes_alone() -> None:
    backlog = Backlog(1 << 20)
    backlog.put(shipment(1, 1, size=5_000))
    backlog.put(shipment(2, 2))
    assert positions(backlog.take(0, 1_000)) == [1]


def test_one_that_begins_after_a_marker_waits_for_it() -> None:
    backlog = Backlog(1 << 20)
    backlog.put(shipment(1, 2))
    backlog.put(shipment(3, 4))
    assert positions(backlog.take(0, 1 << 20, until=2)) == [1, 2]
    assert positions(backlog.take(2, 1 << 20, until=2)) == []
    assert positions(backlog.take(2, 1 << 20)) == [3, 4]


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=60), st.integers(1_000, 20_000))
def test_it_never_holds_more_than_its_bound_and_always_the_newest(sizes: list[int], most: int) -> None:
    backlog = Backlog(most)
    for position, size in enumerate(sizes, start=1):
        backlog.put(shipment(position, position, size))
    kept = len(backlog)
    taken = backlog.take(len(sizes) - kept, 1 << 30)
    assert sum(map(weight, taken)) <= most
    assert positions(taken) == list(range(len(sizes) - kept + 1, len(sizes) + 1))


def test_bodies_and_slots_weigh_too() -> None:
    body = BodyRow(8, "message", 0, b"x" * 1_000)
    assert weight(Shipment(entries=(), bodies=(body,), slots=b"y" * 64)) > 1_064


def test_the_oldest_that_waits_says_how_long() -> None:
    waiting = Waiting()
    assert waiting.seconds(5.0) == 0.0
    waiting.put(1, 10.0)
    waiting.put(2, 11.0)
    assert waiting.seconds(12.0) == 2.0
    waiting.flushed(1)
    assert waiting.seconds(12.0) == 1.0
    waiting.flushed(7)
    assert waiting.seconds(12.0) == 0.0


def test_a_long_wait_costs_no_memory_and_is_never_said_to_be_shorter() -> None:
    waiting = Waiting()
    for position in range(1, 20_001):
        waiting.put(position, float(position))
    assert len(waiting._since) <= 4_096
    waiting.flushed(19_999)
    assert waiting.seconds(20_000.0) >= 0.0
    assert waiting._since, "the newest still waits"
