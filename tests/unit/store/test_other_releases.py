"""A follower that is one release older, or newer, than the leader: it takes what it can read, stops at what it cannot, and catches up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from appliance import __version__
from appliance.records.events import KINDS, DrillBegan
from appliance.store import schema, sqlite, taking
from appliance.store.apply import EFFECTS
from appliance.store.digests import OpenDigest
from appliance.store.errors import UnknownOperation
from appliance.store.journal import Chain, Entry
from appliance.store.limits import StoreLimits
from appliance.store.replay import differing_tables
from appliance.store.replication import install_seed
from appliance.store.shipment import Shipment, TableDigest
from appliance.store.store import Store
from tests.support import golden
from tests.support.clock import FakeClock
from tests.unit.store.support import DIRECTORY
from tests.unit.store.test_golden_journals import assert_as_expected, take

#: The older program is this one without the steps of its tables from here on, and without the events from there on. Both lists are only
#: ever appended to, so whatever comes later is left out too.
FIRST_NEWER_STEP, FIRST_NEWER_EVENT = schema._terms, DrillBegan
NEWER_EVENTS = KINDS[KINDS.index(FIRST_NEWER_EVENT) :]
NEWER_KINDS = tuple(str(kind.__struct_config__.tag) for kind in NEWER_EVENTS)
#: Made-up mails and clips came in by events that the older program knows. It would take them for mails like any other.
NEWER_MARKS = (b'"mailbox":"drill"', b'"clips":[')


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


def first_read_otherwise(shipments: list[Shipment]) -> int:
    """The place up to which both programs make the same of everything."""
    marked = (
        place
        for place, shipment in enumerate(shipments)
        if any(mark in entry.payload for entry in shipment.entries for mark in NEWER_MARKS)
    )
    return min(first_of(shipments, NEWER_KINDS), next(marked))


class Later(NamedTuple):
    """What the newer steps bring: tables, as they are made, and columns of tables that were there, as they are added."""

    tables: dict[str, str]
    columns: dict[tuple[str, str], str]

    @classmethod
    def than(cls, steps: int) -> "Later":
        newer, older = database(len(schema.STEPS)), database(steps)
        there, here = tables_of(newer), tables_of(older)
        columns = {(table, name): told for table in here for name, told in columns_of(newer, table).items()}
        known = {(table, name) for table in here for name in columns_of(older, table)}
        return cls(
            {table: made for table, made in there.items() if table not in here},
            {column: told for column, told in columns.items() if column not in known},
        )

    def stand_in(self, connection: Any) -> None:
        """What this program's effects and looks ask for, although an older one's never do."""
        for made in self.tables.values():
            connection.execute(made)
        for (table, _), told in self.columns.items():
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {told}")

    def take_out(self, connection: Any) -> None:
        for table in self.tables:
            connection.execute(f"DROP TABLE {table}")
        for table, name in self.columns:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")


def database(steps: int) -> sqlite.Connection:
    """A fresh one with so many of the steps taken."""
    connection = sqlite.open_scratch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:steps])
        schema.bring_up_to_date(connection, Path(":memory:"))
    return connection


def tables_of(connection: sqlite.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall())


def columns_of(connection: sqlite.Connection, table: str) -> dict[str, str]:
    """By its name what adds a column."""
    told = {}
    for _, name, kind, required, default, _ in connection.execute(f"PRAGMA table_info({table})").fetchall():
        told[name] = f"{name} {kind} {'NOT NULL' if required else ''} {f'DEFAULT {default}' if default is not None else ''}"
    return told


class Older:
    """The release before the drills and before the table of terms, made of this one by leaving out whatever came since."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._steps = schema.STEPS.index(FIRST_NEWER_STEP)
        self.later = Later.than(self._steps)

    def begin(self) -> None:
        *before, last = schema.STEPS[: self._steps]

        def last_with_stand_ins(to: Any) -> None:
            last(to)
            self.later.stand_in(to)

        self._patch.setattr(schema, "STEPS", (*before, last_with_stand_ins))
        self._patch.setattr(taking, "_KNOWN", taking._KNOWN - set(NEWER_KINDS))
        for kind in NEWER_EVENTS:
            self._patch.delitem(EFFECTS, kind)
        for table in self.later.tables:
            self._patch.delitem(schema.STATE_TABLES, table)

    def as_it_lies(self, home: Path) -> sqlite.Connection:
        """Its database, closed, without what only stood in: what came there goes nowhere."""
        connection = sqlite.open_writer(home / "tandem.db")
        self.later.take_out(connection)
        return connection

    def over(self, home: Path) -> None:
        """This program opens the home next."""
        self.as_it_lies(home).close()
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
    home, stops = empty(tmp_path / "home", keys), first_read_otherwise(shipments)
    with follow(home) as store:
        take(store, shipments[:stops], keys)
    older.over(home)
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
    stops = first_read_otherwise(shipments)
    with follow(home) as newer:
        take(newer, shipments[:stops], keys)
        theirs = newer.replication.digest(turn=0)
    older.begin()
    with follow(empty(tmp_path / "older", keys)) as store:
        take(store, shipments[:stops], keys)
    connection = older.as_it_lies(tmp_path / "older")
    mine = digest(tmp_path / "older")
    assert (mine.position, mine.hash) == (theirs.position, theirs.hash)
    assert theirs.tables.keys() - mine.tables.keys() == older.later.tables.keys()
    counted_otherwise = {"tallies", "counters"}
    assert compared(mine, theirs) == mine.tables.keys() - {table for table, _ in older.later.columns} - counted_otherwise
    assert compared(mine, theirs) >= {"customers", "journal", "bodies", "switches"}
    assert mine.differing(theirs) == theirs.differing(mine) == ()
    connection.execute("UPDATE switches SET by = 'xx' WHERE name = 'safe_mode'")
    connection.close()
    assert digest(tmp_path / "older").differing(theirs) == ("switches",)


def digest(home: Path) -> TableDigest:
    return OpenDigest(sqlite.open_reader(home / "tandem.db"), StoreLimits(), 0).compute()


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
