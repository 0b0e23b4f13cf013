"""``tandem update`` before two machines that live in memory."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from appliance.care.update.layout import CURRENT
from appliance.cli import update as cli
from appliance.cli.main import tandem
from appliance.cli.update import FOLDER
from appliance.ground.errors import TandemError
from appliance.ground.files import exclusive_lock
from appliance.node import update_steps
from tests.unit.care.test_update_rolling import NEW, OLD, World, facts
from tests.unit.care.test_update_wheel import make


class Client:
    """The daemon of this machine, as the socket shows it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.brought = 0

    def pair(self) -> dict[str, Any]:
        return {"paired": not self.world.alone}

    def update_bring(self, _actor: Any) -> int:
        self.brought += 1
        return 1

    def pair_handover(self, _actor: Any) -> None:
        self.world.machines[0].hand_over()

    def update_step(self, _actor: Any, step: str, words: dict[str, Any], there: bool = False) -> Any:
        machine: Any = self.world.machines[1 if there else 0]
        if step == "history":
            return {
                "node": machine.name, "version": machine.runs, "installed": [], "previous": "", "trial": machine.trial,
                "updates": [{"at": 1.0, "event": "rolled_back", "version": OLD, "reason": "does_not_start"}] if there else [],
            }  # fmt: skip
        name = {"start": "start_on_trial", "back": "go_back"}.get(step, step)
        if step == "install":
            assert (self.brought > 0) == there, "the files go to the other machine, and only there, before it installs"
            assert words == {"wheel": f"tandem_appliance-{NEW}-py3-none-any.whl", "wheels": False}
            words = {}
        return msgspec.to_builtins(getattr(machine, name)(**words))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(cli, "clock", world.clock)
    client = Client(world)
    monkeypatch.setattr(cli, "client_of", lambda _: client)
    return world


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(tandem, ["--home", str(home), "update", *words])


def test_a_wheel_goes_to_both_machines_and_the_outcome_is_told(world: World, tmp_path: Path) -> None:
    done = run(tmp_path, str(make(tmp_path, version=NEW)), "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["ok"]
    assert said["updated"] == ["there", "here"]
    assert world.versions() == [NEW, NEW]
    assert (tmp_path / FOLDER / f"tandem_appliance-{NEW}-py3-none-any.whl").exists()


def test_a_version_that_is_taken_back_ends_with_one_and_says_what_runs_where(world: World, tmp_path: Path) -> None:
    world.machines[0].wrong = "smoke"
    done = run(tmp_path, str(make(tmp_path, version=NEW)))
    assert done.exit_code == 1
    assert "2.0 was not kept. here: the smoke test failed (loops: deliver)." in done.output
    assert "here runs what it ran before." in done.output
    assert "there runs 2.0. The two understand each other, and mail goes on." in done.output


def test_going_back_needs_no_wheel(world: World, tmp_path: Path) -> None:
    assert run(tmp_path, str(make(tmp_path, version=NEW))).exit_code == 0
    done = run(tmp_path, "--rollback")
    assert done.exit_code == 0, done.output
    assert world.versions() == [OLD, OLD]


def test_the_status_tells_both_machines_and_what_was_done(world: World, tmp_path: Path) -> None:
    world.machines[1].trial = NEW
    done = run(tmp_path, "--status")
    assert "here runs 1.0." in done.output
    assert "there runs 1.0, 2.0 on trial." in done.output
    assert "rolled back" in done.output
    assert json.loads(run(tmp_path, "--status", "--json").stdout)["there"]["trial"] == NEW


def test_only_one_conducts_at_a_time(world: World, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    with exclusive_lock(tmp_path / FOLDER / "lock"):
        done = run(tmp_path, str(make(tmp_path, version=NEW)))
    assert isinstance(done.exception, TandemError)
    assert "already" in done.exception.message
    assert not world.done


@pytest.mark.parametrize("words", [[], ["--rollback", "--status"], ["--prepare", "--rollback"]])
def test_what_is_wanted_must_be_said_once(tmp_path: Path, words: list[str]) -> None:
    assert run(tmp_path, *words).exit_code == 2


def test_a_wheel_that_is_none_begins_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"no wheel")
    done = run(tmp_path, str(tmp_path / "a.whl"))
    assert isinstance(done.exception, TandemError)
    assert not world.done


def test_without_a_daemon_nothing_can_be_updated(tmp_path: Path) -> None:
    done = run(tmp_path, "--rollback")
    assert isinstance(done.exception, TandemError)
    assert "does not run" in done.exception.message


def test_an_installation_is_prepared_once_for_all_updates(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f"#!/bin/sh\necho '{msgspec.json.encode(facts('3.1')).decode()}'\n")
    python.chmod(0o755)
    for _ in range(2):
        done = run(tmp_path, "--prepare", "--prefix", str(tmp_path), "--json")
        assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (Path(said["folder"]) / CURRENT).readlink() == Path("3.1")
    assert "trial" in Path(said["launcher"]).read_text()


def test_the_daemon_looks_for_the_files_where_the_command_lays_them() -> None:
    assert FOLDER == update_steps.FOLDER
