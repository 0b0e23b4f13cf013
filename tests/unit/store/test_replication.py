"""Two stores that become one: what one ships, the other has, word for word, or it says why not."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.ground.errors import StoreError
from appliance.records.delivery import DeliveryOutcome
from appliance.records.events import SourceRefreshed
from appliance.records.message import Arrival, Origin
from appliance.store import journal, sqlite
from appliance.store.books import Books
from appliance.store.errors import (
    BadShipment,
    Forked,
    NotLeading,
    NotYet,
    StaleTerm,
    StoreBroken,
    Torn,
    Unconfirmed,
    UnknownOperation,
    WrongState,
)
from appliance.store.limits import StoreLimits
from appliance.store.shipment import BodyRow, Shipment
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.replication import Line, Pair, catch_up, same
from tests.unit.store.support import DIRECTORY, Desk, message, outcome
from tests.unit.store.test_writer import Disk, gather, held_up

_LIMITS = StoreLimits(slots_reserved=4)


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, DIRECTORY, _LIMITS)
    pair.join()
    yield pair
    pair.close()


@pytest.fixture
def desk(pair: Pair, clock: FakeClock) -> Desk:
    return led(pair.a, clock)


def led(store: Store, clock: FakeClock, uid: int = 0) -> Desk:
    """A desk at a store that leads already."""
    desk = Desk.__new__(Desk)
    desk.store, desk.clock, desk.term, desk.uid = store, clock, store.term, uid
    store.first_switches(term=desk.term, safe_mode=False, automation_enabled=True, outbound_enabled=True)
    return desk


def with_history(desk: Desk) -> None:
    for number in range(12):
        desk.answer(message(sender=f"c{number}@x.example", text=f"question {number}"))
    desk.finish(desk.started())
    desk.finish(desk.started(), DeliveryOutcome.UNCERTAIN)
    desk.take_in(message(text="once more"))
    desk.store.erase_customer("c3@x.example", "owner", term=desk.term)
    desk.clock.move(10 * 86_400)
    desk.store.expire_words(3, "retention", term=desk.term)


def source(number: int, term: int) -> Any:
    return lambda books: books.append(SourceRefreshed(at=1.0, source=f"s{number}", digest="", passages=number), term=term)


# What is shipped


def test_after_any_work_both_have_the_same_journal_words_and_tables(pair: Pair, desk: Desk) -> None:
    with_history(desk)
    assert same(pair.a, pair.b)
    assert pair.b.replication.digest() == pair.a.replication.digest()
    case = next(row.id for row in pair.a.rows() if row.subject)
    assert pair.b.file(case) == pair.a.file(case)


def test_what_was_missed_is_read_from_the_disk_and_comes_to_the_same(pair: Pair, desk: Desk) -> None:
    pair.b.close()
    pair.line.standby = None
    for number in range(12):
        with pytest.raises(Unconfirmed):
            desk.take_in(message(sender=f"c{number}@x.example", text="while you were away"))
    pair.b = pair.open("b", following=True)
    assert catch_up(pair.b, pair.a, most_bytes=3_000) > 2
    assert same(pair.a, pair.b)


def test_words_that_were_removed_since_do_not_keep_a_standby_from_catching_up(pair: Pair, desk: Desk) -> None:
    pair.b.close()
    pair.line.confirm = lambda _: None  # type: ignore[method-assign]
    with_history(desk)
    pair.b = pair.open("b", following=True)
    assert pair.a.replication.read(0, 10_000_000).bare
    assert catch_up(pair.b, pair.a, most_bytes=2_000) > 5
    assert same(pair.a, pair.b)


def test_a_lot_is_as_large_as_it_may_be_and_never_empty(pair: Pair, desk: Desk) -> None:
    for number in range(10):
        desk.receive(message(text="long " * 2_000 + str(number)))
    after, sizes = 0, []
    while lot := pair.a.replication.read(after, 30_000).entries:
        sizes.append(len(lot))
        after = lot[-1].position
    assert after == pair.a.position
    assert max(sizes) > 1
    assert len(pair.a.replication.read(0, 1).entries) == 1
    body = pair.a.replication.read(pair.a.position - 1, 1)
    assert (len(body.entries), len(body.bodies)) == (1, 1)


def test_the_other_node_gets_it_before_this_one_commits(pair: Pair, desk: Desk) -> None:
    order: list[str] = []
    connection = pair.a._books.connection
    ship, confirm = pair.line.ship, pair.line.confirm

    class Watched(Disk):
        def execute(self, sql: str, parameters: Any = ()) -> sqlite.Cursor:
            if sql == "COMMIT":
                order.append("commit")
            return super().execute(sql, parameters)

    pair.line.ship = lambda shipment: (order.append("ship"), ship(shipment))[1]  # type: ignore[method-assign,func-returns-value]
    pair.line.confirm = lambda position: (order.append("confirm"), confirm(position))[1]  # type: ignore[method-assign,func-returns-value]
    pair.a._books.connection = Watched(connection)
    desk.receive(message())
    pair.a._books.connection = connection
    assert order == ["ship", "commit", "confirm"]


def test_nobody_goes_on_before_the_other_node_has_confirmed(pair: Pair, desk: Desk) -> None:
    asked, may_go = threading.Event(), threading.Event()
    confirm = pair.line.confirm

    def slowly(position: int) -> None:
        asked.set()
        may_go.wait(10)
        confirm(position)

    pair.line.confirm = slowly  # type: ignore[method-assign]
    told: list[object] = []
    caller = threading.Thread(target=lambda: told.append(desk.receive(message())))
    caller.start()
    assert asked.wait(10)
    assert pair.a.position > pair.b.position
    assert not told
    may_go.set()
    caller.join(10)
    assert len(told) == 1
    assert pair.a.position == pair.b.position


def test_what_is_not_confirmed_is_told_to_everyone_who_wrote_and_to_nobody_else(pair: Pair, desk: Desk) -> None:
    pair.line.cut = True
    found = gather(pair.a, [source(1, desk.term), lambda _: "looked", source(2, desk.term)])
    assert isinstance(found[0], Unconfirmed)
    assert found[1] == "looked"
    assert isinstance(found[2], Unconfirmed)
    assert pair.a.position == pair.b.position + 2
    assert pair.a.broken is None


def test_a_job_that_fails_keeps_its_own_error_and_what_the_others_wrote_is_shipped_once(pair: Pair, desk: Desk) -> None:
    def fails(books: Books) -> None:
        source(9, desk.term)(books)
        books.write_out()
        raise ValueError("no")

    before = len(pair.line.shipped)
    found = gather(pair.a, [source(1, desk.term), fails, source(2, desk.term), fails, source(3, desk.term)])
    assert [type(each) for each in found] == [int, ValueError, int, ValueError, int]
    assert [len(each.entries) for each in pair.line.shipped[before:]] == [3]
    assert same(pair.a, pair.b)


def test_a_job_that_fails_only_when_it_is_run_again_ships_nothing(pair: Pair, desk: Desk) -> None:
    runs: list[int] = []

    def moody(books: Books) -> None:
        source(8, desk.term)(books)
        books.write_out()
        runs.append(1)
        if len(runs) == 2:
            raise ValueError("not again")

    def fails(books: Books) -> None:
        source(9, desk.term)(books)
        raise ValueError("no")

    found = gather(pair.a, [source(1, desk.term), moody, fails, source(2, desk.term)])
    assert [type(each) for each in found] == [int, ValueError, ValueError, int]
    assert [len(each.entries) for each in pair.line.shipped[-1:]] == [2]
    assert same(pair.a, pair.b)


def test_a_job_without_an_entry_is_neither_shipped_nor_confirmed(pair: Pair, desk: Desk) -> None:
    before = (len(pair.line.shipped), len(pair.line.confirmed))
    assert pair.a._run(lambda _: 7) == 7
    assert (len(pair.line.shipped), len(pair.line.confirmed)) == before
    assert desk.start() is None


def test_a_mail_that_is_known_but_not_on_the_other_node_is_not_called_safe(pair: Pair, desk: Desk) -> None:
    arrival = desk.arrival(message())
    pair.line.cut = True
    for _ in range(2):
        with pytest.raises(Unconfirmed):
            pair.a.receive([arrival], term=desk.term)
    pair.line.cut = False
    catch_up(pair.b, pair.a)
    pair.line.confirm = lambda _: None  # type: ignore[method-assign]
    (receipt,) = pair.a.receive([arrival], term=desk.term)
    assert receipt.known


def test_a_replica_that_fails_otherwise_counts_as_silent(pair: Pair, desk: Desk) -> None:
    def stumbles(_: int) -> None:
        raise OSError("no route")

    pair.line.confirm = stumbles  # type: ignore[method-assign]
    with pytest.raises(Unconfirmed, match="has not confirmed"):
        desk.receive(message())
    assert pair.a.broken is None


@pytest.mark.parametrize("reason", ["full", "fsync"])
def test_a_commit_that_fails_after_it_was_shipped_breaks_the_store(pair: Pair, desk: Desk, reason: str) -> None:
    disk = Disk(pair.a._books.connection)
    pair.a._books.connection = disk
    disk.fails = reason
    with pytest.raises(Torn, match="could not be written here"):
        desk.receive(message())
    disk.fails = ""
    assert isinstance(pair.a.broken, StoreBroken)
    with pytest.raises(Torn):
        desk.receive(message())
    assert not pair.a.switches().readable


def test_a_failure_before_anything_was_shipped_breaks_nothing(pair: Pair, desk: Desk) -> None:
    def full(books: Books) -> None:
        source(1, desk.term)(books)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        pair.a._run(full)
    desk.receive(message())
    assert same(pair.a, pair.b)


# Who may write


def test_a_follower_refuses_every_caller_and_goes_on_reading(pair: Pair, desk: Desk) -> None:
    desk.take_in(message())
    with pytest.raises(NotLeading, match="the other node leads"):
        led(pair.b, desk.clock).receive(message())
    assert pair.b.counts() == pair.a.counts()
    assert pair.b.verify().ok
    pair.b.tidy()
    pair.b.sign_head()
    assert pair.b.following
    assert same(pair.a, pair.b)


@pytest.mark.parametrize("writes", [True, False])
def test_what_waits_when_a_node_is_told_to_follow_is_refused_too(pair: Pair, desk: Desk, writes: bool) -> None:
    let_go = held_up(pair.a)
    jobs = (source(1, desk.term), lambda _: "looked", source(2, desk.term)) if writes else (lambda _: "looked",)
    waiting = [pair.a._writer.submit(job) for job in jobs]
    position = pair.a.position
    pair.a.follow()
    let_go()
    for ticket in waiting:
        with pytest.raises(NotLeading):
            ticket.wait()
    pair.a._writer.between(lambda: None)
    assert pair.a.position == position


def test_a_batch_in_whose_midst_a_node_is_told_to_follow_is_undone(pair: Pair, desk: Desk) -> None:
    def writes(books: Books) -> None:
        source(1, desk.term)(books)
        pair.a.follow()

    position, shipped = pair.a.position, len(pair.line.shipped)
    with pytest.raises(NotLeading):
        pair.a._run(writes)
    assert (pair.a.position, len(pair.line.shipped)) == (position, shipped)


def test_leading_begins_with_the_term_and_frees_earlier_claims(pair: Pair, desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim()
    pair.lead(pair.b, pair.a)
    last = pair.b.last_entries(1)[0]
    assert (last.kind, last.term, pair.b.term) == ("term_began", desk.term + 1, desk.term + 1)
    assert pair.line.shipped[0].entries[0] == last
    again = pair.b.claim("desk-2", term=pair.b.term, seconds=60)
    assert again is not None
    assert again.id == case.id
    with pytest.raises(StaleTerm):
        pair.b.settle(case, outcome(), None, term=desk.term)  # type: ignore[arg-type]
    assert same(pair.a, pair.b)


def test_a_term_that_is_not_above_the_journals_is_refused_and_the_node_goes_on_following(pair: Pair, desk: Desk) -> None:
    for term in (desk.term, desk.term - 1):
        with pytest.raises(StaleTerm):
            pair.b.lead("b", term, Line(pair.a))
    assert pair.b.following
    desk.receive(message())
    assert same(pair.a, pair.b)


def test_leading_does_not_wait_for_the_other_node(pair: Pair) -> None:
    pair.a.follow()
    line = Line(None)
    pair.b.lead("b", pair.b.term + 1, line)
    assert [each.entries[0].kind for each in line.shipped] == ["term_began"]
    assert not pair.b.following


def test_told_to_follow_while_it_begins_to_lead_a_node_follows(pair: Pair) -> None:
    pair.a.follow()
    line = Line(pair.a)

    class Interrupts:
        def ship(self, shipment: Shipment) -> None:
            line.ship(shipment)
            pair.b.follow()

        def confirm(self, position: int) -> None:
            line.confirm(position)

    pair.b.lead("b", pair.b.term + 1, Interrupts())
    assert pair.b.following
    with pytest.raises(NotLeading):
        pair.b.begin_term("b")


def test_the_lead_may_change_any_number_of_times(pair: Pair, clock: FakeClock) -> None:
    uid = 0
    for leader, standby in [(pair.a, pair.b), (pair.b, pair.a)] * 4:
        pair.lead(leader, standby)
        desk = led(leader, clock, uid)
        for number in range(6):
            desk.take_in(message(sender=f"{uid}-{number}@x.example", text="hello"))
        uid = desk.uid
        assert same(pair.a, pair.b)
    assert sum(pair.a.counts().values()) == 48


def test_callers_on_many_threads_lose_nothing_while_the_lead_changes(pair: Pair) -> None:
    stop = threading.Event()
    safe: list[str] = []
    wrong: list[BaseException] = []

    def call(name: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for store in (pair.a, pair.b):
                try:
                    origin = Origin(mailbox="support", folder=f"F{name}", uid_validity=7, uid=number)
                    arrival = Arrival(message=message(sender=f"c{name}@x.example", text=f"{name} {number}"), received_at=1.0, origin=origin)
                    (receipt,) = store.receive([arrival], term=store.term)
                    safe.append(receipt.case)
                except (NotLeading, Unconfirmed, StaleTerm):
                    continue
                except BaseException as error:
                    wrong.append(error)
                    raise

    callers = [threading.Thread(target=call, args=(name,)) for name in range(4)]
    for caller in callers:
        caller.start()
    for leader, standby in [(pair.b, pair.a), (pair.a, pair.b)] * 3:
        so_far = len(safe)
        pair.lead(leader, standby)
        while len(safe) < so_far + 5 and not wrong:
            leader.wait_for_change(leader.position, 0.05)
    stop.set()
    for caller in callers:
        caller.join(30)
    assert not wrong
    catch_up(pair.b, pair.a)
    assert same(pair.a, pair.b)
    assert {row.id for row in pair.b.rows(limit=10_000)} >= set(safe)


def test_a_node_alone_writes_as_ever_and_its_disk_can_be_watched(store: Store) -> None:
    store.begin_term("node-a")
    assert not store.following
    assert store.healthy_writes().running_seconds == 0.0
    assert store.healthy_writes().last_seconds >= 0.0


def test_a_commit_that_does_not_end_is_seen_while_it_runs(store: Store, clock: FakeClock) -> None:
    store.begin_term("node-a")
    began, may_go = threading.Event(), threading.Event()

    class Slow(Disk):
        def execute(self, sql: str, parameters: Any = ()) -> sqlite.Cursor:
            if sql == "COMMIT":
                began.set()
                may_go.wait(10)
            return super().execute(sql, parameters)

    connection = store._books.connection
    store._books.connection = Slow(connection)
    ticket = store._writer.submit(source(1, store.term))
    assert began.wait(10)
    clock.move(4.0)
    assert store.healthy_writes().running_seconds == 4.0
    may_go.set()
    ticket.wait()
    store._books.connection = connection
    assert store.healthy_writes().last_seconds == 4.0


# What is not believed


@pytest.fixture
def shipment(pair: Pair, desk: Desk) -> Shipment:
    """Three entries with two bodies that the follower does not have."""
    pair.line.cut = True
    for number in range(2):
        with pytest.raises(Unconfirmed):
            desk.receive(message(text=str(number)))
    with pytest.raises(Unconfirmed):
        pair.a._run(source(1, desk.term))
    return pair.a.replication.read(pair.b.position, 1_000_000)


def edited(shipment: Shipment, place: int, **fields: Any) -> Shipment:
    entries = list(shipment.entries)
    entries[place] = entries[place]._replace(**fields)
    return msgspec.structs.replace(shipment, entries=tuple(entries))


def damaged(shipment: Shipment) -> dict[str, tuple[Shipment, type[Exception]]]:
    first, second, third = shipment.entries
    one, two = shipment.bodies
    replace = msgspec.structs.replace
    return {
        "payload": (edited(shipment, 2, payload=third.payload.replace(b"s1", b"s2")), BadShipment),
        "time": (edited(shipment, 1, at=second.at + 1), BadShipment),
        "term": (edited(shipment, 1, term=second.term + 1), BadShipment),
        "hash": (edited(shipment, 2, hash=bytes(32)), BadShipment),
        "reordered": (replace(shipment, entries=(second, first, third)), BadShipment),
        "doubled": (replace(shipment, entries=(first, first, second, third)), BadShipment),
        "left out": (replace(shipment, entries=(first, third)), BadShipment),
        "body left out": (replace(shipment, bodies=(two,)), BadShipment),
        "body added": (replace(shipment, bodies=(one, one._replace(id=one.id + 1), two)), BadShipment),
        "body changed": (replace(shipment, bodies=(one._replace(sealed=one.sealed + b"x"), two)), BadShipment),
        "bodies swapped": (replace(shipment, bodies=(one._replace(sealed=two.sealed), two._replace(sealed=one.sealed))), BadShipment),
        "body of nobody": (replace(shipment, bodies=(one, two, BodyRow(8_000, "message", 0, b"x"))), BadShipment),
        "body alone": (Shipment(bodies=(one,)), BadShipment),
        "begins too late": (replace(shipment, entries=shipment.entries[1:], bodies=(two,)), NotYet),
        "body without its key": (replace(shipment, bodies=(one._replace(slot=99), two)), NotYet),
        "keys too late": (replace(shipment, slots_from=99, slots=bytes(32)), NotYet),
    }


@pytest.mark.parametrize(
    "what",
    [
        "payload", "time", "term", "hash", "reordered", "doubled", "left out", "body left out", "body added", "body changed",
        "bodies swapped", "body of nobody", "body alone", "begins too late", "body without its key", "keys too late",
    ],
)  # fmt: skip
def test_a_shipment_that_is_not_as_it_was_sent_changes_nothing(pair: Pair, shipment: Shipment, what: str) -> None:
    bad, error = damaged(shipment)[what]
    before = (pair.b.replication.end(), pair.b._readers.all("SELECT * FROM cases"), pair.b._readers.all("SELECT * FROM bodies"))
    with pytest.raises(error):
        pair.b.replication.apply([bad])
    assert (pair.b.replication.end(), pair.b._readers.all("SELECT * FROM cases"), pair.b._readers.all("SELECT * FROM bodies")) == before
    assert pair.b.broken is None
    pair.b.replication.apply([shipment])
    assert same(pair.a, pair.b)


def test_a_lot_whose_end_is_damaged_is_not_applied_by_half(pair: Pair, shipment: Shipment) -> None:
    good = msgspec.structs.replace(shipment, entries=shipment.entries[:1], bodies=shipment.bodies[:1])
    rest = msgspec.structs.replace(shipment, entries=shipment.entries[1:], bodies=shipment.bodies[1:])
    end = pair.b.replication.end()
    with pytest.raises(BadShipment):
        pair.b.replication.apply([good, edited(rest, 1, hash=bytes(32))])
    assert pair.b.replication.end() == end
    pair.b.replication.apply([good, rest])
    assert same(pair.a, pair.b)


def test_entries_of_another_pair_are_refused(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    with Store.open(tmp_path / "foreign", clock) as foreign:
        foreign.begin_term("x")
        with pytest.raises(BadShipment, match="not written with our keys"):
            pair.b.replication.apply([foreign.replication.read(0, 1_000)])


def test_what_is_here_already_is_passed_over(pair: Pair, desk: Desk, shipment: Shipment) -> None:
    end = pair.b.replication.apply([shipment])
    assert pair.b.replication.apply([shipment]) == end
    assert pair.b.replication.apply([pair.a.replication.read(0, 1_000_000)]) == end
    assert pair.b.replication.apply([]) == end
    with pytest.raises(Unconfirmed):
        desk.receive(message(text="further"))
    pair.b.replication.apply([pair.a.replication.read(end.position - 2, 1_000_000)])
    assert same(pair.a, pair.b)


def rewritten(store: Store, entry: journal.Entry, **fields: Any) -> Shipment:
    """The entry with other content, hashed as somebody with the keys would."""
    other = entry._replace(**fields)
    return Shipment(entries=(other._replace(hash=store._books.chain.of(other)),))


def test_another_entry_at_the_same_position_is_a_fork(pair: Pair, desk: Desk) -> None:
    pair.a._run(source(1, desk.term))
    last = pair.a.last_entries(1)[0]
    with pytest.raises(Forked, match=f"differ at entry {last.position}"):
        pair.b.replication.apply([rewritten(pair.a, last, at=2.0)])
    with pytest.raises(Forked):
        pair.b.replication.apply([rewritten(pair.a, last, position=last.position + 1, prev=bytes(32))])
    assert same(pair.a, pair.b)


def test_an_entry_of_a_lower_term_is_refused(pair: Pair, desk: Desk) -> None:
    pair.a._run(source(1, desk.term))
    last = pair.a.last_entries(1)[0]
    with pytest.raises(StaleTerm):
        pair.b.replication.apply([rewritten(pair.a, last, position=last.position + 1, prev=last.hash, term=last.term - 1)])


@pytest.mark.parametrize(
    "fields",
    [
        {"version": journal.VERSION + 1},
        {"kind": "from_the_future", "payload": b'{"kind":"from_the_future","at":1.0}'},
        {"payload": b'{"kind":"source_refreshed","at":1.0,"source":7}'},
    ],
)
def test_what_a_newer_program_wrote_stops_loudly_and_changes_nothing(pair: Pair, desk: Desk, fields: dict[str, Any]) -> None:
    pair.a._run(source(1, desk.term))
    last = pair.a.last_entries(1)[0]
    end = pair.b.replication.end()
    with pytest.raises(UnknownOperation, match="knows more than this one"):
        pair.b.replication.apply([rewritten(pair.a, last, position=last.position + 1, prev=last.hash, **fields)])
    assert pair.b.replication.end() == end
    assert pair.b.broken is None


def test_a_node_that_leads_takes_no_entries(pair: Pair, desk: Desk) -> None:
    pair.a._run(source(1, desk.term))
    last = pair.a.last_entries(1)[0]
    with pytest.raises(WrongState):
        pair.a.replication.apply([rewritten(pair.a, last, position=last.position + 1, prev=last.hash)])
    assert same(pair.a, pair.b)


def test_a_disk_that_is_full_on_the_follower_undoes_the_whole_lot(pair: Pair, shipment: Shipment) -> None:
    disk = Disk(pair.b._books.connection)
    pair.b._books.connection = disk
    disk.fails = "full"
    end = pair.b.replication.end()
    with pytest.raises(StoreError):
        pair.b.replication.apply([shipment])
    disk.fails = ""
    assert pair.b.replication.end() == end
    pair.b.replication.apply([shipment])
    assert same(pair.a, pair.b)


# Keys


def test_keys_travel_before_the_words_that_need_them(pair: Pair, desk: Desk) -> None:
    for number in range(40):
        desk.take_in(message(sender=f"c{number}@x.example", text="hello"))
    assert sum(bool(each.slots) for each in pair.line.shipped) > 2
    assert same(pair.a, pair.b)
    for row in pair.b.rows():
        opened = pair.b.file(row.id)
        assert opened is not None
        assert opened.message is not None
        assert opened.message.text == "hello"


def test_keys_that_a_node_made_ahead_give_way_to_the_leaders(pair: Pair, desk: Desk) -> None:
    own = pair.b._keyring
    own.ensure(own.slots, 50)  # it led for a moment, and made keys that nobody used
    pair.b.close()
    pair.line.confirm = lambda _: None  # type: ignore[method-assign]
    for number in range(40):
        desk.take_in(message(sender=f"c{number}@x.example", text="hello"))
    pair.b = pair.open("b", following=True)
    catch_up(pair.b, pair.a, most_bytes=5_000)
    assert same(pair.a, pair.b)
    used = pair.a._readers.one("SELECT max(slot) FROM cases")[0] + 1
    assert [pair.b._keyring.key(slot) for slot in range(used)] == [pair.a._keyring.key(slot) for slot in range(used)]


def test_an_erasure_destroys_the_key_on_both(pair: Pair, desk: Desk) -> None:
    (receipt,) = desk.take_in(message())
    opened = pair.b.file(receipt.case)
    assert opened is not None
    assert not opened.erased
    (slot,) = pair.b._readers.one("SELECT slot FROM cases")
    assert slot in pair.b._bodies._kept
    pair.a.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert pair.a._keyring.key(slot) is None
    assert pair.b._keyring.key(slot) is None
    assert slot not in pair.b._bodies._kept
    opened = pair.b.file(receipt.case)
    assert opened is not None
    assert opened.erased
    assert same(pair.a, pair.b)


def test_a_standby_that_died_before_it_destroyed_a_key_does_so_when_it_starts(pair: Pair, desk: Desk) -> None:
    desk.take_in(message())
    (slot,) = pair.b._readers.one("SELECT slot FROM cases")
    pair.b.replication._forget = lambda _: None  # type: ignore[method-assign]
    pair.a.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert pair.b._keyring.key(slot) is not None
    pair.b.close()
    pair.b = pair.open("b", following=True)
    assert pair.b._keyring.key(slot) is None


def test_a_key_that_could_not_be_destroyed_is_destroyed_when_the_entry_comes_again(
    pair: Pair, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.take_in(message())
    (slot,) = pair.b._readers.one("SELECT slot FROM cases")

    def fails(_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(pair.b._keyring, "destroy", fails)
        with pytest.raises(Unconfirmed):
            pair.a.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert pair.b._bodies._kept == {}
    pair.b.replication.apply(pair.line.shipped[-1:])
    assert pair.b._keyring.key(slot) is None


def test_a_key_that_could_not_be_destroyed_is_destroyed_though_the_entry_never_comes_again(
    pair: Pair, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standby has the entry, so it is asked for what follows it."""
    desk.take_in(message())
    (slot,) = pair.b._readers.one("SELECT slot FROM cases")

    def fails(_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(pair.b._keyring, "destroy", fails)
        with pytest.raises(Unconfirmed):
            pair.a.erase_customer("maija@customer.example", "owner", term=desk.term)
        with pytest.raises(OSError, match="no room"):
            pair.b.replication.apply(())
    assert pair.b.replication.end() == pair.a.replication.end()
    pair.b.replication.apply(())
    assert pair.b._keyring.key(slot) is None


def test_a_shipment_that_is_cut_in_two_is_taken_as_one(pair: Pair, shipment: Shipment) -> None:
    entries = msgspec.structs.replace(shipment, bodies=())
    with pytest.raises(BadShipment):
        pair.b.replication.apply([entries])
    pair.b.replication.apply([entries, Shipment(bodies=shipment.bodies[:1]), Shipment(bodies=shipment.bodies[1:])])
    assert same(pair.a, pair.b)


def test_words_and_their_erasure_in_one_transaction_leave_no_words_on_either(pair: Pair, desk: Desk) -> None:
    from appliance.store import erasure, intake

    prepared = intake.prepare(desk.arrival(message()), pair.a._prints, pair.a.limits)

    def both(books: Books) -> None:
        intake.receive(books, [prepared], desk.term, 1.0)
        erasure.erase(books, prepared.customer, (), 0, "owner", desk.term, 1.0)

    pair.a._run(both)
    assert pair.b._readers.one("SELECT count(*) FROM bodies") == (0,)
    assert same(pair.a, pair.b)


def test_a_lever_that_is_pulled_holds_on_the_follower_at_once(pair: Pair, desk: Desk) -> None:
    pair.a.set_switch("safe_mode", True, "owner", term=desk.term)
    assert pair.b.switches().safe_mode
    pair.a.set_switch("safe_mode", False, "owner", term=desk.term)
    assert not pair.b.switches().safe_mode


def test_who_waits_for_a_change_on_the_follower_is_woken(pair: Pair, desk: Desk) -> None:
    woken: list[int] = []
    position = pair.b.position
    waiter = threading.Thread(target=lambda: woken.append(pair.b.wait_for_change(position, 10)))
    waiter.start()
    desk.receive(message())
    waiter.join(10)
    assert woken == [pair.a.position]
