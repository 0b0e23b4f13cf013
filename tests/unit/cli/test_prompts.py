"""``tandem prompts``: what is in use, the gate, and back again."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli.main import tandem
from appliance.engines.prompts import PromptBook
from appliance.ground.assets import asset
from appliance.ground.errors import Refused
from appliance.node.demo import prepare

TINY = Path(__file__).parents[2] / "data" / "models" / "writer"
NAME = "quoting.en.md"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of the sample company whose writer is the quoting one with the tiny model, and with a prompt of its own."""
    home = tmp_path / "home"
    prepare(home, asset("demo"))
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    assert 'kind = "grounded"' in settings
    settings = settings.replace('kind = "grounded"', f'kind = "quoting"\nmodel = "{TINY}"')
    (home / "tandem.toml").write_text(settings, encoding="utf-8")
    (home / "prompts").mkdir()
    (home / "prompts" / NAME).write_text((asset("models") / "prompts" / NAME).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    return home


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(tandem, ["--home", str(home), "prompts", *words], catch_exceptions=False)


def in_use(home: Path) -> bool:
    return PromptBook(home / "prompts").all() != () and all(one.released for one in PromptBook(home / "prompts").all())


def test_a_changed_prompt_goes_through_the_gate_and_back(home: Path) -> None:
    listed = {one["name"]: one for one in json.loads(run(home, "list", "--json").output)}
    assert (listed[NAME]["own"], listed[NAME]["released"]) == (True, False)
    released = run(home, "release")
    assert released.exit_code == 0, released.output
    assert "174 questions" in released.output
    assert " 0 wrong" in released.output
    assert in_use(home)
    again = run(home, "release", "--back", NAME)
    assert "the program’s own prompt" in again.output
    assert not (home / "prompts" / NAME).exists()


def test_a_shut_gate_releases_nothing(home: Path, tmp_path: Path) -> None:
    done = run(home, "release", "--model", str(tmp_path / "none"))
    assert done.exit_code == 1
    assert "The gate is shut. The writer failed" in done.output
    assert not in_use(home)


def test_a_writer_that_does_not_work_from_the_prompt_cannot_judge_it(home: Path) -> None:
    done = run(home, "release", "--writer", "mlx")
    assert done.exit_code == 2
    assert NAME in done.output
    (home / "tandem.toml").write_text((asset("demo") / "tandem.toml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Refused, match="no prompt"):
        CliRunner().invoke(tandem, ["--home", str(home), "prompts", "check"], catch_exceptions=False, standalone_mode=False)


def test_what_does_not_wait_cannot_be_released(home: Path) -> None:
    for words in (("release", "write.xx.md"), ("release", "--back")):
        with pytest.raises(click.UsageError):
            CliRunner().invoke(tandem, ["--home", str(home), "prompts", *words], catch_exceptions=False, standalone_mode=False)
