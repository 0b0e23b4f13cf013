"""Drills on real nodes: two processes and a witness on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.node.drill_faults import KINDS
from appliance.node.sandbox import OWNER, SandboxPair
from tests.support.home import make_home, running_node, sent, wait_for

SECONDS = 60.0


@pytest.mark.parametrize("kind", ["handover", "kill"])
def test_a_drill_in_a_sandbox_loses_and_doubles_nothing_and_touches_nothing_real(tmp_path: Path, kind: str) -> None:
    home = make_home(tmp_path / "home")
    with running_node(home) as node:
        drill = node.commands.pair_drill(OWNER, kind, sandbox=True)["started"]
        wait_for(lambda: any(row["id"] == drill for row in node.commands.drills()["last"]), SECONDS)
        (row,) = node.commands.drills()["last"]
        assert (row["ok"], row["sandbox"], row["messages"], row["lost"], row["doubled"]) == (True, True, 12, 0, 0)
        assert row["signature"]
        assert row["seconds"] is not None
        assert (node.store.rows(), sent(home)) == ([], [])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPair]:
    pair = SandboxPair(tmp_path_factory.mktemp("pair"), None, 0)
    try:
        pair.start(lambda _: None)
        yield pair
    finally:
        pair.stop()


def stands(pair: SandboxPair) -> bool:
    """Both hold everything, the witness answers, and each process is there."""
    pair.look_after(lambda _: None)
    told = [pair.told(name) for name in pair.nodes]
    return bool(pair.leader()) and all(one["mode"] == "pair" and one["witness"]["seen"] and one["peer"]["healthy"] for one in told)


def begun(pair: SandboxPair, leader: str, kind: str) -> str:
    """The id of a drill of this pair, once it may begin: who has just handed over must not be asked at once."""
    started: list[str] = []

    def begins() -> bool:
        started.append(pair.commands(leader).pair_drill(OWNER, kind)["started"])
        return True

    pair.until(begins, "no drill could be begun", SECONDS)
    return started[-1]


def last(pair: SandboxPair, name: str, drill: str) -> dict[str, Any]:
    return next((row for row in pair.commands(name).drills()["last"] if row["id"] == drill), {})


@pytest.mark.parametrize("kind", KINDS)
def test_a_drill_of_the_pair_leaves_the_lead_with_the_other_node_and_its_signed_record_on_both(pair: SandboxPair, kind: str) -> None:
    pair.until(lambda: stands(pair), "the pair did not stand", SECONDS)
    first = pair.leader()
    other = "b" if first == "a" else "a"
    drill = begun(pair, first, kind)
    pair.until(lambda: last(pair, other, drill), "the drill did not end", SECONDS)
    row = last(pair, other, drill)
    assert (row["kind"], row["ok"], row["lost"], row["doubled"], row["reason"]) == (kind, True, 0, 0, "")
    assert row["messages"] == 12
    assert row["held"] <= 1
    assert row["term_after"] > row["term_before"]
    assert row["node_after"] != row["node_before"]
    pair.until(lambda: stands(pair), "the pair did not come back", SECONDS)
    pair.until(lambda: last(pair, first, drill), "the first node does not have the record", SECONDS)
    assert (row["signature"], last(pair, first, drill)["signature"]) == (True, True)
    pair.until(lambda: all(pair.commands(name).rows(None, 100) == [] for name in pair.nodes), "made-up cases were left", SECONDS)
    assert pair.commands(other).today()["arrived"] == 0
    assert not list(Path(pair.outbox).glob("*.eml"))


def test_both_nodes_know_of_closed_levers_within_two_seconds_and_they_are_put_back(pair: SandboxPair) -> None:
    pair.until(lambda: stands(pair), "the pair did not stand", SECONDS)
    before = {name: pair.commands(name).status()["switches"] for name in pair.nodes}
    standby = "b" if pair.leader() == "a" else "a"
    row = pair.commands(standby).switch_drill(OWNER)  # asked of the one that stands by: the leader does it
    assert row["ok"]
    assert row["seconds"] <= 2.0
    pair.until(
        lambda: all(pair.commands(name).status()["switches"] == before[name] for name in pair.nodes), "a lever stands otherwise", 5.0
    )
    assert last(pair, standby, row["id"])["signature"]


def test_a_node_that_stops_takes_the_processes_of_its_sandbox_with_it(tmp_path: Path) -> None:
    with running_node(make_home(tmp_path / "home")) as node:
        node.commands.pair_drill(OWNER, "handover", sandbox=True)
        wait_for(lambda: node.drills._sandbox is not None and node.drills._sandbox._pair is not None, SECONDS)
        sandbox = node.drills._sandbox
        assert sandbox is not None
        assert sandbox._pair is not None
        processes = sandbox._pair.processes
        wait_for(lambda: all(process.runs for process in processes), SECONDS)
    assert not any(process.runs for process in processes)
