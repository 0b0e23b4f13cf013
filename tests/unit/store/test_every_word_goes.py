"""Every kind of sealed words there is goes with its customer, and with its case's age: at the leader, at a standby, and on the disk.

The cases are those of the golden journal's story, which makes every kind of event. A new kind of sealed words (a role that something is
sealed as) is found in the store's source, so it cannot be forgotten: the story has to make some, and then they have to go.
"""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import appliance.store
from appliance.store import names
from appliance.store.replication import install_seed
from appliance.store.shipment import Shipment
from appliance.store.store import Store
from tests.data.journals.make import DAY, DIRECTORY, LIMITS, NOW, Recorder, Story
from tests.support.clock import FakeClock
from tests.support.home import wait_for
from tests.support.replication import travelled

ENDED = {"replied", "closed", "routed", "dead"}
WITH_WORDS = "SELECT id, role, slot, sealed FROM bodies ORDER BY id"


class Body(NamedTuple):
    id: int
    role: str
    slot: int
    sealed: bytes


class Told(Story):
    """The story up to where words begin to go. ``keys`` and ``seed`` are for a standby that was there from the beginning."""

    def __init__(self, store: Store, clock: FakeClock, seed: Path) -> None:
        super().__init__(store, clock, Recorder())
        self.seed, self.keys = seed, store.replication.keys()
        store.replication.snapshot(seed)
        self.until_words_go()

    def standby(self, home: Path) -> Store:
        """It gets all of it entry by entry, with the words as they were then."""
        install_seed(home, self.seed, self.keys)
        store = Store.open(home, FakeClock(NOW), directory=DIRECTORY, following=True)
        store.replication.apply([Shipment(slots=self.keys[len(self.keys) - 32 - 32 * LIMITS.slots_reserved : -32])])
        for shipment in self.recorder.shipped:
            store.replication.apply([travelled(shipment)])
        return store


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Told]:
    clock = FakeClock(NOW)
    with Store.open(tmp_path / "home", clock, directory=DIRECTORY, limits=LIMITS) as store:
        yield Told(store, clock, tmp_path / "seed")


def sealed_roles() -> set[str]:
    """The second argument of each ``seal`` in the store's source: a text, or the name of one."""
    rooms = sorted(Path(appliance.store.__file__).parent.rglob("*.py"))
    return {_role(path, call.args[1]) for path in rooms for call in _seals(path)}


def _seals(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "seal":
            yield node


def _role(path: Path, named: ast.expr) -> str:
    if isinstance(named, ast.Constant):
        return str(named.value)
    here: Any = importlib.import_module(f"appliance.store.{path.stem}")
    return str(eval(ast.unparse(named), vars(here)))  # a name, or one of a neighbouring module


def bodies(store: Store) -> list[Body]:
    store.come_to_rest()
    return [Body._make(row) for row in store._readers.all(WITH_WORDS)]


def case_of(store: Store, body: Body) -> int:
    """Whose words they are, as the entry itself says: nothing that is used for removing them is asked."""
    payload = store._readers.one("SELECT payload FROM journal WHERE position = ?", (body.id // 8,))[0]
    return names.case_number(json.loads(payload)["case"]) or 0


def on_disk(store: Store, gone: list[Body]) -> list[str]:
    """The roles of those whose sealed bytes still lie in a file of the home."""
    files = [path.read_bytes() for path in store.home.rglob("*") if path.is_file()]
    return [body.role for body in gone if any(body.sealed[:64] in data for data in files)]


def assert_off_the_disk(store: Store, gone: list[Body]) -> None:
    """Soon: the log is cut once the store has nothing else to do."""
    wait_for(lambda: on_disk(store, gone) == [])


def end_all(story: Told) -> None:
    """Whatever still waits, for the ear, the desk, a person or the other side, comes to an end."""
    story.clock.move(DAY)
    story.nothing_waits()
    story.store.replace_waiting([(row.id, row.changed_at) for row in story.store.rows(limit=500)], "", "cli", term=story.term)


def test_the_story_seals_every_kind_of_words_that_the_store_can_seal(story: Told) -> None:
    roles = sealed_roles()
    assert {"message", "draft", "transcript", "push", "candidate", "call"} <= roles, "the source was read"
    assert {body.role for body in bodies(story.store)} == roles


def test_nothing_sealed_of_an_erased_customer_is_left(story: Told, tmp_path: Path) -> None:
    store, before = story.store, bodies(story.store)
    for (customer,) in store._readers.all("SELECT digest FROM customers"):
        assert store.erase_again(customer.hex(), "aino", term=story.term)
    assert bodies(store) == []
    assert store.verify(tables=True).problems == ()
    assert_off_the_disk(store, before)
    with story.standby(tmp_path / "standby") as standby:
        assert bodies(standby) == []
        assert_off_the_disk(standby, before)


def test_nothing_sealed_of_cases_that_ended_long_ago_is_left(story: Told, tmp_path: Path) -> None:
    store = story.store
    end_all(story)
    ended = {int(row[0]) for row in store._readers.all(f"SELECT no FROM cases WHERE state IN {tuple(sorted(ENDED))}")}
    before = bodies(store)
    gone = [body for body in before if case_of(store, body) in ended]
    assert {body.role for body in gone} == sealed_roles(), "every kind of words is among those that are to go"
    story.clock.move(40 * DAY)
    store.expire_words(30, "retention", term=story.term)
    assert bodies(store) == [body for body in before if body not in gone], "theirs and no others"
    assert store.verify(tables=True).problems == ()
    assert_off_the_disk(store, gone)
    with story.standby(tmp_path / "standby") as standby:
        assert bodies(standby) == bodies(store)
        assert_off_the_disk(standby, gone)
