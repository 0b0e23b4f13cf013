"""Whole histories from a leader to a standby over a real line, whatever happens to the line and to either of them."""

import threading
from typing import Any

import pytest

from appliance.pair.copying.errors import StillApplying
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.copying.shipping import Shipper
from appliance.store.shipment import Shipment
from tests.unit.pair.copying.conftest import Bench
from tests.unit.pair.copying.support import QUICK, SECONDS, Leader, Proxy, journal, same
from tests.unit.store.support import OPEN_LEVERS, message

HOUR = CopyLimits(ping_seconds=3_600.0, leader_silent_seconds=3_600.0, follower_silent_seconds=3_600.0, confirm_seconds=SECONDS)
"""Nothing happens by itself for an hour."""


def small(**limits: Any) -> CopyLimits:
    """Frames of a few entries, so that a short history takes many."""
    return CopyLimits(**{"dial_seconds_least": 0.01, "dial_seconds_most": 0.05, "frame_bytes": 3_000, **limits})


def test_what_was_there_before_and_what_comes_now_arrive_alike(bench: Bench) -> None:
    leader = bench.leader()
    leader.work.mails(5)
    standby = bench.standby(leader)
    leader.work.mails(20)
    leader.until_all_is_held()
    leader.lease.becomes(solo=False)
    leader.work.mails(5)
    leader.work.settle(leader.work.claim())
    leader.work.finish(leader.work.started())
    case = leader.work.claim()
    assert case is not None
    same(leader.store, standby.store)
    assert standby.heard.all("applied")[-1] == leader.store.position


def test_an_erased_customer_is_erased_on_both(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.work.take_in(message("maija@customer.example", "My secret"))
    leader.until_all_is_held()
    leader.store.erase_customer("maija@customer.example", by="p-1", term=1)
    leader.until_all_is_held()
    same(leader.store, standby.store)
    assert [row.sender for row in standby.store.rows()] == [""]


def test_what_was_erased_before_the_standby_caught_up_is_no_gap(bench: Bench) -> None:
    leader = bench.leader()
    bench.standby(leader, port=lambda: 1).close()
    leader.work.take_in(message("maija@customer.example", "My secret"))
    leader.work.mails(3)
    leader.store.erase_customer("maija@customer.example", by="p-1", term=1)
    standby = bench.standby(leader)
    leader.until_all_is_held()
    same(leader.store, standby.store)


def test_nothing_is_acknowledged_before_the_standby_holds_it(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.until_all_is_held()
    leader.lease.becomes(solo=False)
    for _ in range(10):
        leader.work.mails(1)
        assert standby.store.position >= leader.store.position, "it was told to the caller, so both have it"


def test_new_customers_find_their_keys_on_the_standby(bench: Bench) -> None:
    """More than were made ahead: slots that are made while the line is up travel before what they seal."""
    leader = bench.leader()
    standby = bench.standby(leader)
    made = leader.store.limits.slots_reserved + 200
    for start in range(0, made, 200):
        leader.work.receive(*(message(f"c{number}@customer.example", f"Q{number}") for number in range(start, start + 200)))
    leader.until_all_is_held()
    same(leader.store, standby.store)
    assert all(row.sender for row in standby.store.rows())


def test_what_is_written_leaves_at_once_and_not_when_somebody_looks(bench: Bench) -> None:
    """With an hour between two looks on either side, only being woken brings an entry over and its confirmation back."""
    leader = bench.leader(limits=HOUR)
    standby = bench.standby(leader, limits=HOUR)
    leader.until_all_is_held()
    leader.lease.becomes(solo=False)
    leader.work.mails(20)
    same(leader.store, standby.store)


class Held:
    """A replica that can be made to stand still between the shipping and the leader's own commit."""

    def __init__(self, shipper: Shipper) -> None:
        self.shipper = shipper
        self.free = threading.Event()
        self.free.set()
        self.shipped = threading.Event()

    def ship(self, shipment: Shipment) -> None:
        self.shipper.ship(shipment)
        self.shipped.set()
        assert self.free.wait(SECONDS)

    def confirm(self, position: int) -> None:
        self.shipper.confirm(position)


class Later:
    """Mails that are taken in on a thread of their own."""

    def __init__(self, leader: Leader, count: int = 1) -> None:
        self.thread = threading.Thread(target=leader.work.mails, args=(count,), daemon=True)
        self.thread.start()

    def done(self) -> None:
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


def held(bench: Bench, **settings: Any) -> tuple[Leader, Held]:
    made: list[Held] = []

    def make(shipper: Shipper) -> Held:
        made.append(Held(shipper))
        return made[0]

    leader = bench.leader(replica=make, **settings)
    return leader, made[0]


def test_the_standby_has_an_entry_on_disk_before_the_leader_has(bench: Bench) -> None:
    leader, replica = held(bench, limits=HOUR)
    standby = bench.standby(leader, limits=HOUR)
    leader.until_all_is_held()
    before = leader.store.position
    replica.free.clear()
    later = Later(leader)
    leader.until_it_holds(before + 1)
    assert standby.store.position > before, "flushed there"
    assert leader.store.position == before, "and not yet here"
    replica.free.set()
    later.done()
    leader.until_all_is_held()
    same(leader.store, standby.store)


def test_a_standby_that_holds_more_than_the_leaders_disk_waits_for_that_disk_and_is_no_fork(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    leader, replica = held(bench)
    proxy = bench.later(Proxy(lambda: leader.listener.port, []))
    standby = bench.standby(leader, port=lambda: proxy.port)
    leader.until_all_is_held()
    before = leader.store.position
    replica.free.clear()
    later = Later(leader)
    leader.until_it_holds(before + 1)
    lines = proxy.connections
    proxy.cut_all()
    deadline = threading.Event()
    while proxy.connections == lines:
        deadline.wait(0.01)
    while leader.shipper.has_follower:
        deadline.wait(0.01)
    deadline.wait(0.2)  # it is in the greeting now, with an entry that the leader has not
    replica.free.set()
    later.done()
    leader.work.mails(3)
    leader.until_all_is_held()
    assert standby.heard.all("diverged") == []
    assert "follower_diverged" not in caplog.messages
    same(leader.store, standby.store)


def test_several_transactions_that_wait_go_in_one_frame(bench: Bench) -> None:
    leader = bench.leader()
    leader.work.mails(60)
    standby = bench.standby(leader)
    leader.until_all_is_held()
    standby.follower.stop_following()
    leader.work.mails(60)
    standby.heard.told.clear()
    standby.follower.start_following()
    leader.until_all_is_held()
    assert len(standby.heard.all("applied")) < 10, "of 120 transactions"
    same(leader.store, standby.store)


@pytest.mark.parametrize("cut", [1, 700, 1_500, 2_500, 20_000, *range(34_000, 62_000, 1_777)])
def test_a_cut_anywhere_loses_and_doubles_nothing(bench: Bench, cut: int) -> None:
    leader = bench.leader(limits=small())
    standby_home = bench.standby(leader, port=lambda: 1)
    standby_home.close()
    leader.work.mails(60)
    proxy = bench.later(Proxy(lambda: leader.listener.port, [cut, cut // 2, cut + 4_321]))
    standby = bench.standby(leader, port=lambda: proxy.port)
    leader.work.mails(10)
    leader.until_all_is_held()
    assert proxy.connections > 1
    same(leader.store, standby.store)


def test_a_cut_while_entries_go_live_loses_and_doubles_nothing(bench: Bench) -> None:
    leader = bench.leader(solo=True)
    proxy = bench.later(Proxy(lambda: leader.listener.port, [6_000, 9_000, 12_000]))
    standby = bench.standby(leader, port=lambda: proxy.port)
    leader.until_all_is_held()
    leader.lease.becomes(solo=False)
    leader.work.mails(60)
    assert proxy.cuts == [], "it was cut three times meanwhile"
    same(leader.store, standby.store)


def test_a_standby_that_restarts_in_the_middle_goes_on_where_it_was(bench: Bench) -> None:
    leader = bench.leader(limits=small())
    bench.standby(leader, port=lambda: 1).close()
    leader.work.mails(80)
    proxy = bench.later(Proxy(lambda: leader.listener.port, [60_000]))
    first = bench.standby(leader, port=lambda: proxy.port if proxy.connections == 0 else 1)
    first.heard.wait("applied")
    while first.follower.line_is_up:
        threading.Event().wait(0.01)
    first.close()
    came_to = first.heard.all("applied")[-1]
    assert 1 < came_to < leader.store.position
    second = bench.standby(leader)
    leader.until_all_is_held()
    same(leader.store, second.store)
    assert second.heard.all("applied")[0] > came_to, "it did not begin anew"


def test_a_leader_that_restarts_goes_on_with_the_same_standby(bench: Bench) -> None:
    leader = bench.leader()
    leaders = [leader]
    standby = bench.standby(leader, port=lambda: leaders[-1].listener.port)
    leader.work.mails(5)
    leader.until_all_is_held()
    leader.close()
    leaders.append(bench.leader(term=2))
    leaders[-1].work.mails(5)
    leaders[-1].until_all_is_held()
    same(leaders[-1].store, standby.store)
    assert standby.store.term == 2


def test_a_standby_that_takes_over_leads_on_and_the_old_leader_follows(bench: Bench) -> None:
    a = bench.leader()
    b = bench.standby(a)
    a.work.mails(5)
    a.until_all_is_held()
    a.lease.becomes(leading=False)
    a.close()
    b.follower.stop_following()
    b.close()
    mine, peer = bench.keys
    new = bench.later(Leader(bench.folder / "b", (peer, mine), term=2))
    new.work.mails(5)
    bench.keys = (peer, mine)
    old = bench.standby(new, home="a")
    new.until_all_is_held()
    same(new.store, old.store)


def test_falling_behind_is_made_up_from_disk(bench: Bench) -> None:
    """The backlog holds next to nothing, so whatever is not sent at once is read again."""
    leader = bench.leader(limits=small(backlog_bytes=1, window_bytes=4_000))
    standby = bench.standby(leader)
    leader.until_all_is_held()
    leader.work.mails(80)
    assert len(leader.shipper.backlog) == 0
    leader.until_all_is_held()
    same(leader.store, standby.store)


def test_a_transaction_larger_than_a_frame_of_the_line_arrives_in_parts(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.until_all_is_held()
    leader.lease.becomes(solo=False)
    leader.work.take_in(message("maija@customer.example", "x"), raw=b"y" * 20_000_000)
    assert standby.store.position == leader.store.position
    same(leader.store, standby.store)


def test_the_sender_waits_while_too_much_is_under_way(bench: Bench) -> None:
    """A standby that reads and never flushes gets no more than the window."""
    from appliance.pair.copying.frames import Agreed, Entries, Follow, Ping
    from tests.unit.pair.copying.support import call, twin

    leader = bench.leader(limits=small(window_bytes=10_000))
    twin(leader.store, bench.folder / "b")
    end = leader.store.replication.end()
    leader.work.mails(200)
    line = call(bench.back, leader.listener.port, "follow")
    line.send(Follow(position=end.position, term=end.term, hash=end.hash, slots=10_000))
    line.receive(Agreed, SECONDS)
    got, said = 0, None
    while not isinstance(said, Ping):
        said = line.receive(Entries | Ping, SECONDS)
        if isinstance(said, Entries):
            got += sum(len(entry.payload) + 200 for shipment in said.shipments for entry in shipment.entries)
    assert 5_000 < got < 30_000
    line.close()


def test_a_newer_line_takes_the_place_of_an_older_one(bench: Bench) -> None:
    leader = bench.leader()
    first = bench.standby(leader, "b")
    second = bench.standby(leader, "c", port=lambda: 1)
    leader.until_all_is_held()
    second.close()
    first.follower.limits = QUICK
    third = bench.standby(leader, "c")
    third_end = leader.store.position
    leader.work.mails(5)
    leader.until_it_holds(third_end + 1)
    first.close()
    leader.work.mails(5)
    leader.until_all_is_held()
    with third.heard.changed:
        assert third.heard.changed.wait_for(lambda: third.store.position == leader.store.position, SECONDS)
    same(leader.store, third.store)


def test_after_stopping_nothing_more_is_written(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.until_all_is_held()
    standby.follower.stop_following()
    end = standby.store.position
    leader.work.mails(10)
    assert standby.store.position == end
    assert not standby.follower.line_is_up or standby.store.position == end
    standby.follower.start_following()
    leader.until_all_is_held()
    same(leader.store, standby.store)


def test_stopping_waits_for_the_transaction_under_way_and_says_when_that_takes_too_long(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader, limits=CopyLimits(stop_seconds=0.1))
    leader.until_all_is_held()
    inside, free = threading.Event(), threading.Event()

    def hold() -> None:
        inside.set()
        assert free.wait(SECONDS)

    holder = threading.Thread(target=lambda: standby.store._writer.between(hold), daemon=True)
    holder.start()
    assert inside.wait(SECONDS)
    leader.work.mails(1)
    while not standby.follower._applying.locked():
        threading.Event().wait(0.005)
    with pytest.raises(StillApplying):
        standby.follower.stop_following()
    free.set()
    holder.join(SECONDS)
    standby.follower.limits = CopyLimits()
    standby.follower.stop_following()
    end = standby.store.position
    leader.work.mails(3)
    assert standby.store.position == end


def test_what_had_arrived_when_following_was_stopped_is_not_written(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.until_all_is_held()
    before = standby.store.position
    with standby.follower._applying:
        leader.work.mails(1)
        threading.Event().wait(0.2)  # it stands before the lock now, with the entries in its hands
        stopping = threading.Thread(target=standby.follower.stop_following, daemon=True)
        stopping.start()
        while standby.follower._told:
            threading.Event().wait(0.01)
    stopping.join(SECONDS)
    while standby.follower.line_is_up:
        threading.Event().wait(0.01)
    assert standby.store.position == before


def test_a_new_address_is_tried_at_once_and_not_after_the_pause(bench: Bench) -> None:
    leader = bench.leader()
    ports = [1]
    standby = bench.standby(leader, port=lambda: ports[-1], limits=CopyLimits(dial_seconds_least=3_600.0, dial_seconds_most=3_600.0))
    while not standby.follower.trouble:
        threading.Event().wait(0.01)
    ports.append(leader.listener.port)
    standby.follower.dial_now()
    leader.work.mails(1)
    leader.until_all_is_held()
    assert standby.follower.line_is_up
    assert standby.follower.trouble == ""


def test_the_levers_reach_the_standby(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.until_all_is_held()
    assert OPEN_LEVERS
    assert standby.store.switches() == leader.store.switches()


def test_figures_say_how_far_the_standby_is(bench: Bench) -> None:
    leader = bench.leader()
    assert (leader.shipper.shipped, leader.shipper.has_follower) == (0, False)
    leader.work.mails(3)
    assert leader.shipper.written == leader.store.position == leader.shipper.lag
    bench.standby(leader)
    leader.until_all_is_held()
    assert leader.shipper.has_follower
    assert leader.shipper.lag == 0
    assert leader.shipper.waiting_seconds(1e18) == 0.0
    assert journal(leader.store)[-1].position == leader.shipper.shipped
