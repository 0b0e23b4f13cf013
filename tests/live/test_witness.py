"""The witness as the process that it is: started, asked, killed, started again."""

import json
import plistlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.cli.witness import PORT
from appliance.ground.clock import SystemClock
from appliance.pair.messages import Look, Note, Take, WitnessRecord
from appliance.pair.witness.keys import line, witness_key
from appliance.pair.witness.tcp_client import TcpWitness

KEY = witness_key("p-7m9q", b"s" * 32)
SECONDS = 20.0
MEGABYTES_MOST = 32
ROUNDS = 200
ROOT = Path(__file__).resolve().parents[2]


class Running:
    """A witness process with its home. ``said`` are the lines of its log so far."""

    def __init__(self, home: Path, listen: str = "127.0.0.1:0") -> None:
        command = [sys.executable, "-m", "appliance", "witness", "--home", str(home), "--listen", listen]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.said: list[dict[str, object]] = []
        self.port = int(str(self.wait_for("witness_listens")["port"]))
        self.node = TcpWitness("127.0.0.1", self.port, KEY, SystemClock(), lease_seconds=3.0, seconds=SECONDS)

    def wait_for(self, event: str) -> dict[str, object]:
        """The next line of this event. An end of the process is an error."""
        assert self.process.stderr is not None
        for text in self.process.stderr:
            if text.startswith("{"):
                self.said.append(json.loads(text))
                if self.said[-1]["event"] == event:
                    return self.said[-1]
        raise AssertionError(f"the witness ended without {event}: {self.said}")

    def end(self, number: signal.Signals) -> int:
        self.node.close()
        self.process.send_signal(number)
        assert self.process.stderr is not None
        self.said += [json.loads(text) for text in self.process.stderr if text.startswith("{")]
        self.process.stderr.close()
        return self.process.wait(SECONDS)


def tandem(home: Path, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "appliance", "witness", "--home", str(home), *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    started: list[Running] = []

    def start() -> Running:
        started.append(Running(tmp_path))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def test_what_it_answered_outlives_a_kill(witness: Callable[[], Running], tmp_path: Path) -> None:
    first = witness()
    assert first.node.ask(Look(number=1)) is None, "nobody has added the pair"
    assert tandem(tmp_path, "add", "-", text=line(KEY)).returncode == 0
    begun = first.node.ask(Note(number=2, node="a", term=4, in_sync=True))
    assert begun is not None
    assert begun.granted
    taken = first.node.ask(Take(number=1, node="b", term=5))
    assert taken is not None
    assert taken.granted
    first.end(signal.SIGKILL)
    second = witness()
    found = second.node.ask(Look(number=2))
    assert found is not None
    assert found.record == WitnessRecord(holder="b", term=5, in_sync=False, number=1)


def test_it_ends_when_told_and_says_one_line_for_each_change_of_leader(witness: Callable[[], Running], tmp_path: Path) -> None:
    tandem(tmp_path, "add", "-", text=line(KEY))
    running = witness()
    for number in range(1, 6):
        assert running.node.ask(Note(number=number, node="a", term=4, in_sync=number == 1))
    assert running.node.ask(Take(number=9, node="a", term=5))
    assert running.end(signal.SIGTERM) == 0
    leaders = [(each["leader"], each["term"]) for each in running.said if each["event"] == "witness_leader"]
    assert leaders == [("a", 4), ("a", 5)]
    assert running.said[-1]["event"] == "witness_stopped"


def test_two_may_not_keep_one_folder(witness: Callable[[], Running], tmp_path: Path) -> None:
    witness()
    second = tandem(tmp_path, "--listen", "127.0.0.1:0")
    assert second.returncode == 1
    assert "runs already" in second.stderr


def test_a_witness_that_is_frozen_is_no_answer_and_goes_on_when_it_wakes(witness: Callable[[], Running], tmp_path: Path) -> None:
    tandem(tmp_path, "add", "-", text=line(KEY))
    running = witness()
    hurried = TcpWitness("127.0.0.1", running.port, KEY, SystemClock(), lease_seconds=3.0, seconds=0.2)
    running.process.send_signal(signal.SIGSTOP)
    try:
        assert hurried.ask(Look(number=1)) is None
    finally:
        running.process.send_signal(signal.SIGCONT)
        hurried.close()
    assert running.node.ask(Look(number=2))


@pytest.mark.skipif(sys.platform != "linux", reason="what a process takes is read from /proc here")
def test_it_is_small_enough_for_any_box(witness: Callable[[], Running], tmp_path: Path) -> None:
    tandem(tmp_path, "add", "-", text=line(KEY))
    running = witness()
    for number in range(1, ROUNDS):
        assert running.node.ask(Note(number=number, node="a", term=4, in_sync=True))
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    (kilobytes,) = [int(text.split()[1]) for text in status.splitlines() if text.startswith("VmRSS:")]
    assert kilobytes / 1024 < MEGABYTES_MOST


def test_the_files_of_the_service_name_commands_and_keys_that_exist(tmp_path: Path) -> None:
    """Both start the same process, each as its system wants it; the folder and the port stand in both."""
    told = plistlib.loads((ROOT / "launchd" / "com.tandem.witness.plist").read_bytes())
    unit = (ROOT / "systemd" / "tandem-witness.service").read_text(encoding="utf-8")
    assert told["ProgramArguments"] == ["/opt/tandem/bin/tandem", "witness", "--listen", f"0.0.0.0:{PORT}"]
    assert f"ExecStart={' '.join(told['ProgramArguments'])}\n" in unit
    assert told["EnvironmentVariables"]["TANDEM_HOME"] == told["WorkingDirectory"]
    assert (told["Label"], told["KeepAlive"], told["Umask"]) == ("com.tandem.witness", True, 0o077)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    file = tmp_path / "tandem-witness.service"
    file.write_text(unit.replace("/opt/tandem/bin/tandem", sys.executable), encoding="utf-8")
    done = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [text for text in done.stderr.splitlines() if "tandem" in text]) == (0, [])
