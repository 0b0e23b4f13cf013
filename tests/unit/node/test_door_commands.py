"""What the door for existing clients asks of a whole node."""

from collections.abc import Iterator

import pytest

from appliance.engines.errors import EngineMissing
from appliance.ground.errors import Refused
from appliance.node.node import Node
from appliance.records.answer import Decision
from appliance.records.asking import Turn
from appliance.records.person import Actor, Role
from tests.support.home import make_home, open_node

OWNER = Actor(name="owner", role=Role.ADMIN)
ASKED = Turn(who="customer", text="What are your opening hours?")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = open_node(make_home(tmp_path_factory.mktemp("door") / "home"))
    yield node
    node.close()


def test_the_last_turn_is_answered_from_the_knowledge_and_nothing_is_kept(node: Node) -> None:
    position, states = node.store.position, list[str]()
    outcome = node.commands.ask_conversation([ASKED], on_state=states.append)
    assert outcome.decision is Decision.SEND
    assert outcome.draft is not None
    assert "Monday to Friday 9-17" in outcome.draft.text
    assert states == ["reading", "searching", "writing", "checking"]
    assert node.store.position == position


def test_what_a_customer_said_before_counts_and_what_we_are_said_to_have_said_does_not(node: Node) -> None:
    threat = "My lawyer will sue you in court for compensation."
    held = node.commands.ask_conversation([Turn(who="customer", text=threat), ASKED])
    ours = node.commands.ask_conversation([Turn(who="desk", text=threat), ASKED])
    assert held.reason.code == "earlier_tier0"
    assert ours.decision is Decision.SEND


def test_a_closed_lever_holds_for_the_door_as_for_every_other_channel(node: Node) -> None:
    node.commands.set_switch(OWNER, "automation_enabled", False)
    try:
        outcome = node.commands.ask_conversation([ASKED])
    finally:
        node.commands.set_switch(OWNER, "automation_enabled", True)
    assert outcome.decision is Decision.REVIEW
    assert outcome.reason.code == "automation_off"


def test_who_gives_up_ends_the_desk_s_work(node: Node) -> None:
    def give_up(state: str) -> None:
        raise InterruptedError(state)

    with pytest.raises(InterruptedError, match="reading"):
        node.commands.ask_conversation([ASKED], on_state=give_up)


def test_a_node_without_engines_says_so(node: Node) -> None:
    names = node.commands.engine_names()
    assert (names.raw, names.embedder) == ("", "")
    with pytest.raises(EngineMissing):
        node.commands.embed(["a pump"])
    assert node.commands.raw_model(OWNER) is None
    with pytest.raises(Refused):
        node.commands.raw_model(Actor(name="agent", role=Role.AGENT))
