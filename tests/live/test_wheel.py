"""The wheel alone is the whole product: installed into an empty environment, it runs the demo from any folder."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

pytestmark = pytest.mark.timeout(900)

CORE = ROOT / "requirements" / "core.txt"
NO_INDEX = (
    "No matching distribution",
    "Could not find a version",
    "Temporary failure in name resolution",
    "NewConnectionError",
    "Max retries",
)


def run(*command: str | Path, folder: Path, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a command away from the checkout, with nothing of this environment but the path and pip's own settings."""
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("PIP_")}
    environment = {**kept, "HOME": os.environ.get("HOME", str(folder)), "LANG": "C.UTF-8"}
    return subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with what is locked and without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(
        sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, folder=folder
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that had nothing in it, with the locked core and this wheel. The folder of its commands."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    done = run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", CORE, folder=folder)
    if done.returncode and any(sign in done.stderr for sign in NO_INDEX):
        pytest.skip("no package index can be reached, and pip's cache does not hold everything")
    assert done.returncode == 0, done.stderr
    done = run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_the_wheel_carries_what_the_program_reads_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder, packed in (
        ("web", "web"),
        ("models", "models"),
        ("packaging/demo", "demo"),
        ("systemd", "systemd"),
        ("launchd", "launchd"),
    ):
        carried = {
            path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"
        }
        missing = {name for name in carried if f"appliance/share/{packed}/{name}" not in names}
        assert carried
        assert not missing
    assert "appliance/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"appliance", next(top for top in tops if top.endswith(".dist-info"))}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_installed_requirements_are_what_the_wheel_asks_for(installed: Path) -> None:
    done = run(installed / "python", "-m", "pip", "check", folder=installed)
    assert done.returncode == 0, done.stdout


def test_the_demo_runs_from_an_installed_wheel_in_another_folder(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "tandem", "demo", "--exit", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["chain"] == "verified"
    assert set(summary["outcomes"]) >= {"send", "review", "route"}
    assert all(summary["outcomes"][outcome] > 0 for outcome in ("send", "review", "route"))
    assert not list(tmp_path.iterdir()), "the demo left something in the folder it was started from"
