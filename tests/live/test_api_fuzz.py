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


def test_every_operation_answers_as_described(panel: Served, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{panel.address}/openapi.json",
            "--header", "X-API-Key: key-of-an-admin", "--phases", "examples,coverage,fuzzing",
            "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) > 25
