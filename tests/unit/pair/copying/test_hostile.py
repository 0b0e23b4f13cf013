"""Frames that no honest peer sends: they end the line, never a thread, and nothing of them is believed."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from msgspec.structs import replace

from appliance.pair.copying.frames import (
    Agreed,
    Entries,
    Flushed,
    Follow,
    Part,
    Ping,
    SeedNeeded,
)
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.line.errors import LineLost
from appliance.pair.line.wire import Line, Open
from appliance.records.base import Record
from appliance.store.shipment import Shipment
from tests.unit.pair.copying.conftest import Bench
from tests.unit.pair.copying.support import SECONDS, Leader, Standby, call, same, until_lost


class Nonsense(Record, tag="nonsense"):
    """A word of a later version, or of nobody."""

    what: str = "x"


# A standby that lies


@pytest.mark.parametrize(
    "first",
    [
        Nonsense(),
        Ping(),
        Follow(position=2**62, term=1, hash=b"x" * 32, slots=2**62),
        Follow(position=3, term=2**62, hash=b"", slots=0),
    ],
)
def test_a_greeting_that_is_none_ends_the_line_and_the_next_standby_is_served(bench: Bench, first: Record) -> None:
    leader = bench.leader(limits=CopyLimits(leader_silent_seconds=0.5))
    line = call(bench.back, leader.listener.port, "follow")
    line.send(first)
    until_lost(line)
    standby = bench.standby(leader)
    leader.work.mails(2)
    leader.until_all_is_held()
    same(leader.store, standby.store)


def agreed(bench: Bench, leader: Leader) -> Line:
    end = leader.store.replication.end()
    line = call(bench.back, leader.listener.port, "follow")
    line.send(Follow(position=end.position, term=end.term, hash=end.hash, slots=10_000))
    line.receive(Agreed, SECONDS)
    return line


def test_a_standby_that_confirms_what_it_was_never_sent_is_not_believed(bench: Bench) -> None:
    leader = bench.leader()
    line = agreed(bench, leader)
    before = leader.shipper.shipped
    line.send(Flushed(position=before + 1))
    until_lost(line)
    assert leader.shipper.shipped == before


def test_a_standby_that_confirms_less_than_before_takes_nothing_back(bench: Bench) -> None:
    leader = bench.leader()
    leader.work.mails(2)
    line = agreed(bench, leader)
    before = leader.store.position
    leader.until_it_holds(before)
    line.send(Flushed(position=1))
    leader.work.mails(1)
    line.receive(Entries, SECONDS)
    assert leader.shipper.shipped == before
    line.close()


def test_nonsense_in_the_middle_ends_the_line(bench: Bench) -> None:
    leader = bench.leader()
    line = agreed(bench, leader)
    line.send(Nonsense())
    until_lost(line)


def test_a_standby_that_says_nothing_is_let_go(bench: Bench) -> None:
    leader = bench.leader(limits=CopyLimits(follower_silent_seconds=0.2, ping_seconds=0.05))
    line = agreed(bench, leader)
    until_lost(line)


# A leader that lies


Lie = Callable[[Line, Follow], None]


class Liar:
    """A leader that lies on its first line and is honest afterwards: the standby must survive the one and follow the other."""

    def __init__(self, bench: Bench, lie: Lie, **settings: object) -> None:
        self.honest = bench.leader()
        self.honest.work.mails(3)
        self.lies = 0
        self.over = threading.Event()

        def follow(line: Line, open_: Open) -> None:
            if self.lies:
                self.honest.shipper.serve(line, open_)
                return
            self.lies += 1
            try:
                lie(line, line.receive(Follow, SECONDS))
                until_lost(line)
            finally:
                self.over.set()

        self.bench = bench
        liar = bench.leader("liar", services={"follow": follow})
        self.standby: Standby = bench.standby(self.honest, port=lambda: liar.listener.port, **settings)

    def is_survived(self) -> None:
        assert self.over.wait(SECONDS)
        self.honest.work.mails(3)
        self.honest.until_all_is_held()
        same(self.honest.store, self.standby.store)
        assert self.standby.heard.all("diverged") == []


def go_on(line: Line, follow: Follow) -> None:
    line.send(Agreed(position=follow.position))


def next_one(liar: "list[Leader]", follow: Follow) -> Shipment:
    leader = liar[0]
    leader.work.mails(1)
    return leader.store.replication.read(follow.position, 1, slots=follow.slots)


def lies_about_an_entry(change: Callable[[Shipment], Shipment]) -> Callable[[list[Leader]], Lie]:
    def make(honest: list[Leader]) -> Lie:
        def lie(line: Line, follow: Follow) -> None:
            go_on(line, follow)
            line.send(Entries(shipments=(change(next_one(honest, follow)),)))

        return lie

    return make


def edited(shipment: Shipment) -> Shipment:
    entry = shipment.entries[0]
    return replace(shipment, entries=(entry._replace(payload=entry.payload + b" "),))


def body_swapped(shipment: Shipment) -> Shipment:
    return replace(shipment, bodies=tuple(body._replace(sealed=b"x" * len(body.sealed)) for body in shipment.bodies))


def body_left_out(shipment: Shipment) -> Shipment:
    return replace(shipment, bodies=())


def later_one(shipment: Shipment) -> Shipment:
    entry = shipment.entries[0]
    return replace(shipment, entries=(entry._replace(position=entry.position + 1),))


def slots_with_a_gap(shipment: Shipment) -> Shipment:
    return replace(shipment, slots_from=10**6, slots=b"x" * 32)


def slots_cut(shipment: Shipment) -> Shipment:
    return replace(shipment, slots=b"x" * 31)


CHANGES = [edited, body_swapped, body_left_out, later_one, slots_with_a_gap, slots_cut]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_an_entry_that_is_not_as_it_was_written_is_not_taken(bench: Bench, change: Callable[[Shipment], Shipment]) -> None:
    honest: list[Leader] = []
    liar = Liar.__new__(Liar)
    lie = lies_about_an_entry(change)(honest)

    def once_known(line: Line, follow: Follow) -> None:
        honest.append(liar.honest)
        lie(line, follow)

    liar.__init__(bench, once_known)  # type: ignore[misc]
    liar.is_survived()


def goes_on_from_elsewhere(line: Line, follow: Follow) -> None:
    line.send(Agreed(position=follow.position + 1))


def parts_that_are_nothing(line: Line, follow: Follow) -> None:
    go_on(line, follow)
    line.send(Part(data=b"\xc1" * 100, last=True))


def words_of_nobody(line: Line, follow: Follow) -> None:
    go_on(line, follow)
    line.send(Nonsense())


def says_nothing(line: Line, follow: Follow) -> None:
    go_on(line, follow)


def probes_without_end(line: Line, follow: Follow) -> None:
    from appliance.pair.copying.frames import HashAt, Probe

    for _ in range(1_000):
        line.send(Probe(position=follow.position))
        line.receive(HashAt, SECONDS)


LIES = [goes_on_from_elsewhere, parts_that_are_nothing, words_of_nobody, says_nothing, probes_without_end]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_leader_that_says_what_does_not_fit_is_left_and_dialled_again(bench: Bench, lie: Lie) -> None:
    limits = CopyLimits(dial_seconds_least=0.01, leader_silent_seconds=1.5, whole_bytes=1_000_000)

    def and_lost(line: Line, follow: Follow) -> None:
        with suppress(LineLost):
            lie(line, follow)

    Liar(bench, and_lost, limits=limits).is_survived()


def test_parts_without_end_are_not_collected(bench: Bench) -> None:
    taken: list[int] = []

    def parts_without_end(line: Line, follow: Follow) -> None:
        go_on(line, follow)
        with suppress(LineLost):
            for number in range(500):
                taken.append(number)
                line.send(Part(data=b"x" * 100_000, last=False))

    limits = CopyLimits(dial_seconds_least=0.01, whole_bytes=1_000_000)
    Liar(bench, parts_without_end, limits=limits).is_survived()
    assert len(taken) < 400, "the line was closed long before the end"


def test_a_handler_that_fails_does_not_end_the_following(bench: Bench) -> None:
    def needs_seed(line: Line, _: Follow) -> None:
        line.send(SeedNeeded(reason="because"))
        line.let_go()

    made: list[Liar] = []

    def broken(_: str) -> None:
        raise RuntimeError("a handler's own trouble")

    def lie(line: Line, follow: Follow) -> None:
        while not made:
            threading.Event().wait(0.01)
        made[0].standby.heard.seed_needed = broken  # type: ignore[method-assign]
        needs_seed(line, follow)

    made.append(Liar(bench, lie))
    made[0].is_survived()


def test_an_operation_that_this_program_does_not_know_stops_the_following_loudly(bench: Bench) -> None:
    leader = bench.leader()
    standby = bench.standby(leader)
    leader.until_all_is_held()
    add_unknown(leader)
    error = standby.heard.wait("unknown_operation")
    assert standby.follower.halted is error
    end = standby.store.position
    standby.follower.start_following()
    leader.work.mails(2)
    assert standby.store.position == end
    assert standby.follower.halted is error


def add_unknown(leader: Leader) -> None:
    """What a newer program would journal: an entry of a kind that nobody here knows, well chained."""
    store = leader.store

    def write(books) -> None:  # type: ignore[no-untyped-def]
        prev, position = books.hash, books.position + 1
        digest = books.chain.hash(prev, position, books.term, 1, b"from_the_future", 1.0, 0, b'{"kind":"from_the_future"}')
        books._entries.append((position, books.term, 1, "from_the_future", 1.0, b'{"kind":"from_the_future"}', 0, prev, digest))
        books.position, books.hash = position, digest

    store._run(write)
