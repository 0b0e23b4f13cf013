"""Drills as the store keeps them: begun on one node, ended on whichever leads then, signed, and counted nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from appliance.records.answer import Decision
from appliance.records.events import DrillBegan, DrillRan
from appliance.records.message import Address, Message, Origin
from appliance.store.drills import MAILBOX, Became
from appliance.store.errors import StaleTerm, WrongState
from appliance.store.replay import differing_tables
from appliance.store.sqlite import open_writer
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.replication import Pair, same
from tests.unit.store.support import DIRECTORY, FREELY, Desk, open_store, outcome
from tests.unit.store.test_replication import led

LEVERS = ("outbound_enabled", "automation_enabled")


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, DIRECTORY)
    pair.join()
    yield pair
    pair.close()


def began(what: str = "kill", drill: str = "drill-1", **more: object) -> DrillBegan:
    return DrillBegan(at=10.0, by="liisa", drill=drill, what=what, node="node-a", **more)  # type: ignore[arg-type]


def ran(what: str = "kill", drill: str = "drill-1", ok: bool = True, **more: object) -> DrillRan:
    fields = {"node_after": "node-b", "term_after": 2, **more}
    return DrillRan(at=12.0, by="node-b", drill=drill, what=what, ok=ok, seconds=2.5, messages=12, **fields)  # type: ignore[arg-type]


def rehearsed(desk: Desk, what: str = "kill", drill: str = "drill-1", ok: bool = True, sandbox: bool = False) -> DrillRan:
    desk.store.drills.begin(began(what, drill, sandbox=sandbox), term=desk.term)
    desk.store.drills.end(ran(what, drill, ok, sandbox=sandbox), term=desk.term)
    return desk.store.drills.last(1)[0][0]


def made_up(desk: Desk, number: int) -> str:
    """A case of a drill that the desk answers and whose reply has left."""
    message = Message(channel="mail", sender=Address(address=f"{number}@drill.invalid"), message_id=f"<{number}@drill>", text=f"q{number}")
    receipts = desk.receive(message, origin=Origin(mailbox=MAILBOX, folder="drill-1", uid=number))
    desk.store.acknowledge(receipts, None, term=desk.term)
    desk.settle(desk.claim())
    desk.finish(desk.started())
    return receipts[0].case


def test_a_drill_that_began_stays_open_until_its_record_is_written(desk: Desk) -> None:
    desk.store.drills.begin(began(taken=("c-1",)), term=desk.term)
    (open_,) = (desk.store.drills.open(),)
    assert open_ is not None
    assert (open_.id, open_.what, open_.by, open_.node, open_.taken, open_.term) == ("drill-1", "kill", "liisa", "node-a", ("c-1",), 1)
    desk.store.drills.end(ran(), term=desk.term)
    assert desk.store.drills.open() is None
    ((record, by),) = desk.store.drills.last(10)
    assert (record.seconds, record.began_at, record.node_before, record.term_before, by) == (2.5, 10.0, "node-a", 1, "liisa")


def test_one_drill_runs_at_a_time_and_is_ended_once(desk: Desk) -> None:
    desk.store.drills.begin(began(), term=desk.term)
    with pytest.raises(WrongState, match="under way"):
        desk.store.drills.begin(began(drill="drill-2"), term=desk.term)
    desk.store.drills.end(ran(), term=desk.term)
    position = desk.store.position
    desk.store.drills.end(ran(ok=False), term=desk.term)
    desk.store.drills.end(ran(drill="drill-9"), term=desk.term)
    assert desk.store.position == position


def test_a_record_holds_for_the_key_that_signed_it_and_for_no_other(desk: Desk) -> None:
    record = rehearsed(desk)
    drills = desk.store.drills
    assert drills.holds(record, {drills.key})
    assert not drills.holds(record, {"00" * 32})
    assert not drills.holds(replace(record, key="00" * 32), {drills.key, "00" * 32})


@pytest.mark.parametrize("change", [{"ok": False}, {"seconds": 0.1}, {"lost": 1}, {"term_after": 9}, {"at": 1.0}, {"signature": "zz"}])
def test_a_record_in_which_anything_was_changed_does_not_hold(desk: Desk, change: dict[str, object]) -> None:
    record = rehearsed(desk)
    assert desk.store.drills.holds(record, {desk.store.drills.key})
    assert not desk.store.drills.holds(replace(record, **change), {desk.store.drills.key})


def test_a_record_that_somebody_changed_in_the_database_shows(desk: Desk, clock: FakeClock) -> None:
    rehearsed(desk, ok=False)
    desk.store.close()
    connection = open_writer(desk.store.path)
    connection.execute(
        "UPDATE journal SET payload = CAST(replace(payload, '\"ok\":false', '\"ok\":true') AS BLOB) WHERE kind = 'drill_ran'"
    )
    connection.close()
    with open_store(desk.store.home, clock) as store:
        ((record, _),) = store.drills.last(1)
        assert record.ok
        assert not store.drills.holds(record, {store.drills.key})


def test_the_levers_that_a_drill_closed_stand_as_before_when_it_has_ended(desk: Desk) -> None:
    desk.store.set_switch("automation_enabled", False, "liisa", term=desk.term)
    desk.store.drills.begin(began("switch"), closes=LEVERS, term=desk.term)
    assert not desk.store.switches().outbound_enabled
    desk.store.drills.end(ran("switch"), term=desk.term)
    assert (desk.store.switches().outbound_enabled, desk.store.switches().automation_enabled) == (True, False)


def test_a_lever_that_a_person_closed_during_the_drill_stays_closed(desk: Desk) -> None:
    desk.store.drills.begin(began("switch"), closes=LEVERS, term=desk.term)
    desk.store.set_switch("outbound_enabled", False, "liisa", term=desk.term)
    desk.store.drills.end(ran("switch"), term=desk.term)
    assert (desk.store.switches().outbound_enabled, desk.store.switches().automation_enabled) == (False, True)


def test_the_other_node_puts_the_levers_back_when_the_leader_died_in_the_drill(pair: Pair, clock: FakeClock) -> None:
    desk = led(pair.a, clock)
    pair.a.drills.begin(began("switch"), closes=LEVERS, term=desk.term)
    assert not pair.b.switches().outbound_enabled
    assert pair.b.drills.begun.is_set()
    pair.lead(pair.b, pair.a)
    pair.b.drills.end(ran("switch", ok=False, reason="leader_lost"), term=pair.b.term)
    for store in (pair.a, pair.b):
        assert store.switches().outbound_enabled
        assert store.switches().automation_enabled
        ((record, _),) = store.drills.last(1)
        assert store.drills.holds(record, {pair.b.drills.key})
    assert same(pair.a, pair.b)


def test_a_leader_of_an_earlier_term_can_end_no_drill(desk: Desk) -> None:
    desk.store.drills.begin(began(), term=desk.term)
    desk.store.begin_term("node-b")
    with pytest.raises(StaleTerm):
        desk.store.drills.end(ran(), term=desk.term)


def test_only_a_drill_of_the_pair_itself_that_was_passed_counts_as_the_last_one(desk: Desk) -> None:
    for number, (what, ok, sandbox) in enumerate([("switch", True, False), ("kill", False, False), ("kill", True, True)]):
        rehearsed(desk, what, f"drill-{number}", ok, sandbox)
    assert desk.store.drills.last_ok_at() == 0.0
    rehearsed(desk, "cut", "drill-9")
    assert desk.store.drills.last_ok_at() == 12.0


def test_made_up_messages_stand_in_no_number_of_the_day_and_in_no_report(desk: Desk, clock: FakeClock) -> None:
    start = clock.now()
    case = made_up(desk, 1)
    assert desk.state(case) == "replied"
    tally = desk.store.tally(start)
    assert (tally["arrived"], tally["answered"]) == (0, 0)
    assert desk.store.numbers_since(start, 100)[0] == []
    assert desk.store.verify(tables=True).ok


def test_made_up_messages_use_up_nothing_of_what_may_leave_in_an_hour(desk: Desk) -> None:
    made_up(desk, 1)
    desk.take_in(Message(channel="mail", sender=Address(address="maija@customer.example"), message_id="<1@x>", text="When?"))
    assert desk.settle(desk.claim(), outcome(), replace(FREELY, replies_per_hour=1)) == Decision.SEND


def test_what_became_of_the_messages_is_read_from_the_journal(desk: Desk) -> None:
    case = made_up(desk, 1)
    became = desk.store.drills.became("drill-1")
    assert became == Became({case: "replied"}, 0)
    assert desk.store.drills.became("drill-2").states == {}
    assert [left.case for left in desk.store.drills.left_over()] == [case]


@pytest.mark.parametrize(
    ("states", "taken", "offered", "lost"),
    [
        ({"a": "replied", "b": "review"}, ("a",), 2, 0),
        ({"a": "replied", "b": "waiting"}, ("a",), 2, 1),
        ({"a": "replied", "b": "replied"}, ("gone",), 2, 1),
        ({}, ("a", "b"), 1, 2),
    ],
)
def test_a_message_is_lost_when_it_came_to_no_end_or_is_not_there(
    states: dict[str, str], taken: tuple[str, ...], offered: int, lost: int
) -> None:
    assert Became(states, 0).lost(taken, offered) == lost


def test_drills_follow_from_the_journal(desk: Desk) -> None:
    rehearsed(desk)
    desk.store.drills.begin(began("switch", "drill-2"), closes=LEVERS, term=desk.term)
    assert desk.store._readers.ask(differing_tables) == ()


def test_a_store_without_drills_has_none(store: Store) -> None:
    assert store.drills.open() is None
    assert store.drills.last(10) == []
