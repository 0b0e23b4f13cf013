"""What a release wrote, every later program takes, and comes to the same by it."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance import __version__
from appliance.records.events import KINDS
from appliance.store import journal
from appliance.store.replay import differing_tables, replay
from appliance.store.replication import install_seed
from appliance.store.shipment import Shipment
from appliance.store.store import Store
from tests.support import golden
from tests.support.clock import FakeClock
from tests.support.replication import travelled
from tests.unit.store.support import DIRECTORY

#: By the version that wrote the journal: TABLE.COLUMN that later programs do without, or make something else of on purpose; each with why.
NOT_COMPARED: dict[str, dict[str, str]] = {}

_MAKE = "python -m tests.data.journals.make --again   (before it: a few lines in its story that do this)"
every_golden = pytest.mark.parametrize("version", golden.versions())


@pytest.fixture
def follower(tmp_path: Path, version: str) -> Iterator[Store]:
    """An empty home with the keys of the one that wrote the journal."""
    _, keys, _ = golden.read(version)
    with Store.open(tmp_path / "home", FakeClock()) as fresh:
        fresh.replication.snapshot(tmp_path / "empty")
    install_seed(tmp_path / "home", tmp_path / "empty", keys)
    with Store.open(tmp_path / "home", FakeClock(), directory=DIRECTORY, following=True) as store:
        yield store


def slots_of(keys: bytes) -> int:
    return int(json.loads(keys.partition(b"\n")[0])["slots"])


def take(store: Store, shipments: list[Shipment], keys: bytes) -> None:
    """As from a leader: first the keys of the slots, then the entries."""
    start = len(keys) - 32 - 32 * slots_of(keys)
    store.replication.apply([Shipment(slots=keys[start:-32])])
    store.replication.apply([travelled(shipment) for shipment in shipments])


def assert_as_expected(store: Store, version: str) -> None:
    _, _, expected = golden.read(version)
    end, gone = store.replication.end(), NOT_COMPARED.get(version, {})
    assert (end.position, end.term, end.hash.hex()) == (expected["position"], expected["term"], expected["hash"])
    reader = store._readers.connection()
    assert golden.differing(reader, expected["tables"], gone) == [], "as this program applies it"
    assert golden.differing(replay(reader, end.position), expected["tables"], gone) == [], "as a replay makes it"
    assert store.verify(tables=True).problems == ()


@every_golden
def test_a_journal_of_each_release_is_taken_from_a_leader_and_replayed_and_comes_to_its_tables(follower: Store, version: str) -> None:
    shipments, keys, _ = golden.read(version)
    take(follower, shipments, keys)
    assert_as_expected(follower, version)


@every_golden
def test_entry_by_entry_it_comes_to_the_same_as_all_at_once(follower: Store, version: str) -> None:
    shipments, keys, _ = golden.read(version)
    take(follower, [], keys)
    for shipment in shipments:
        follower.replication.apply([shipment])
    assert_as_expected(follower, version)


@every_golden
def test_what_a_release_sealed_can_be_read(follower: Store, version: str) -> None:
    shipments, keys, expected = golden.read(version)
    take(follower, shipments, keys)
    assert {row.id: row.subject for row in follower.rows(limit=500)} == expected["subjects"]
    assert any(expected["subjects"].values())
    assert {known.profile.name for known in follower.people.all()} >= {"Aino Laine", "Oskar Ek"}


def test_the_newest_journal_is_of_this_version_and_has_every_kind_of_event() -> None:
    assert golden.versions()[-1:] == [__version__], f"there is no golden journal of {__version__}; make it: {_MAKE}"
    shipments, _, _ = golden.read(__version__)
    there = {entry.kind for shipment in shipments for entry in shipment.entries}
    missing = {str(kind.__struct_config__.tag) for kind in KINDS} - there
    assert not missing, f"the golden journal of {__version__} has no {', '.join(sorted(missing))}; make it anew: {_MAKE}"


def test_every_field_of_the_newest_journal_is_read_back_as_it_was_written() -> None:
    for shipment in golden.read(__version__)[0]:
        for entry in shipment.entries:
            assert json.loads(journal.encode(journal.decode(entry.payload))) == json.loads(entry.payload), entry.kind


@every_golden
def test_a_column_or_a_table_that_came_later_is_not_compared_and_a_wrong_value_is_found(follower: Store, version: str) -> None:
    shipments, keys, expected = golden.read(version)
    take(follower, shipments, keys)
    reader = follower._readers.connection()
    scratch = replay(reader, follower.position)
    scratch.execute("ALTER TABLE cases ADD COLUMN later TEXT NOT NULL DEFAULT 'x'")
    scratch.execute("CREATE TABLE latest (id TEXT)")
    assert golden.differing(scratch, expected["tables"]) == []
    scratch.execute("UPDATE cases SET language = 'xx' WHERE no = (SELECT max(no) FROM cases)")
    assert golden.differing(scratch, expected["tables"]) == ["cases.language"]
    assert golden.differing(scratch, expected["tables"], ["cases.language"]) == []
    scratch.execute("ALTER TABLE chats DROP COLUMN language")
    assert golden.differing(scratch, expected["tables"]) == ["cases.language", "chats.language"]
    assert differing_tables(reader) == ()


def test_a_golden_journal_that_was_touched_is_found_out(tmp_path: Path) -> None:
    shipments, keys, _ = golden.read(__version__)
    entry = shipments[3].entries[0]
    shipments[3] = msgspec.structs.replace(shipments[3], entries=(entry._replace(at=entry.at + 1),))
    with Store.open(tmp_path / "home", FakeClock()) as fresh:
        fresh.replication.snapshot(tmp_path / "empty")
    install_seed(tmp_path / "home", tmp_path / "empty", keys)
    with Store.open(tmp_path / "home", FakeClock(), following=True) as store, pytest.raises(Exception, match="was changed on its way"):
        store.replication.apply(shipments)
