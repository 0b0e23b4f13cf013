"""The API as it describes itself, asked by a machine that tries everything: no fault of ours, no answer that is not described."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.panel import guard
from tests.live.panel import Served, served

EXAMPLES = 60  # for each operation; about twenty seconds in all


@pytest.fixture
def panel() -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "WRONG_MOST", 10**9)  # the machine guesses keys on purpose, and would be locked out
        with served() as running:
            yield running


#: A form carries text alone: what a machine calls a wrong type in it arrives as a good one. These are asked with good values only.
FORMS = "/api/v1/voice/clips"


def fuzz(panel: Served, folder: Path, *more: str) -> str:
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{panel.address}/openapi.json",
            "--header", "X-API-Key: key-of-an-admin", "--phases", "examples,coverage,fuzzing",
            "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color", *more,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_every_operation_answers_as_described(panel: Served, tmp_path: Path) -> None:
    told = fuzz(panel, tmp_path, "--exclude-path", FORMS)
    tested = re.search(r"Tested: (\d+)", told)
    assert tested is not None
    assert int(tested[1]) > 25


def test_every_form_with_a_file_answers_as_described(panel: Served, tmp_path: Path) -> None:
    told = fuzz(panel, tmp_path, "--include-path", FORMS, "--mode", "positive")
    assert "Tested: 1" in told
