"""Drills on one node: what ends them, what they leave behind, and who hears that one is overdue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.ground.errors import Refused
from appliance.ground.machine import machine_id
from appliance.node import drill_faults, drills
from appliance.node.build import build
from appliance.node.node import Node
from appliance.pair.meeting.kept import enter
from appliance.pair.meeting.membership import Membership
from appliance.pair.messages import Beat, End, Kept
from appliance.policy import roles
from appliance.records.events import DrillBegan, DrillRan
from appliance.records.person import Actor, Role
from appliance.settings.read import load
from tests.support.clock import FakeClock
from tests.support.home import make_home, running_node, sent, wait_for

OPERATOR, AGENT = Actor(name="liisa", role=Role.OPERATOR), Actor(name="aino", role=Role.AGENT)
DAY = 86_400.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@contextmanager
def opened(home: Path, clock: FakeClock) -> Iterator[Node]:
    """A node that leads alone and whose loops do not run: a test makes its looks."""
    node = build(load(home=home, environment={}), clock)
    try:
        yield node
    finally:
        node.close()


class Nobody:
    """The other node's side of copying, of one that is not there."""

    def ship(self, _: object) -> None: ...

    def confirm(self, _: int) -> None: ...


def begun(node: Node, what: str = "kill", by_node: str = "other-1", **more: Any) -> None:
    closes = more.pop("closes", ())
    began = DrillBegan(at=node.clock.now(), by="liisa", drill="drill-1", what=what, node=by_node, **more)
    node.store.drills.begin(began, closes=closes, term=node.store.term)


def shown(node: Node) -> dict[str, Any]:
    return node.commands.drills()["last"][0]  # type: ignore[no-any-return]


def over(node: Node) -> Callable[[], bool]:
    return lambda: node.store.drills.open() is None


def test_the_node_that_leads_after_a_fault_takes_the_rest_in_and_writes_the_record(home: Path) -> None:
    with running_node(home) as node:
        taken = node.drills._offer("drill-1", drills.FIRST_HALF)
        begun(node, taken=taken)
        wait_for(over(node))
        row = shown(node)
        assert (row["ok"], row["messages"], row["lost"], row["doubled"], row["held"]) == (True, 12, 0, 0, 0)
        assert (row["kind"], row["by"], row["node_before"], row["node_after"]) == ("kill", "liisa", "other-1", node.name)
        assert row["signature"] is True
        assert row["seconds"] is not None


def test_nothing_of_a_drill_leaves_the_house_and_nothing_of_it_stays_in_the_lists(home: Path) -> None:
    with running_node(home) as node:
        begun(node, taken=node.drills._offer("drill-1", drills.FIRST_HALF))
        wait_for(lambda: over(node)() and not node.store.drills.left_over())
        assert sent(home) == []
        assert node.store.rows() == []
        assert node.commands.today()["arrived"] == 0


def test_behind_closed_levers_the_messages_are_held_and_the_drill_can_be_passed(home: Path) -> None:
    with running_node(home) as node:
        for lever in ("automation_enabled", "outbound_enabled"):
            node.store.set_switch(lever, False, "liisa", term=node.term)
        begun(node, taken=node.drills._offer("drill-1", drills.FIRST_HALF))
        wait_for(over(node))
        assert (shown(node)["ok"], shown(node)["held"]) == (True, 12)
        wait_for(lambda: node.store.rows() == [])


def test_a_message_that_had_been_taken_in_and_is_not_there_is_lost(home: Path) -> None:
    with running_node(home) as node:
        taken = node.drills._offer("drill-1", drills.FIRST_HALF)
        begun(node, taken=(*taken, "c-000000000zaaaaaaaa"))
        wait_for(over(node))
        assert (shown(node)["ok"], shown(node)["lost"], shown(node)["reason"]) == (False, 1, "lost")


def test_a_drill_that_nobody_ends_within_two_minutes_has_failed(home: Path) -> None:
    clock = FakeClock()
    with opened(home, clock) as node:
        begun(node, by_node=node.name)
        clock.move(drills.LIMIT_SECONDS - 1)
        assert node.drills.step()
        assert node.store.drills.open() is not None
        clock.move(2)
        node.drills.step()
        assert (shown(node)["ok"], shown(node)["reason"], shown(node)["seconds"]) == (False, "took_too_long", None)


def test_a_leader_that_comes_back_to_lead_itself_has_shown_nothing(home: Path) -> None:
    with opened(home, FakeClock()) as node:
        begun(node, by_node=node.name)
        node.standing.term = node.store.begin_term(node.name)  # type: ignore[misc]
        node.drills.step()
        assert (shown(node)["ok"], shown(node)["reason"]) == (False, "led_again")


@pytest.mark.parametrize(("what", "sandbox"), [("switch", False), ("kill", True)])
def test_a_drill_whose_node_died_is_ended_by_the_next_start_and_its_levers_are_put_back(home: Path, what: str, sandbox: bool) -> None:
    closes = drills.LEVERS if what == "switch" else ()
    with opened(home, FakeClock()) as node:
        begun(node, what, node.name, sandbox=sandbox, closes=closes)
        assert node.store.switches().outbound_enabled is not bool(closes)
    with running_node(home) as node:
        wait_for(over(node))
        assert (shown(node)["ok"], shown(node)["reason"]) == (False, "leader_lost")
        assert node.store.switches().outbound_enabled
        assert node.store.switches().automation_enabled


def test_a_switch_drill_closes_the_levers_and_puts_each_back_where_it_was(home: Path) -> None:
    with running_node(home) as node:
        node.store.set_switch("automation_enabled", False, "liisa", term=node.term)
        row = node.commands.switch_drill(OPERATOR)
        assert (row["kind"], row["ok"], row["signature"], row["by"]) == ("switch", True, True, "liisa")
        assert (node.store.switches().outbound_enabled, node.store.switches().automation_enabled) == (True, False)
        pulled = [entry for entry in node.store.last_entries(10) if entry.kind == "switch_set"]
        assert len(pulled) >= 4


def test_who_may_not_rehearse_is_refused(home: Path) -> None:
    with running_node(home) as node:
        for asked in (lambda: node.commands.pair_drill(AGENT, "kill"), lambda: node.commands.switch_drill(AGENT)):
            with pytest.raises(Refused, match="may not do this"):
                asked()
        assert not roles.may(Role.AGENT, "drill")
        assert node.commands.drills()["last"] == []


def test_a_drill_that_cannot_be_is_refused_with_the_reason(home: Path) -> None:
    with running_node(home) as node:
        with pytest.raises(Refused, match="no drill explode"):
            node.commands.pair_drill(OPERATOR, "explode")
        with pytest.raises(Refused) as refused:
            node.commands.pair_drill(OPERATOR, "kill")
        assert refused.value.code == "not_paired"
        begun(node, by_node=node.name)
        for again in (lambda: node.commands.pair_drill(OPERATOR, "kill", True), lambda: node.commands.switch_drill(OPERATOR)):
            with pytest.raises(Refused) as refused:
                again()
            assert refused.value.code == "drill_runs"


@contextmanager
def paired(home: Path, clock: FakeClock) -> Iterator[Node]:
    """One of two, paired at this moment; it leads by a test's word, and nothing runs."""
    member = Membership(
        pair="pair-1", me="kallio-7m9q", peer="meri-2x4z", side="a", peer_fingerprint="ab" * 32, peer_certificate="PEM",
        secret=bytes(range(32)), paired_at=clock.now(), key="cd" * 32, machine=machine_id(),
    )  # fmt: skip
    enter(home, member, Kept(joined=True))
    with opened(home, clock) as node:
        node.store.lead(node.name, node.store.term + 1, Nobody())
        yield node


def rehearsed(node: Node, ok: bool, sandbox: bool = False, what: str = "handover") -> None:
    begun(node, what, sandbox=sandbox)
    ran = DrillRan(at=node.clock.now(), by=node.name, drill="drill-1", what=what, ok=ok, sandbox=sandbox)
    node.store.drills.end(ran, term=node.store.term)


def test_a_pair_is_warned_when_it_has_passed_no_drill_for_thirty_days(home: Path) -> None:
    clock = FakeClock()
    with paired(home, clock) as node:
        clock.move(30 * DAY)
        assert node.commands.drills()["overdue"] is False
        clock.move(1)
        assert node.commands.pair()["drills"] == {"last": [], "overdue": True, "every_days": 30}
        rehearsed(node, ok=True)
        assert node.commands.drills()["overdue"] is False
        clock.move(30 * DAY + 1)
        assert node.commands.drills()["overdue"] is True


@pytest.mark.parametrize(("ok", "sandbox", "what"), [(False, False, "kill"), (True, True, "kill"), (True, False, "switch")])
def test_a_failed_drill_one_in_a_sandbox_and_one_of_the_levers_put_no_warning_off(home: Path, ok: bool, sandbox: bool, what: str) -> None:
    clock = FakeClock()
    with paired(home, clock) as node:
        clock.move(31 * DAY)
        rehearsed(node, ok, sandbox, what)
        assert node.commands.drills()["overdue"] is True


@pytest.mark.parametrize(("days", "warned"), [(0, False), (7, True)])
def test_the_settings_say_after_how_many_days_it_warns(home: Path, days: int, warned: bool) -> None:
    file = home / "tandem.toml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n[pair]\ndrill_days = {days}\n", encoding="utf-8")
    clock = FakeClock()
    with paired(home, clock) as node:
        clock.move(8 * DAY)
        assert (node.commands.drills()["overdue"], node.commands.drills()["every_days"]) == (warned, days)


def test_a_node_alone_is_never_warned(home: Path) -> None:
    clock = FakeClock()
    with opened(home, clock) as node:
        clock.move(400 * DAY)
        assert node.commands.drills()["overdue"] is False


def beat_of(node: Node, **changed: Any) -> None:
    """The other node is seen and well, and holds everything."""
    assert node.pair is not None
    side, now = node.pair.membership, node.clock.elapsed()
    beat = Beat(
        sender=side.peer, boot=1, sent_at=now, term=1, phase="standby", end=End(term=1, position=1), healthy=True, joined=True,
        in_sync=True, yields=False,
    )  # fmt: skip
    fields = {"beat": replace(beat, **changed), "heard_at": now, "mode": "pair", "phase": "leader"}
    node.pair.keeper._standing = replace(node.pair.keeper.standing, **fields)


@pytest.mark.parametrize("kind", ["kill", "pause", "cut"])
def test_a_fault_that_the_other_one_could_not_take_over_from_is_refused(home: Path, kind: str) -> None:
    clock = FakeClock()
    with paired(home, clock) as node:
        with pytest.raises(Refused) as refused:
            drill_faults.must_be_able(node, kind)
        assert refused.value.code == "peer_not_seen"
        beat_of(node)
        drill_faults.must_be_able(node, "handover")
        with pytest.raises(Refused) as refused:
            drill_faults.must_be_able(node, kind)
        assert refused.value.code == "drill_needs_witness"
        beat_of(node, healthy=False)
        with pytest.raises(Refused) as refused:
            drill_faults.must_be_able(node, "handover")
        assert refused.value.code == "peer_sick"


def test_a_leader_that_nobody_would_start_again_is_not_killed(home: Path) -> None:
    clock = FakeClock()
    with paired(home, clock) as node:
        assert node.pair is not None
        beat_of(node)
        seen = replace(node.pair.keeper.standing, witness="tcp", witness_at=clock.elapsed(), asked=None, missed=0)
        node.pair.keeper._standing = seen
        with pytest.raises(Refused) as refused:
            drill_faults.must_be_able(node, "kill")
        assert refused.value.code == "not_supervised"
        node.supervised = True
        drill_faults.must_be_able(node, "kill")
