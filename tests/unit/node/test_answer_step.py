"""One step of the desk's loop, when the node stops in the middle of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node import loops
from appliance.node.node import Node
from appliance.records.case import CaseRow, CaseState
from tests.support.home import make_home, open_node, write_mail


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = open_node(make_home(tmp_path / "home"))
    node.take_files([str(write_mail(tmp_path, "When are you open?"))], "support")
    yield node
    node.close()


def step(node: Node, cut_short: bool) -> bool:
    limits = node.policy().limits
    return loops.answer_step("desk", node.store, node.desk, lambda: limits, node.standing, lambda *_: None, cut_short=lambda: cut_short)


def only(node: Node) -> CaseRow:
    (row,) = node.store.rows(limit=10)
    return row


def test_what_was_thought_without_the_engines_does_not_count_nor_does_the_try(node: Node) -> None:
    for _ in range(10):  # more often than a case may be tried
        assert not step(node, cut_short=True)
        assert only(node).state is CaseState.WAITING
    assert step(node, cut_short=False)
    assert only(node).state is CaseState.REPLYING


def test_a_desk_that_fails_because_its_engines_were_taken_away_is_no_fault_of_the_case(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(loops, "answer", lambda *_: 1 / 0)
        assert not step(node, cut_short=True)
        with pytest.raises(ZeroDivisionError):
            step(node, cut_short=False)
    assert only(node).state is CaseState.WAITING
    assert step(node, cut_short=False)
