"""What a node does when it is told something about models: who may, one thing at a time, and from the other machine first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.care.models import bring, errors
from appliance.ground.errors import Refused
from appliance.node.build import build
from appliance.node.node import Node
from appliance.records.person import Actor, Role
from appliance.settings.change import set_values
from appliance.settings.read import load
from tests.support.home import make_home, wait_for
from tests.support.model_hub import ModelHub, serving
from tests.support.models import FILES, home_with_card, lay_down, lying, wish
from tests.unit.node.pair_homes import homes

ADMIN = Actor(name="cli", role=Role.ADMIN)
AGENT = Actor(name="otso", role=Role.AGENT)


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    with serving(ModelHub(dict(FILES))) as hub:
        yield hub


@pytest.fixture
def node(tmp_path: Path, hub: ModelHub) -> Iterator[Node]:
    home = make_home(tmp_path / "home")
    set_values(home, {"models.hub": hub.url}, environment={})
    home_with_card(home)
    node = build(load(home=home, environment={}))
    yield node
    node.close()


def ended(node: Node, name: str = "small") -> str:
    wait_for(lambda: (job := node.commands.model_job(name)) is not None and job.state != "working")
    job = node.commands.model_job(name)
    assert job is not None
    return job.message or job.state


def test_only_who_may_manage_models_brings_or_removes_one(node: Node) -> None:
    commands = node.commands
    for refused in (
        lambda: commands.pull_model(AGENT, "small", True),
        lambda: commands.import_model(AGENT, "/media/stick"),
        lambda: commands.accept_licence(AGENT, "small"),
        lambda: commands.verify_model(AGENT, "small"),
        lambda: commands.remove_model(AGENT, "small"),
    ):
        with pytest.raises(Refused, match="agent may not"):
            refused()
    with pytest.raises(errors.LicenceNotAccepted):
        commands.pull_model(ADMIN, "small")


def test_a_pull_says_how_far_it_is_and_nothing_else_is_begun_meanwhile(node: Node, hub: ModelHub) -> None:
    hub.hold_after = 70_000
    commands = node.commands
    assert commands.pull_model(ADMIN, "small", accept=True).state == "working"
    assert hub.held.wait(20)
    wait_for(lambda: commands.models()["working"]["done_bytes"] > 0)
    row = next(row for row in commands.models()["models"] if row["name"] == "small")
    assert (row["state"], row["job"]["kind"], row["job"]["by"]) == ("partly", "pull", "cli")
    with pytest.raises(Refused, match="is being worked on") as told:
        commands.import_model(ADMIN, "/media/stick", "small")
    assert told.value.code == "model_busy"
    hub.hold_after = 0
    hub.released.set()
    assert ended(node) == "done"
    assert lying(node.home / "models" / "small") == FILES


def test_a_node_that_stops_ends_its_pull_and_keeps_what_has_come(node: Node, hub: ModelHub) -> None:
    hub.cut_after, hub.cuts = 1_000, 10_000
    node.commands.pull_model(ADMIN, "small", accept=True)
    wait_for(lambda: len(hub.heard) > 3)
    node.close()
    assert node.models.working() is None
    assert (node.home / "models" / ".partial" / "small" / "config.json").exists()


def test_the_nearer_machine_is_asked_first_and_the_hub_hears_nothing(tmp_path: Path, hub: ModelHub) -> None:
    with homes(tmp_path) as two:
        for name in ("a", "b"):
            set_values(tmp_path / name, {"models.hub": hub.url}, environment={})
            home_with_card(tmp_path / name)
        two.pair()
        bring.bring(wish(tmp_path / "a"), lay_down(tmp_path / "stick"))
        two.start()
        rows = {row["name"]: row for row in two.b.commands.models(ask_peer=True)["models"]}
        assert rows["small"]["at_peer"]
        two.b.commands.pull_model(ADMIN, "small", accept=True)
        assert ended(two.b) == "done"
        assert lying(tmp_path / "b" / "models" / "small") == FILES
        assert not hub.heard
        two.b.commands.remove_model(ADMIN, "small")
        two.b.commands.pull_model(ADMIN, "small", source="hub")
        assert ended(two.b) == "done"
        assert hub.heard
