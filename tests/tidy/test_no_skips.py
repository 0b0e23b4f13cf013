"""Where nothing may be skipped, a skip is a failure; elsewhere it is a skip with its reason."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

SKIPS = {
    "test_itself": "import pytest\ndef test_x():\n    pytest.skip('no server one')\n",
    "test_marked": "import pytest\n@pytest.mark.skip(reason='no server two')\ndef test_x():\n    pass\n",
    "test_fixture": """import pytest
@pytest.fixture
def server():
    pytest.skip('no server three')
def test_x(server):
    pass
""",
    "test_module": "import pytest\npytest.skip('no server four', allow_module_level=True)\n",
}
REASONS = ("no server one", "no server two", "no server three", "no server four")


def run(modules: dict[str, str], folder: Path, strict: bool, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest over these modules with this project's conftest and nothing else of it."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "TANDEM_NO_SKIPS": "1" if strict else ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "--continue-on-collection-errors", *options, str(folder)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [(), ("--numprocesses", "1")], ids=["in one process", "in a worker"])
def test_a_skip_of_any_kind_is_a_failure_where_nothing_may_be_skipped(options: tuple[str, ...], tmp_path: Path) -> None:
    done = run(SKIPS, tmp_path, True, *options)
    assert done.returncode == 1
    assert "1 failed, 3 errors" in done.stdout.splitlines()[-1]
    assert " skipped" not in done.stdout.splitlines()[-1]
    for reason in REASONS:
        assert f"Nothing may be skipped here (TANDEM_NO_SKIPS=1), and this was: Skipped: {reason}" in done.stdout


def test_elsewhere_a_skip_names_its_reason(tmp_path: Path) -> None:
    done = run(SKIPS, tmp_path, False)
    assert done.returncode in (0, 5)
    assert "4 skipped" in done.stdout.splitlines()[-1]
    assert all(reason in done.stdout for reason in REASONS)


def test_a_run_without_any_test_is_a_failure(tmp_path: Path) -> None:
    assert run({}, tmp_path, True).returncode != 0
