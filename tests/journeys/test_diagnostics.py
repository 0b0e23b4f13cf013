"""The diagnostics file as a person makes it: by command, by the API, and of an appliance that cannot be opened."""

import json
import subprocess
import sys
from pathlib import Path

from appliance.node.diagnostics import disk_state
from appliance.records.person import Actor, Role
from tests.support.canaries import unpacked
from tests.support.home import make_home, open_node

OWNER = Actor(name="owner", role=Role.ADMIN)


def tandem(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=home.parent)


def test_the_command_writes_one_zip_and_lists_what_is_in_it(tmp_path: Path) -> None:
    home, target = make_home(tmp_path / "home"), tmp_path / "help.zip"
    ran = tandem(home, "diagnostics", "--to", str(target), "--json")
    assert ran.returncode == 0, ran.stderr
    told, files = json.loads(ran.stdout), unpacked(target.read_bytes())
    assert {one["name"]: one["size_bytes"] for one in told["files"]} == {name: len(data) for name, data in files.items()}
    assert [one["trouble"] for one in told["files"] if one["trouble"]] == []
    assert {f"{name}" for name in files if name != "README.txt"} <= set(files["README.txt"].decode().split())
    assert target.stat().st_mode & 0o077 == 0
    again = tandem(home, "diagnostics", "--to", str(target))
    assert again.returncode == 2
    assert "is not replaced" in again.stderr


def test_a_home_that_cannot_be_opened_still_gives_a_zip_that_says_why(tmp_path: Path) -> None:
    home, target = make_home(tmp_path / "home"), tmp_path / "help.zip"
    (home / "tandem.toml").write_text("[company]\nnmae = 'Aino Virta'\n", encoding="utf-8")
    ran = tandem(home, "diagnostics", "--to", str(target))
    assert ran.returncode == 0, ran.stderr
    assert "could not be opened" in ran.stderr
    files = unpacked(target.read_bytes())
    assert json.loads(files["trouble.json"])["kind"] == "SettingsInvalid"
    assert {"versions.json", "log.jsonl", "files.json"} <= set(files)
    assert not any(b"Aino" in data for data in files.values())


def test_a_home_that_is_not_there_gives_none(tmp_path: Path) -> None:
    ran = tandem(tmp_path / "nowhere", "diagnostics", "--to", str(tmp_path / "help.zip"))
    assert ran.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_walk_through_the_journal_is_remembered_with_its_time(tmp_path: Path) -> None:
    node = open_node(make_home(tmp_path / "home"))
    try:
        assert node.commands.machine()["verified"] is None
        found = node.commands.check_journal(OWNER)
        assert found["ok"]
        assert node.commands.machine()["verified"] == found
    finally:
        node.close()


def test_the_disk_is_amber_before_preflight_refuses_it() -> None:
    assert [disk_state(size) for size in (999_999_999, 1_000_000_000, 4_999_999_999, 5_000_000_000)] == ["act", "look", "look", "good"]
