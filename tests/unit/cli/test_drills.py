"""``tandem pair drills`` and ``tandem switch drill``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli import pair as cli
from appliance.cli.main import tandem
from tests.support.clock import FakeClock
from tests.support.home import make_home
from tests.support.panel_twin import PanelTwin


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> PanelTwin:
    clock = FakeClock()
    twin = PanelTwin(clock=clock)

    @contextmanager
    def reach(_: click.Context) -> Iterator[PanelTwin]:
        yield twin

    monkeypatch.setattr(cli, "clock", clock)
    monkeypatch.setattr(cli, "reach", reach)
    twin.make_pair()
    return twin


def run(*words: str) -> Result:
    return CliRunner().invoke(tandem, [*words])


def changed(twin: PanelTwin, **row: Any) -> None:
    drills = twin.pair()["drills"]
    twin.stands["drills"] = {**drills, "last": [{**drills["last"][0], **row}, *drills["last"][1:]]}


def test_the_last_drills_are_shown_with_their_figures_and_signatures(twin: PanelTwin) -> None:
    changed(twin, sandbox=True)
    lines = click.unstyle(run("pair", "drills").stdout).splitlines()
    assert len(lines) == 3
    assert "kill in a sandbox" in lines[1]
    assert "passed" in lines[1]
    assert "2.4 s" in lines[1]
    assert "0/0/1" in lines[1]
    assert lines[1].rstrip().endswith("holds")
    assert json.loads(run("pair", "drills", "--json").stdout)["every_days"] == 30


def test_a_record_whose_signature_does_not_hold_ends_the_verification_with_1(twin: PanelTwin) -> None:
    assert run("pair", "drills", "--verify").exit_code == 0
    changed(twin, signature=False)
    done = run("pair", "drills", "--verify")
    assert done.exit_code == 1
    assert "does not hold" in done.stdout
    assert run("pair", "drills").exit_code == 0


def test_an_overdue_drill_stands_in_the_status(twin: PanelTwin) -> None:
    assert len(cli.lines(twin.pair())) == 2
    twin.stands["drills"] = {"last": [], "overdue": True, "every_days": 30}
    assert "No drill of the pair was passed for more than 30 days." in cli.lines(twin.pair())[2]
    assert "more than 30 days" in run("pair", "drills").stdout


def test_the_levers_are_rehearsed_from_the_command_line_and_stand_as_before(tmp_path: Path) -> None:
    home = str(make_home(tmp_path / "home"))
    done = run("--home", home, "switch", "drill", "--json")
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)
    assert (row["kind"], row["ok"], row["signature"]) == ("switch", True, True)
    states = {state["name"]: state["on"] for state in json.loads(run("--home", home, "switch", "--json").stdout)}
    assert (states["outbound_enabled"], states["automation_enabled"]) == (True, True)
    assert "Drill of the levers: passed" in run("--home", home, "switch", "drill").stdout


def test_a_drill_of_the_levers_takes_no_position(tmp_path: Path) -> None:
    assert run("--home", str(make_home(tmp_path / "home")), "switch", "drill", "on").exit_code == 2
