"""The command as a whole: every name in its help leads somewhere."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appliance.cli.main import COMMANDS, tandem
from appliance.ground.errors import SettingsError
from tests.support.home import make_home


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_of_the_help_loads_and_has_help_of_its_own(name: str) -> None:
    done = CliRunner().invoke(tandem, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Usage: ")


def test_init_writes_a_file_that_the_check_accepts_and_never_overwrites_one(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(tandem, ["--home", str(tmp_path), "init"]).exit_code == 0
    written = (tmp_path / "tandem.toml").read_text()
    assert runner.invoke(tandem, ["--home", str(tmp_path), "config", "check"]).exit_code == 0
    again = runner.invoke(tandem, ["--home", str(tmp_path), "init"])
    assert again.exception is not None
    assert (tmp_path / "tandem.toml").read_text() == written


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(tandem, ["no-such-thing"]).exit_code == click.UsageError.exit_code


@pytest.mark.parametrize("command", ["status", "people list", "mailbox list", "setup status", "accounts check", "cases expire"])
def test_a_slip_in_the_name_of_the_home_is_told_and_makes_nothing(command: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(tandem, ["--home", str(tmp_path / "hoem"), *command.split()])
    assert isinstance(done.exception, SettingsError)
    assert "There is no appliance in" in done.exception.message
    assert list(tmp_path.iterdir()) == []


def test_programs_may_ask_which_benchmarks_there_are() -> None:
    listed = json.loads(CliRunner().invoke(tandem, ["bench", "--json"]).stdout)
    assert "accept" in listed
    assert all(listed.values())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("mailbox list", "none  not n"),
        ("mailbox test support", "there is no server to sign in to"),
        ("cases corrections", "Nobody has changed a draft yet."),
        ("people sessions owner", "owner is not signed in."),
        ("setup dry-day", "Automation is on."),
    ],
)
def test_what_has_nothing_to_show_says_so(command: str, said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(tandem, ["--home", str(make_home(tmp_path / "home")), *command.split()])
    assert done.exit_code == 0, done.output
    assert said in done.output
