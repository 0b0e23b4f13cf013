"""The unit as systemd reads it, and the daemon as a supervisor meets it: what the unit's own line starts, pings, hangs and ends."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from appliance.care.service import systemd
from appliance.care.service.plan import Place
from appliance.evals.bench.process import free_port
from appliance.ground.assets import asset
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.node.watchdog import ENDED_ITSELF
from tests.support.home import make_home, sent, wait_for, write_mail

PROGRAM = Path(sys.executable).parent / "tandem"
PERIOD_SECONDS = 4.0  # long enough for a flush on a busy machine


# What systemd makes of ProtectSystem=strict, PrivateTmp=, CapabilityBoundingSet= and NoNewPrivileges=, by hand: nothing can be written to
# but the home and a /tmp of its own, and root has none of root's rights.
CLOSED_ROOM = """
mount --make-rprivate / && mount --bind "$TANDEM_HOME" "$TANDEM_HOME" &&
case "$1" in /tmp/*) ;; *) mount -t tmpfs tmpfs /tmp ;; esac &&  # a checkout that lies there itself keeps it
mount -o remount,ro,bind / &&
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
may_close = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0,
    reason="only root on Linux may make mount namespaces",
)


def needs(program: str, package: str) -> pytest.MarkDecorator:
    missing = sys.platform != "linux" or shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed (Debian: apt-get install {package})")


class Supervised:
    """The daemon, started by the unit's own ExecStart= and Environment=, and what it tells whoever started it."""

    def __init__(self, home: Path, *before: str, **more: str) -> None:
        keys = re.findall(r"^(ExecStart|Environment)=(.*)$", systemd.unit(Place(program=PROGRAM, home=home)), re.MULTILINE)
        said = [shlex.split(value) for key, value in keys if key == "Environment"]
        (command,) = (shlex.split(value) for key, value in keys if key == "ExecStart")
        # Short, for a socket's path holds 107 bytes; and not in /tmp, which one of the tests takes away.
        self._folder = tempfile.TemporaryDirectory(prefix="tandem-notify-", dir="/var/tmp")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"{self._folder.name}/n")
        self._socket.settimeout(60)
        asked = {"NOTIFY_SOCKET": f"{self._folder.name}/n", "WATCHDOG_USEC": str(int(PERIOD_SECONDS * 1e6))}
        environment = {**os.environ, **dict(each.split("=", 1) for words in said for each in words), **asked, **more}
        self.errors = Path(self._folder.name) / "stderr"
        self.port = free_port()
        environment["TANDEM_PANEL__PORT"] = str(self.port)
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen([*before, *command], env=environment, stdout=subprocess.DEVNULL, stderr=errors)

    def heard(self) -> str:
        """The next thing it says."""
        return self._socket.recv(4096).decode()

    def heard_until(self, line: str) -> list[str]:
        heard = [self.heard()]
        while heard[-1] != line:
            heard.append(self.heard())
        return heard

    def rest(self) -> list[str]:
        """What is still unread, once it has ended."""
        self._socket.setblocking(False)
        heard = []
        try:
            while True:
                heard.append(self.heard())
        except BlockingIOError:
            return heard

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._socket.close()
        self._folder.cleanup()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def make(*before: str, **more: str) -> Supervised:
        started.append(Supervised(home, *before, **more))
        return started[-1]

    yield make
    for each in started:
        each.close()


@needs("systemd-analyze", "systemd")
@pytest.mark.parametrize("home", [systemd.HOME, Path("/srv/the desk"), Path('/srv/a "b" $c 100% & d')])
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "tandem.service"
    file.write_text(systemd.unit(Place(program=PROGRAM, home=home)))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "tandem" in line]) == (0, [])
    # It ends with 0 for a key that it does not know, too: that it does see one is shown here.
    file.write_text(file.read_text().replace("[Service]\n", "[Service]\nRestrat=always\n"))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, timeout=60, check=False)
    assert "Restrat" in done.stderr


@needs("systemd-analyze", "systemd")
def test_the_unit_is_as_closed_as_systemd_counts_it(tmp_path: Path) -> None:
    file = tmp_path / "tandem.service"
    file.write_text(systemd.unit(Place(program=PROGRAM, home=systemd.HOME)))
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-200:]  # over 2.0 of 10


@needs("systemd-sysusers", "systemd")
def test_the_account_is_made_once_without_a_shell(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for _ in range(2):
        subprocess.run(["systemd-sysusers", f"--root={tmp_path}", asset("systemd") / "tandem.sysusers"], check=True, timeout=60)
    (account,) = [line.split(":") for line in (tmp_path / "etc" / "passwd").read_text().splitlines() if line.startswith("tandem:")]
    assert (account[5], account[6]) == ("/var/lib/tandem", "/usr/sbin/nologin")


def test_it_says_when_people_can_work_pings_and_says_when_it_stops(start: Callable[..., Supervised], home: Path) -> None:
    daemon = start()
    assert daemon.heard() == "READY=1"
    assert ControlClient(home, Commands).status()["running"]
    assert "STATUS=Ready." in daemon.heard_until("WATCHDOG=1")
    begun = time.monotonic()
    assert [daemon.heard() for _ in range(8)] == ["WATCHDOG=1"] * 8
    assert time.monotonic() - begun > PERIOD_SECONDS  # it pings by the clock, and not as fast as it can
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(30) == 0
    assert [line for line in daemon.rest() if line != "WATCHDOG=1"] == ["STOPPING=1"]


def test_a_writer_that_hangs_stops_the_pings_and_ends_the_process_which_starts_again_with_the_mail(
    start: Callable[..., Supervised], home: Path
) -> None:
    write_mail(home / "inbox", "What are your opening hours?")
    hanging = start(TANDEM_FAULT="store.before_commit:9:hang")
    heard = hanging.heard_until("STATUS=Hangs: store writer.")
    assert "READY=1" in heard
    assert hanging.process.wait(10) == ENDED_ITSELF
    assert hanging.rest() == []  # not one ping after that
    told = hanging.errors.read_text()
    assert '"event": "watchdog_hangs"' in told
    assert "in _hang" in told  # and where it stood
    again = start()
    again.heard_until("READY=1")
    wait_for(lambda: len(sent(home)) == 1)


def test_a_stop_that_something_holds_up_is_ended_too(start: Callable[..., Supervised]) -> None:
    daemon = start(TANDEM_FAULT="intake.before_receive:1:hang")
    daemon.heard_until("WATCHDOG=1")
    daemon.process.send_signal(signal.SIGTERM)
    daemon.heard_until("STOPPING=1")
    assert daemon.process.wait(30) == ENDED_ITSELF
    assert "STATUS=Hangs: stop." in daemon.rest()


def test_a_process_that_stood_still_as_a_whole_is_not_taken_for_one_that_hangs(start: Callable[..., Supervised]) -> None:
    daemon = start()
    daemon.heard_until("WATCHDOG=1")
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(2 * PERIOD_SECONDS)  # as a machine that sleeps; systemd would have noticed the silence, launchd does not
    daemon.process.send_signal(signal.SIGCONT)
    daemon.rest()
    daemon._socket.settimeout(60)
    assert [daemon.heard() for _ in range(6)] == ["WATCHDOG=1"] * 6
    assert daemon.process.poll() is None


@may_close
def test_in_the_room_that_the_unit_leaves_it_it_does_its_work() -> None:
    with tempfile.TemporaryDirectory(prefix="tandem-home-", dir="/var/tmp") as folder:
        home = make_home(Path(folder))
        add_workbook(home)
        daemon = Supervised(home, "unshare", "--mount", "sh", "-c", CLOSED_ROOM, "sh")
        try:
            daemon.heard_until("READY=1")
            inside = Path(f"/proc/{daemon.process.pid}")
            assert "CapEff:\t0000000000000000" in (inside / "status").read_text()
            with pytest.raises(OSError, match="Read-only"):
                (inside / "root" / "etc" / "tandem-was-here").touch()
            write_mail(home / "inbox", "What are your opening hours?")
            wait_for(lambda: len(sent(home)) == 1)
            sources = {source.name: source for source in ControlClient(home, Commands).sources()}
            assert sources["fi.xlsx"].passages > 0
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(30) == 0
        finally:
            daemon.close()


def add_workbook(home: Path) -> None:
    """A source that is read by a child which sets itself limits."""
    shutil.copy(asset("demo") / "knowledge" / "fi.xlsx", home)
    with (home / "tandem.toml").open("a") as file:
        file.write('[[knowledge.source]]\npath = "fi.xlsx"\nlanguage = "fi"\n')


@needs("strace", "strace")
@needs("systemd-analyze", "systemd")
def test_a_day_of_work_needs_no_call_that_the_unit_forbids(start: Callable[..., Supervised], home: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    add_workbook(home)
    daemon = start("strace", "-f", "-qq", "-o", str(calls))
    daemon.heard_until("READY=1")
    write_mail(home / "inbox", "What are your opening hours?")
    wait_for(lambda: len(sent(home)) == 1, 60)
    (traced,) = psutil.Process(daemon.process.pid).children()
    traced.terminate()
    daemon.process.wait(60)
    made = set(re.findall(r"^\d+ +(\w+)\(", calls.read_text(errors="replace"), re.MULTILINE))
    assert {"sendto", "bind", "prlimit64", "execve"} <= made
    by_root_alone = {"fchown"} if os.geteuid() == 0 else set()  # SQLite gives its files to the database's owner, when it is root
    assert made - allowed("@system-service") == set()
    assert made & allowed("@privileged") <= by_root_alone


def allowed(group: str) -> set[str]:
    """The calls of one of systemd's groups."""
    told = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    names = {line.strip() for line in told.splitlines() if line.startswith("    ") and not line.strip().startswith("#")}
    return {name for name in names if not name.startswith("@")}.union(*(allowed(name) for name in names if name.startswith("@")))
