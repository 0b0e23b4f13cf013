"""A follower that is one release older, or newer, than the leader: it takes what it can read, stops at what it cannot, and catches up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import __version__
from appliance.records.events import DrillBegan, DrillRan, TermBegan
from appliance.store import schema, taking
from appliance.store.apply import EFFECTS
from appliance.store.errors import UnknownOperation
from appliance.store.journal import Chain, Entry
from appliance.store.replay import differing_tables
from appliance.store.replication import install_seed
from appliance.store.shipment import Shipment, TableDigest
from appliance.store.store import Store
from tests.support import golden
from tests.support.clock import FakeClock
from tests.unit.store.support import DIRECTORY
from tests.unit.store.test_golden_journals import assert_as_expected, take

NEWER_KINDS = ("drill_began", "drill_ran")


@pytest.fixture
def shipments() -> list[Shipment]:
    return golden.read(__version__)[0]


@pytest.fixture
def keys() -> bytes:
    return golden.read(__version__)[1]


@pytest.fixture
def home(tmp_path: Path, keys: bytes) -> Path:
    return empty(tmp_path / "home", keys)


def empty(home: Path, keys: bytes) -> Path:
    """A home of the program as it is now, with nothing in it but the keys of the golden journal."""
    with Store.open(home, FakeClock()) as fresh:
        fresh.replication.snapshot(home.parent / "empty")
    install_seed(home, home.parent / "empty", keys)
    return home


def follow(home: Path) -> Store:
    return Store.open(home, FakeClock(), directory=DIRECTORY, following=True)


def first_of(shipments: list[Shipment], kinds: tuple[str, ...]) -> int:
    """The place of the first entry of one of these kinds."""
    return next(place for place, shipment in enumerate(shipments) if any(entry.kind in kinds for entry in shipment.entries))


def first_of_a_drill(shipments: list[Shipment]) -> int:
    """The place of the first made-up mail. A program that knows no drills would count it among the day's, and nobody could tell later."""
    return next(place for place, shipment in enumerate(shipments) if b'"mailbox":"drill"' in shipment.entries[0].payload)


class Older:
    """The release before the drills and before the table of terms, made of this one by leaving those out."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._steps = schema.STEPS.index(schema._terms)

    def begin(self) -> None:
        began = EFFECTS[TermBegan]

        def without_terms(to: Any, event: TermBegan) -> None:
            to.execute("CREATE TEMP TABLE IF NOT EXISTS terms (position, term, node, at, how)", ())  # what comes there goes nowhere
            began(to, event)

        self._patch.setattr(schema, "STEPS", schema.STEPS[: self._steps])
        self._patch.setattr(taking, "_KNOWN", taking._KNOWN - set(NEWER_KINDS))
        self._patch.setitem(EFFECTS, TermBegan, without_terms)
        for kind in (DrillBegan, DrillRan):
            self._patch.delitem(EFFECTS, kind)
        for table in ("terms", "drills"):
            self._patch.delitem(schema.STATE_TABLES, table)

    def over(self) -> None:
        self._patch.undo()


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Iterator[Older]:
    yield Older(monkeypatch)
    monkeypatch.undo()


def test_an_older_follower_takes_everything_up_to_what_it_does_not_know_and_nothing_of_that(
    tmp_path: Path, shipments: list[Shipment], keys: bytes, older: Older
) -> None:
    older.begin()
    home, stops = empty(tmp_path / "home", keys), first_of(shipments, NEWER_KINDS)
    with follow(home) as store:
        take(store, shipments[:stops], keys)
        end, rows = store.replication.end(), store.rows(limit=500)
        with pytest.raises(UnknownOperation, match="knows more than this one") as told:
            store.replication.apply(shipments[stops:])
        assert "Update this node" in told.value.remedy
        with pytest.raises(UnknownOperation):
            store.replication.apply(shipments[stops - 2 : stops + 1])
        assert store.replication.end() == end
        assert store.rows(limit=500) == rows, "it goes on answering those who look"
        assert store.broken is None


def test_an_older_follower_that_is_updated_comes_to_the_same_as_the_leader(
    tmp_path: Path, shipments: list[Shipment], keys: bytes, older: Older
) -> None:
    older.begin()
    home, stops = empty(tmp_path / "home", keys), first_of_a_drill(shipments)
    with follow(home) as store:
        take(store, shipments[:stops], keys)
    older.over()
    with follow(home) as store:
        assert store.verify(tables=True).problems == ()
        assert "handover" in {term["how"] for term in store.terms(10)}, "a field that the older program could not read was kept"
        take(store, [], keys)  # each new line begins with the keys that are not known to be shared
        for shipment in shipments[stops:]:
            store.replication.apply([shipment])
        assert_as_expected(store, __version__)


def test_two_releases_compare_what_both_keep_in_the_same_way(
    home: Path, tmp_path: Path, shipments: list[Shipment], keys: bytes, older: Older
) -> None:
    stops = first_of_a_drill(shipments)
    with follow(home) as newer:
        take(newer, shipments[:stops], keys)
        theirs = newer.replication.digest(turn=0)
    older.begin()
    with follow(empty(tmp_path / "older", keys)) as store:
        take(store, shipments[:stops], keys)
        mine = store.replication.digest(turn=0)
        assert (mine.position, mine.hash) == (theirs.position, theirs.hash)
        assert mine.tables.keys() < theirs.tables.keys()
        assert compared(mine, theirs) >= {"cases", "deliveries", "customers", "journal", "bodies", "people"}
        assert compared(mine, theirs).isdisjoint({"terms", "drills", "tallies", "counters"}), "the newer one counts those otherwise"
        assert mine.differing(theirs) == theirs.differing(mine) == ()
        store._writer.sole(
            lambda books: books.connection.execute("UPDATE cases SET language = 'xx' WHERE no = (SELECT min(no) FROM cases)")
        )
        assert store.replication.digest(turn=0).differing(theirs) == ("cases",)


def compared(one: TableDigest, other: TableDigest) -> set[str]:
    both = one.tables.keys() & other.tables.keys()
    return {table for table in both if one.shapes[table] == other.shapes[table]}


def test_an_entry_of_a_newer_release_with_more_fields_is_taken_as_it_is(home: Path, shipments: list[Shipment], keys: bytes) -> None:
    with follow(home) as store:
        take(store, shipments, keys)
        end = store.replication.end()
        payload = json.dumps(
            {"kind": "switch_set", "at": 1.0, "by": "aino", "name": "safe_mode", "on": True, "because": "a storm"}
        ).encode()
        chain = Chain(store._keyring.chain_key)
        entry = Entry(end.position + 1, end.term, 1, "switch_set", 1.0, payload, 0, end.hash, b"")
        store.replication.apply([Shipment(entries=(entry._replace(hash=chain.of(entry)),))])
        assert store.switches().safe_mode
        assert store.last_entries(1)[0].payload == payload
        assert store.verify(tables=True).problems == ()
        assert differing_tables(store._readers.connection()) == ()


@pytest.mark.parametrize(("kind", "version"), [("from_the_future", 1), ("switch_set", 2)])
def test_an_unknown_kind_and_a_newer_meaning_are_never_passed_over(
    home: Path, shipments: list[Shipment], keys: bytes, kind: str, version: int
) -> None:
    with follow(home) as store:
        take(store, shipments, keys)
        end = store.replication.end()
        payload = json.dumps({"kind": kind, "at": 1.0, "name": "safe_mode", "on": True}).encode()
        chain = Chain(store._keyring.chain_key)
        entry = Entry(end.position + 1, end.term, version, kind, 1.0, payload, 0, end.hash, b"")
        with pytest.raises(UnknownOperation, match=f"{kind}, version {version}"):
            store.replication.apply([Shipment(entries=(entry._replace(hash=chain.of(entry)),))])
        assert store.replication.end() == end
