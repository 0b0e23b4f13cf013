"""Two real nodes in the corners of becoming a pair: one that was started often before, and one that dies before it holds anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node.sandbox import OWNER, SandboxPair
from appliance.store import divergent


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[SandboxPair]:
    pair = SandboxPair(tmp_path, None, 0)
    yield pair
    pair.stop()


def silent(_: str) -> None: ...


def start_both(pair: SandboxPair) -> None:
    (pair.base / "witness").mkdir(mode=0o700, exist_ok=True)
    for process in pair.processes:
        process.start()
    for name in pair.nodes:
        pair.until(lambda name=name: pair.commands(name).answers(), f"node {name} did not start")  # type: ignore[misc]


def joined(pair: SandboxPair) -> None:
    code = pair.commands("a").pair_start(OWNER)["code"]
    pair.commands("b").pair_join(OWNER, code, "")


def test_a_node_that_was_started_more_often_than_the_other_one_joins_all_the_same(pair: SandboxPair) -> None:
    """Each start of a node alone is a term; what it wrote in those is no part of the pair's journal."""
    joiner = pair.nodes["b"]
    for _ in range(3):
        joiner.start()
        pair.until(lambda: pair.commands("b").answers(), "node b did not start")
        joiner.stop()
    joiner.stopped = False
    start_both(pair)
    assert pair.told("b")["term"] > pair.told("a")["term"] + 1
    joined(pair)
    pair.until(lambda: all(pair.told(name)["paired"] for name in pair.nodes), "the two did not become a pair")
    pair._introduce_witness()
    pair.until(lambda: pair.told("a")["role"] == "leader" and pair.told("a")["peer"]["in_sync"], "the joiner was not seeded")
    pair.until(lambda: pair.told("b")["position"] == pair.told("a")["position"], "the joiner does not follow")
    assert divergent.listed(pair.base / "b") == [], "what it wrote before was never the pair's"


def test_a_pair_that_came_to_nothing_can_be_left_by_the_node_that_has_the_data(pair: SandboxPair) -> None:
    """The other one died before it held anything. The witness knows of no leader yet, and gives the lead to nobody."""
    start_both(pair)
    joined(pair)
    pair.nodes["b"].kill()
    pair.nodes["b"].stopped = True
    pair.until(lambda: pair.told("a")["paired"], "the first node is in no pair")
    pair._introduce_witness()
    pair.until(lambda: pair.told("a")["witness"]["seen"], "the witness is not asked")
    assert pair.told("a")["role"] == "standby"
    pair.commands("a").pair_leave(OWNER)
    pair.until(lambda: pair.told("a")["role"] == "alone", "the node does not work alone")


def test_after_one_has_left_only_that_one_works(pair: SandboxPair) -> None:
    pair.start(silent)
    first = pair.leader()
    other = "b" if first == "a" else "a"
    pair.commands(first).pair_leave(OWNER)
    pair.until(lambda: pair.told(first)["role"] == "alone", "the node does not work alone")
    pair.until(lambda: pair.told(other)["reason"] == "not_in_sync", "the other one does not say that it may not lead")
    assert pair.told(other)["role"] == "standby"
