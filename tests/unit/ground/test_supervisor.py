"""What the starter asks for is read once, and told in its own protocol."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from appliance.ground.supervisor import Supervisor


def test_what_is_asked_for_is_read_and_kept_from_the_children() -> None:
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "7", "HOME": "/"}
    assert Supervisor.of(environment, process=7) == Supervisor("/run/x", 2.5)
    assert environment == {"HOME": "/"}


def test_a_watchdog_for_another_process_is_not_ours() -> None:
    assert Supervisor.of({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "8"}, process=7).watchdog_seconds == 0.0


def test_nobody_asks_and_nonsense_asks_for_nothing() -> None:
    assert Supervisor.of({}) == Supervisor()
    assert Supervisor.of({"WATCHDOG_USEC": "soon"}).watchdog_seconds == 0.0


def test_a_line_arrives_at_a_socket_with_a_name_and_at_one_without(tmp_path: Path) -> None:
    for address, bound in ((str(tmp_path / "n"), str(tmp_path / "n")), (f"@tandem-test-{os.getpid()}", f"\0tandem-test-{os.getpid()}")):
        if address.startswith("@") and sys.platform != "linux":
            continue
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(bound)
            listening.settimeout(5)
            Supervisor(address).tell("READY=1", "STATUS=Ready.")
            assert listening.recv(4096) == b"READY=1\nSTATUS=Ready."


def test_a_starter_that_went_away_is_no_trouble(tmp_path: Path) -> None:
    Supervisor(str(tmp_path / "gone")).tell("WATCHDOG=1")
    Supervisor().tell("WATCHDOG=1")


def test_a_starter_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    script = (
        "import socket, sys\nfrom appliance.ground.supervisor import Supervisor\n"
        "listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\nlistening.bind(sys.argv[1])\n"
        "listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)\n"
        "import appliance.ground.supervisor as room\nroom._SEND_SECONDS = 0.02\n"
        "for _ in range(50): Supervisor(sys.argv[1]).tell('STATUS=' + 'x' * 20_000)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "deaf")], check=True, timeout=30)
