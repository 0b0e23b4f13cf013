"""What is wrong with an engine is said before anybody asked it: packages that are not there, models that are not there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.engines.child import ChildState
from appliance.engines.ear import faster_whisper
from appliance.node.engines import Lent
from appliance.node.node import Node
from tests.support.home import make_home, open_node
from tests.support.sounds import TINY_EAR


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    home = make_home(tmp_path / "home")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write('[voice]\nenabled = true\nmock = false\nmodel = "whisper-small"\n[writer]\nkind = "mlx"\nmodel = "qwen3-4b"\n')
    node = open_node(home)
    yield node
    node.close()


def unwell(node: Node) -> dict[str, str]:
    return {row["name"]: row["reason"] for row in node.commands.health()["dependencies"] if not row["connected"]}


def test_models_that_are_not_here_are_told_by_health_and_the_voice_s_status_from_the_start(node: Node) -> None:
    assert unwell(node)["ear"] == "The model whisper-small is not on this machine."
    assert unwell(node)["writer:mlx"] == "The model qwen3-4b is not on this machine."
    told = node.commands.voice()
    assert (told["state"], told["last_error"]) == ("troubled", "model_missing")
    assert "tandem models pull whisper-small" in told["last_error_words"]


def test_an_ear_without_its_packages_is_in_trouble_before_the_first_clip(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faster_whisper.importlib.util, "find_spec", lambda _: None)
    assert node.commands.voice()["last_error"] == "engine_missing"
    assert 'pip install "tandem-appliance[voice]"' in node.commands.voice()["last_error_words"]


def test_an_ear_with_a_quick_model_that_is_here_hears_by_it_and_is_well(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write(f'[voice]\nenabled = true\nmock = false\nmodel = "whisper-small"\nstreaming_model = "{TINY_EAR}"\n')
    node = open_node(home)
    try:
        assert node.commands.voice()["state"] == "ready"
    finally:
        node.close()


class Stopped:
    """A writer whose process is not there."""

    name, version, prompt = "mlx", "1", ""

    def __init__(self, state: ChildState) -> None:
        self._state = state

    def state(self) -> ChildState:
        return self._state

    def health(self) -> str:
        return ""


@pytest.mark.parametrize(
    ("code", "last_success_at", "told"),
    [
        ("engine_missing", 0.0, True),  # it never could
        ("engine_unavailable", 5.0, True),  # it once could
        ("engine_unavailable", 20.0, False),  # it worked since, and was unloaded
        ("engine_died", 0.0, False),  # it is started again by the next case
    ],
)
def test_a_model_that_could_not_be_started_stays_a_fault_until_it_works(node: Node, code: str, last_success_at: float, told: bool) -> None:
    state = ChildState(name="mlx", since=10.0, last_success_at=last_success_at, last_error="It does not run.", last_error_code=code)
    engines = replace(node.engines, lent=Lent(Stopped(state), None))  # type: ignore[arg-type]
    assert (engines.fault() is not None) is told
