"""A program without its extras, as the core install is: what needs none of them works, and the rest says what to install."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from tests.support.home import make_home

ROOT = Path(__file__).parents[3]
_BARE = """
import importlib.machinery as machinery, sys
missing = {"faster_whisper", "ctranslate2", "av", "onnxruntime", "mlx", "mlx_lm", "transformers", "tokenizers", "numpy"}
found = machinery.PathFinder.find_spec
machinery.PathFinder.find_spec = staticmethod(lambda name, *rest: None if name.partition(".")[0] in missing else found(name, *rest))
from appliance.cli.main import main
main()
"""


def bare(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in an interpreter that finds none of the extras' packages."""
    (home / "tandem.toml").write_text("[voice]\nenabled = true\nmock = false\n", encoding="utf-8")
    environment = {**os.environ, "TANDEM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", _BARE, *words], capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_the_benchmarks_are_listed(tmp_path: Path) -> None:
    done = bare(tmp_path, "bench")
    assert (done.returncode, done.stderr) == (0, "")
    assert "transcribe" in done.stdout


@pytest.mark.parametrize(
    "words",
    [("transcribe", str(ROOT / "tests/data/voice/fi_phone.m4a")), ("bench", "transcribe", "--rounds", "1"), ("voice", "status")],
    ids=" ".join,
)
def test_what_needs_the_ear_says_what_to_install(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = bare(tmp_path, *words)
    assert done.returncode == 1
    assert 'pip install "tandem-appliance[voice]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_asked_with_a_model_that_is_not_here_who_wrote_instead_is_told_in_a_sentence(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write('[writer]\nkind = "mlx"\nmodel = "qwen3-4b"\n')
    done = CliRunner().invoke(tandem, ["--home", str(home), "ask", "When are you open?"])
    assert "another writer stood in: grounded" in done.stdout
    assert "(model_missing; see tandem preflight)" in done.stdout
    assert done.stderr == ""
