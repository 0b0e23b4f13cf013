"""``tandem models`` as a person reads it, on a real home and a hub on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.care.models import hub as care_hub
from appliance.cli.main import tandem
from appliance.ground.errors import TandemError
from tests.support.home import make_home
from tests.support.model_hub import ModelHub, serving
from tests.support.models import CARD, FILES, files_with_digests, home_with_card, lay_down, lying


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    with serving(ModelHub(dict(FILES))) as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path, hub: ModelHub) -> Path:
    home = make_home(tmp_path / "home")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[models]\nhub = "{hub.url}"\n')
    home_with_card(home)
    return home


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(tandem, ["--home", str(home), "models", *words], catch_exceptions=True)


def said(home: Path, *words: str) -> str:
    done = run(home, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout if "--json" in words else done.output


def refused(home: Path, *words: str) -> TandemError:
    done = run(home, *words)
    assert isinstance(done.exception, TandemError), (done.output, done.exception)
    return done.exception


def test_a_person_reads_what_a_model_takes_accepts_its_licence_and_has_it(home: Path) -> None:
    text = said(home, "list")
    row = next(line for line in text.splitlines() if line.startswith("small"))
    assert [word.strip() for word in row.split("  ") if word.strip()] == ["small", "writer", "MIT", "1 MB", "~40 MB", "not here"]
    assert "of disk and" in text
    wrong = refused(home, "pull", "small")
    assert wrong.message == "The licence of small was not accepted; nothing was brought."
    text = said(home, "pull", "small", "--yes")
    assert "pull small: about 1 MB of disk, ~40 MB of memory while it runs." in text
    assert "A small one is under the licence MIT. https://hub.example/licence" in text
    assert "100 %" in text
    assert "small is here, 0 MB: each file is what the hub says." in text
    assert "here" in next(line for line in said(home, "list").splitlines() if line.startswith("small"))
    assert lying(home / "models" / "small") == FILES
    assert 'by = "cli"' in (home / "models" / "accepted.toml").read_text()


def test_a_program_reads_json_and_progress_beside_it(home: Path) -> None:
    done = CliRunner().invoke(tandem, ["--home", str(home), "models", "pull", "maker/model", "--yes", "--json"])
    assert done.exit_code == 0
    job = json.loads(done.stdout)
    assert (job["model"], job["state"], job["kind"], job["source"]) == ("small", "done", "pull", "hub")
    steps = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert steps[-1]["done_bytes"] == steps[-1]["total_bytes"] == sum(map(len, FILES.values()))
    rows = {row["name"]: row for row in json.loads(said(home, "list", "--json"))["models"]}
    assert rows["small"]["state"] == "here"
    assert rows["small"]["accepted"]["by"] == "cli"
    assert rows["grounded"]["state"] == "built_in"
    verified = json.loads(said(home, "verify", "--json"))
    assert [(one["model"], one["damaged"]) for one in verified] == [("small", [])]
    assert json.loads(said(home, "remove", "small", "--json"))["freed_bytes"] > 200_000


def test_a_model_that_is_here_is_not_brought_again_by_chance(home: Path, hub: ModelHub) -> None:
    said(home, "pull", "small", "--yes")
    hub.heard.clear()
    assert "is here already" in refused(home, "pull", "small").message
    assert not hub.heard
    said(home, "pull", "small", "--from-hub")
    assert hub.heard


def test_without_a_network_the_reason_and_the_other_ways_are_told(home: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care_hub, "PAUSE_SECONDS", 0.01)
    hub.status = 503
    wrong = refused(home, "pull", "small", "--yes")
    assert "cannot be reached (it answers 503)" in wrong.message
    assert "tandem models import" in wrong.remedy
    assert "in no pair" in refused(home, "pull", "small", "--from-peer").message


def test_a_model_is_imported_from_a_stick_and_it_is_said_that_nobody_vouches_for_it(home: Path, tmp_path: Path) -> None:
    stick = lay_down(tmp_path / "stick")
    assert "cannot be told which model stick is" in refused(home, "import", str(stick)).message
    text = said(home, "import", str(stick), "--as", "small", "--yes")
    assert "nobody vouches for the files: they were taken as they are" in text
    home_with_card(home, f"{CARD}{files_with_digests()}")
    assert "each file is what its card says" in said(home, "import", str(stick), "--as", "small")


def test_changed_files_are_found_and_brought_anew(home: Path) -> None:
    assert "There is no model here to look at." in said(home, "verify")
    said(home, "pull", "small", "--yes")
    assert "small: every file is as it came." in said(home, "verify", "small")
    (home / "models" / "small" / "config.json").write_bytes(b"{}")
    done = run(home, "verify")
    assert done.exit_code == 1
    assert "small is not what it was: config.json (changed). Bring it anew: tandem models pull small" in done.output
    assert "damaged" in said(home, "list")
    said(home, "pull", "small")
    assert lying(home / "models" / "small") == FILES


def test_a_model_that_a_setting_names_is_asked_for_and_not_removed(home: Path) -> None:
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write('\n[embedder]\nkind = "small"\n')
    home_with_card(home, CARD.replace('"writer"', '"embedder"').replace('"mlx"', '"ctranslate2"') + "dimensions = 4\n")
    assert "embedder.kind names small, which is not here. tandem models pull small" in said(home, "list")
    found = CliRunner().invoke(tandem, ["--home", str(home), "preflight", "--json"])
    rows = {row["name"]: row for row in json.loads(found.stdout)}
    assert rows["models"]["state"] == "failed"
    assert rows["models"]["detail"] == "The model small is not on this machine."
    assert "tandem models pull small" in rows["models"]["remedy"]
    (home / "models" / "cards" / "small.toml").write_text(CARD.replace('"writer"', '"embedder"'), encoding="utf-8")
    said(home, "pull", "small", "--yes")
    wrong = refused(home, "remove", "small")
    assert wrong.message == "small is in use by embedder.kind."
    assert "Removed small: 0 MB are free again." in said(home, "remove", "small", "--force")


def test_a_card_that_cannot_be_used_is_told_with_its_key(home: Path) -> None:
    home_with_card(home, f"{CARD}\nmemory_megabyte = 4\n")
    assert "small.toml, key memory_megabyte cannot be used" in refused(home, "list").message


@pytest.mark.parametrize("words", [("pull", "nobody"), ("verify", "nobody"), ("remove", "nobody"), ("pull", "")])
def test_a_model_that_nobody_knows_is_told(home: Path, words: tuple[str, ...]) -> None:
    assert "no card of a model" in refused(home, *words).message


def test_what_is_built_in_can_be_neither_brought_nor_removed(home: Path) -> None:
    assert "part of this program" in refused(home, "pull", "grounded").message
    assert "part of this program" in refused(home, "remove", "grounded").message
