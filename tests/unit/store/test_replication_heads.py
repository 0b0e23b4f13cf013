"""Heads that both nodes signed, and digests by which they find that they do not hold the same."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.store.errors import BadShipment, Forked, NotYet
from appliance.store.limits import StoreLimits
from appliance.store.shipment import JournalEnd, TableDigest
from appliance.store.sqlite import open_writer
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.replication import Pair
from tests.unit.store.support import DIRECTORY, Desk, message
from tests.unit.store.test_replication import led

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, DIRECTORY, StoreLimits(digest_rows=5, digest_bodies=5))
    pair.join()
    yield pair
    pair.close()


@pytest.fixture
def desk(pair: Pair, clock: FakeClock) -> Desk:
    desk = led(pair.a, clock)
    for number in range(8):
        desk.take_in(message(text=str(number)))
    return desk


def countersigned(pair: Pair) -> int:
    head = pair.a.replication.head()
    assert head is not None
    pair.a.replication.note_countersigned(head, pair.b.replication.head_key(), pair.b.replication.countersign(head))
    return head.position


def changed(store: Store, sql: str) -> Store:
    """The store opened again after somebody changed its database."""
    store.close()
    connection = open_writer(store.path)
    connection.execute(sql)
    connection.close()
    return Store.open(store.home, store.clock, directory=DIRECTORY, limits=store.limits, following=True)


def codes(store: Store) -> list[str]:
    return [problem.code for problem in store.replication.examine()]


def test_a_head_is_the_journals_end_signed_and_the_other_node_signs_it_too(pair: Pair) -> None:
    assert countersigned(pair) == pair.a.position
    assert pair.a.verify().ok
    assert b"countersigned" in (pair.a.home / "anchor").read_bytes()
    countersigned(pair)
    assert pair.a._readers.one("SELECT count(*) FROM countersigned") == (1,)
    assert pair.a.replication.digest(0) == pair.b.replication.digest(0)


def test_a_head_of_what_has_not_come_yet_or_of_another_past_is_not_countersigned(pair: Pair) -> None:
    head = pair.a.replication.head()
    assert head is not None
    with pytest.raises(BadShipment):
        pair.b.replication.countersign(msgspec.structs.replace(head, hash=bytes(32)))
    with pytest.raises(BadShipment):
        pair.b.replication.countersign(msgspec.structs.replace(head, key="no key"))
    with Store.open(pair.folder / "foreign", pair.clock) as foreign:
        foreign.begin_term("x")
        other = foreign.replication.head()
        assert other is not None
        with pytest.raises(Forked):
            pair.b.replication.countersign(other)
        with pytest.raises(NotYet):
            foreign.replication.countersign(head)
        with pytest.raises(BadShipment):
            pair.a.replication.note_countersigned(other, pair.b.replication.head_key(), bytes(64))
    with pytest.raises(BadShipment):
        pair.a.replication.note_countersigned(head, pair.b.replication.head_key(), bytes(64))
    assert pair.a._readers.one("SELECT count(*) FROM countersigned") == (0,)


def test_a_countersignature_that_was_changed_is_found(pair: Pair) -> None:
    countersigned(pair)
    pair.a = changed(pair.a, "UPDATE countersigned SET peer_signature = zeroblob(64)")
    assert codes(pair.a) == ["countersignature"]


def test_a_cut_tail_that_the_other_node_had_signed_is_found_though_our_own_heads_are_gone(pair: Pair) -> None:
    position = countersigned(pair)
    (pair.a.home / "anchor").unlink()
    pair.a.close()
    connection = open_writer(pair.a.path)
    for sql in ("DELETE FROM heads", f"DELETE FROM journal WHERE position > {position - 2}"):
        connection.execute(sql)
    connection.execute(f"DELETE FROM bodies WHERE id >= {(position - 1) * 8}")
    connection.close()
    pair.a = pair.open("a", following=True)
    problems = pair.a.verify().problems
    assert [problem.code for problem in problems] == ["cut_off"]
    assert "the other node signed" in problems[0].what


def test_the_anchor_alone_knows_of_a_cut_tail(pair: Pair) -> None:
    position = countersigned(pair)
    pair.a.close()
    connection = open_writer(pair.a.path)
    for sql in ("DELETE FROM heads", "DELETE FROM countersigned", f"DELETE FROM journal WHERE position > {position - 2}"):
        connection.execute(sql)
    connection.execute(f"DELETE FROM bodies WHERE id >= {(position - 1) * 8}")
    connection.close()
    pair.a = pair.open("a", following=True)
    assert [problem.code for problem in pair.a.verify().problems] == ["cut_off"]


# Digests


def differing(one: TableDigest, other: TableDigest) -> set[str]:
    return {table for table in one.tables if one.tables[table] != other.tables[table]}


def test_both_look_at_the_same_part_and_find_the_same(pair: Pair) -> None:
    for turn in (None, 0, 1, 2, 77):
        assert pair.a.replication.digest(turn) == pair.b.replication.digest(turn)


@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("cases", "UPDATE cases SET mailbox = 'x' WHERE no = (SELECT max(no) FROM cases)"),
        ("origins", "DELETE FROM origins WHERE uid = 3"),
        ("switches", "UPDATE switches SET is_on = 1 - is_on"),
        ("journal", "UPDATE journal SET at = at + 1 WHERE position = 4"),
        ("bodies", "UPDATE bodies SET sealed = zeroblob(9) WHERE id = (SELECT min(id) FROM bodies)"),
    ],
)
def test_a_row_that_changed_is_found_within_a_round_and_the_damaged_node_says_so(pair: Pair, table: str, sql: str) -> None:
    pair.b = changed(pair.b, sql)
    found = [differing(pair.a.replication.digest(turn), pair.b.replication.digest(turn)) for turn in range(8)]
    assert {table} in found
    assert set().union(*found) == {table}
    assert codes(pair.a) == []
    assert codes(pair.b) != []


def test_a_digest_is_of_the_moment_it_was_begun_whatever_comes_after(pair: Pair, desk: Desk) -> None:
    told: list[JournalEnd] = []
    begun = pair.a.replication.digest_begin(5, tell=told.append)
    before = pair.b.replication.digest(5)
    desk.take_in(message(text="after"))
    found: list[TableDigest] = []
    reader = threading.Thread(target=lambda: found.append(begun.compute()))
    reader.start()
    reader.join(10)
    assert found == [before]
    assert told == [begun.end]
    assert begun.end.position < pair.a.position
    begun.close()
    with pytest.raises(ValueError, match="computed or closed"):
        begun.compute()


def test_what_a_digest_tells_stands_before_anything_that_is_shipped_later(pair: Pair, desk: Desk) -> None:
    order: list[object] = []
    ship = pair.line.ship
    pair.line.ship = lambda shipment: (order.append(shipment.last), ship(shipment))[1]  # type: ignore[method-assign,func-returns-value]
    writers = [threading.Thread(target=lambda number=number: desk.receive(message(text=f"w{number}"))) for number in range(6)]
    for writer in writers[:3]:
        writer.start()
    pair.a.replication.digest_begin(tell=lambda end: order.append(("digest", end.position))).close()
    for writer in writers[3:]:
        writer.start()
    for writer in writers:
        writer.join(10)
    shipped = [desk.store.position - 6]
    for each in order:
        if isinstance(each, tuple):
            assert each == ("digest", shipped[-1])
        else:
            shipped.append(each)  # type: ignore[arg-type]


def test_an_unreadable_database_is_our_own_damage(pair: Pair) -> None:
    pair.b.close()
    connection = open_writer(pair.b.path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'origins'").fetchone()[0]
    connection.close()
    with pair.b.path.open("r+b") as file:
        file.seek((root - 1) * 4096 + 2_000)
        file.write(b"\xff" * 2_096)
        file.seek((root - 1) * 4096)
        file.write(b"\x0a\x00\x00\x00\x09\x00\x01")
    pair.b = pair.open("b", following=True)
    assert codes(pair.b)
