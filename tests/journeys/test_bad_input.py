"""What a person sees when something is wrong: the thing, the reason and the remedy, and never a traceback."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.evals.bench.process import running
from appliance.ground.clock import SystemClock
from appliance.store.store import Store
from tests.support.home import make_home


def tandem(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person types it. No traceback, whatever happens."""
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "--home", str(home), *words],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment},
    )  # fmt: skip
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[panel]\nport = "many"\n', "panel.port"),
        ("[panle]\nport = 1\n", "panel"),
        ("[panel\n", "tandem.toml"),
        ('[[mailbox]]\nid = "a"\nsender = "x@y.fi"\n[mailbox.imap]\nhost = "imap.example.com"\nsecurity = "none"\n', "security"),
        ("[panel]\nport = 99999\n", "panel.port"),
    ],
)
def test_a_broken_configuration_names_the_key_and_ends_with_2(home: Path, text: str, named: str) -> None:
    (home / "tandem.toml").write_text(text)
    done = tandem(home, "config", "check")
    assert done.returncode == 2
    assert named in done.stderr


def test_several_mistakes_are_told_at_once(home: Path) -> None:
    (home / "tandem.toml").write_text('[panel]\nport = "many"\ntime_zone = "Mars/Olympus"\n')
    done = tandem(home, "config", "check")
    assert "panel.port" in done.stderr
    assert "panel.time_zone" in done.stderr


def test_a_broken_policy_names_the_place_and_ends_with_2(home: Path) -> None:
    (home / "policy.toml").write_text('version = 1\n[[rule]]\nname = "x"\ntier = 7\n')
    done = tandem(home, "config", "check")
    assert done.returncode == 2
    assert "tier" in done.stderr


def test_without_a_configuration_the_check_passes_and_the_levers_are_careful(home: Path) -> None:
    assert tandem(home, "config", "check").returncode == 0
    levers = {lever["name"]: lever["on"] for lever in json.loads(tandem(home, "switch", "--json").stdout)}
    assert levers["safe_mode"] is True
    assert levers["automation_enabled"] is False
    assert tandem(home, "ask", "What", "are", "your", "opening", "hours?").returncode == 0


def test_a_port_that_is_taken_names_who_holds_it(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = tandem(home, "run", TANDEM_PANEL__PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is taken by" in done.stderr
    assert str(os.getpid()) in done.stderr


def test_a_locked_home_names_the_process_that_has_it(home: Path) -> None:
    with Store.open(home, SystemClock()):
        done = tandem(home, "cases", "list")
    assert done.returncode == 1
    assert str(os.getpid()) in done.stderr


def test_a_database_that_is_none_is_told_and_left_alone(home: Path) -> None:
    Store.open(home, SystemClock()).close()
    (home / "tandem.db").write_bytes(b"this is no database, " * 500)
    done = tandem(home, "status")
    assert done.returncode == 1
    assert "tandem.db" in done.stderr
    assert (home / "tandem.db").read_bytes().startswith(b"this is no database")


def test_a_missing_keyring_is_never_replaced_silently(home: Path) -> None:
    Store.open(home, SystemClock()).close()
    (home / "keyring").unlink()
    done = tandem(home, "status")
    assert done.returncode == 1
    assert "keyring" in done.stderr
    assert not (home / "keyring").exists()


def test_a_password_that_others_can_read_is_refused_with_the_command_that_mends_it(home: Path) -> None:
    (home / "secret").write_text("hunter2")
    (home / "secret").chmod(0o644)
    (home / "tandem.toml").write_text(
        '[[mailbox]]\nid = "a"\nsender = "x@y.fi"\n[mailbox.imap]\nhost = "127.0.0.1"\nuser = "x"\npassword_file = "secret"\n'
    )
    done = tandem(home, "config", "check")
    assert done.returncode == 2
    assert "chmod 600" in done.stderr
    assert "hunter2" not in done.stderr


def test_an_unknown_case_is_told_with_where_to_look(home: Path) -> None:
    done = tandem(home, "cases", "show", "c-nothing")
    assert done.returncode == 1
    assert "tandem cases list" in done.stderr


def test_an_approvals_file_with_a_strange_word_names_the_line(home: Path, tmp_path: Path) -> None:
    approvals = tmp_path / "approvals.csv"
    approvals.write_text("id,decision,comment,decided_at\nc-1,perhaps,,\n")
    done = tandem(home, "review", "import", str(approvals))
    assert done.returncode == 2
    assert "Line 2" in done.stderr


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("a full disk is made with mount, which needs root on Linux")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_what_was_there_stays_good(full_disk: Path) -> None:
    assert tandem(full_disk, "status").returncode == 0
    filler = full_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    done = tandem(full_disk, "switch", "safe-mode", "off")
    assert done.returncode == 1
    assert "full" in done.stderr.lower() or "room" in done.stderr.lower()
    filler.unlink()
    assert tandem(full_disk, "verify").returncode == 0
    assert tandem(full_disk, "switch", "safe-mode", "off").returncode == 0


def test_a_lever_can_be_pulled_while_the_configuration_is_broken(home: Path) -> None:
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        (home / "tandem.toml").write_text("[broken\n")
        assert tandem(home, "switch", "outbound", "off").returncode == 0
        assert json.loads(tandem(home, "status", "--json").stdout)["switches"]["outbound_enabled"] is False


def test_a_slip_in_the_homes_name_makes_no_new_appliance(tmp_path: Path) -> None:
    done = tandem(tmp_path / "tpyo", "status")
    assert done.returncode == 2
    assert "tandem init" in done.stderr
    assert not (tmp_path / "tpyo").exists()


def test_an_erasure_names_the_places_it_cannot_reach(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    done = tandem(home, "erase", "aino@example.fi", "--yes")
    assert done.returncode == 0
    assert str(home / "archive") in done.stdout
    assert "by hand" in done.stdout
