"""The command as a whole: every name in its help leads somewhere."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appliance.cli.main import COMMANDS, tandem


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
