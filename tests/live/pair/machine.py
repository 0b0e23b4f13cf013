"""One machine of the pair: a home, the daemon as its supervisor starts it, and everything that can be done to it.

machine = Machine(place, network, post, folder, settings)
machine.start()
machine.wait_until(lambda told: told["ready"], 20)       its status; {} while it says nothing
machine.kill() | pause() | resume() | stop()             SIGKILL, SIGSTOP, SIGCONT, SIGTERM
machine.tandem("pair", "handover")                       a command typed on that machine
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.node.control import socket_path
from appliance.records.person import Role
from tests.live.pair.mail import USER, Post
from tests.live.pair.net import Network
from tests.live.pair.trouble import Trouble
from tests.live.servers import child
from tests.support.home import KNOWLEDGE, POLICY

LINE_PORT = 8485
PANEL_PORT = 8484
ANSWER_SECONDS = 1.0
OWNER = {"name": "owner", "role": int(Role.ADMIN)}
LOOK_SECONDS = 0.02
RESTART_SECONDS = 1.0

_SETTINGS = """
[company]
name = "Test Pumps"
signature = "Test Pumps, customer service"
[panel]
port = {panel_port}
[[mailbox]]
id = "support"
sender = "support@pumps.example"
[mailbox.imap]
host = "{mail}"
port = {imap_port}
security = "tls"
authorities = "authorities.pem"
user = "{user}"
password_file = "secret"
start = "now"
poll_seconds = 1
[mailbox.smtp]
host = "{mail}"
port = {smtp_port}
security = "starttls"
authorities = "authorities.pem"
copy_to_self = true
[[knowledge.source]]
path = "en.md"
language = "en"
[policy]
safe_mode = false
automation_enabled = true
[review]
undo_seconds = 0
[pair]
listen = "{listen}"
port = {line_port}
static_peer = "{static_peer}"
witness = "{witness}"
lease_seconds = {lease_seconds}
"""


@dataclass(frozen=True)
class PairWish:
    """What the settings say about the pair."""

    witness: str = "none"
    static_peer: bool = True
    lease_seconds: float = 3.0
    listen: str = "0.0.0.0"


class Machine:
    """A node in the namespace ``place``. Its home is ``folder/place``, so that a copied folder is a copied machine."""

    def __init__(self, place: str, network: Network, post: Post, folder: Path, wish: PairWish | None = None) -> None:
        self.place, self.network, self.post = place, network, post
        self.wish = wish or PairWish()
        self.folder = folder / f"machine-{place}"
        self.home = self.folder / "home"
        self.trouble: Trouble | None = None
        self.fault = ""  # the point at which its next process dies: POINT:TIMES, see appliance.ground.faults
        self.program: tuple[str, ...] = ("-m", "appliance")
        self.hostname = ""
        self.supervised = False
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._wanted: subprocess.Popen[bytes] | None = None  # the process that is not meant to end
        self._lock = threading.RLock()
        self._pause = threading.Event()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.settle()

    @property
    def address(self) -> str:
        return self.network.address(self.place)

    def settle(self) -> None:
        """Write the settings and what the company knows into the home."""
        other = {"a": "b", "b": "a"}[self.place]
        words = {
            "mail": self.network.address("mail"), "imap_port": self.post.dovecot.imaps_port, "smtp_port": self.post.exim.port,
            "user": USER, "panel_port": PANEL_PORT, "line_port": LINE_PORT, "listen": self.wish.listen,
            "static_peer": f"{self.network.address(other)}:{LINE_PORT}" if self.wish.static_peer else "",
            "witness": self.wish.witness, "lease_seconds": self.wish.lease_seconds,
        }  # fmt: skip
        files = {
            "tandem.toml": _SETTINGS.format(**words), "secret": "secret", "en.md": KNOWLEDGE,
            "policy.toml": POLICY + "[limits]\nreplies_per_hour = 100000\n",
        }  # fmt: skip
        for name, text in files.items():
            (self.home / name).write_text(text, encoding="utf-8")
        (self.home / "secret").chmod(0o600)
        (self.home / "authorities.pem").write_bytes(self.post.authorities.read_bytes())

    def start(self) -> None:
        """Start the daemon; returns at once. When it is ``supervised`` and ends by itself, it is started again, as a service is."""
        with self._lock:
            assert not self.runs, f"{self.place} runs already"
            self._launch()

    def _launch(self) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TANDEM_FAULT": self.fault}
        environment |= self.trouble.environment() if self.trouble else {}
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.hostname] if self.hostname else []
        with self.network.inside(self.place), (self.folder / "stderr").open("ab") as errors:
            process = self.process = subprocess.Popen(
                [*named, sys.executable, *self.program, "--home", str(self.home), "run"],
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip
        self._wanted = process
        threading.Thread(target=self._supervise, args=(process,), name=f"supervisor-{self.place}", daemon=True).start()

    def _supervise(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        if self._wanted is process:
            self._pause.wait(RESTART_SECONDS)
        with self._lock:
            if self.supervised and self._wanted is process:
                self.restarts += 1
                self._launch()

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def _comes_back(self) -> bool:
        return self.supervised and self._wanted is not None

    def kill(self) -> float:
        """As a loss of power looks to the process, and nobody starts it again; the moment, in Unix seconds."""
        with self._lock:
            self._wanted = None
            self._signal(signal.SIGKILL)
        at = time.time()
        assert self.process is not None
        self.process.wait(10)
        return at

    def pause(self) -> float:
        """It stands still and does not know it; the moment, in Unix seconds."""
        self._signal(signal.SIGSTOP)
        return time.time()

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it as a supervisor does; its exit code."""
        with self._lock:
            self._wanted = None
            process = self.process
        assert process is not None
        child.end(process)
        return int(process.returncode)

    def end(self) -> None:
        """Whatever it is doing, it does not do it any more."""
        with self._lock:
            self._wanted = None
        if self.runs:
            self.kill()
        socket_path(self.home).unlink(missing_ok=True)  # of a home with a long path it lies outside

    def wait_for_end(self, seconds: float) -> int:
        """Wait until it ends by itself; its exit code. Only of a machine that nobody supervises."""
        assert self.process is not None
        return self.process.wait(seconds)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    # What it says

    def ask(self, command: str, seconds: float = ANSWER_SECONDS, **arguments: Any) -> Any:
        """Call a command over the control socket. Raises ``OSError`` when no whole answer comes in time, ``ValueError`` when it refuses."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(seconds)
            line.connect(str(socket_path(self.home)))
            line.sendall(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
            answer = line.makefile("rb").readline()
        if not answer.endswith(b"\n"):
            raise OSError(f"{self.place} went away while it answered")
        told = json.loads(answer)
        if "error" in told:
            raise ValueError(told["error"]["message"])
        return told.get("result")

    def status(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """The node at a glance; {} when it does not answer."""
        try:
            return dict(self.ask("status", seconds))
        except (OSError, ValueError):
            return {}

    def counts(self) -> dict[str, int]:
        """Cases by state; {} when it does not answer."""
        try:
            return dict(self.ask("counts"))
        except (OSError, ValueError):
            return {}

    def wait_until(self, true: Callable[[dict[str, Any]], Any], seconds: float, what: str = "it") -> dict[str, Any]:
        """Wait for a status of which this is true; that status. Fails with the last one and the end of the log."""
        end, status, pause = time.monotonic() + seconds, {}, threading.Event()
        while time.monotonic() < end:
            status = self.status()
            if status and true(status):
                return status
            assert self.runs or self._comes_back, f"{self.place} ended with {self.process and self.process.returncode}:\n{self.log()}"
            pause.wait(LOOK_SECONDS)
        raise AssertionError(f"{self.place}: {what} was not so within {seconds} s; status {status}\n{self.log()}")

    def wait_until_it_reads_mail(self, seconds: float = 20.0) -> None:
        """Wait for its first look into the mailbox: what lies there before that is older than the appliance, and not answered."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with (
                contextlib.suppress(sqlite3.Error),
                contextlib.closing(sqlite3.connect(f"file:{self.home}/tandem.db?mode=ro", uri=True)) as database,
            ):
                if database.execute("SELECT count(*) FROM cursors").fetchone()[0]:
                    return
            self._pause.wait(LOOK_SECONDS)
        raise AssertionError(f"{self.place} has not looked into its mailbox within {seconds} s\n{self.log()}")

    def probe(self, path: str) -> int:
        """The panel's answer to this path, asked on that machine; 0 when nobody answers."""
        with self.network.inside(self.place):
            connection = http.client.HTTPConnection("127.0.0.1", PANEL_PORT, timeout=2)
            try:
                connection.request("GET", path)
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0
            finally:
                connection.close()

    def command(self, *words: str) -> "subprocess.Popen[str]":
        """A command typed on that machine, which goes on by itself."""
        with self.network.inside(self.place):
            return subprocess.Popen(
                [sys.executable, "-m", "appliance", "--home", str(self.home), *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip

    def tandem(self, *words: str, seconds: float = 30.0) -> str:
        """A command typed on that machine; what it printed. Fails when the command does."""
        process = self.command(*words)
        try:
            printed, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, errors = process.communicate()
            raise AssertionError(f"tandem {' '.join(words)} on {self.place} took over {seconds} s: {printed}{errors}") from None
        assert process.returncode == 0, f"tandem {' '.join(words)} on {self.place} ended with {process.returncode}: {printed}{errors}"
        return printed

    def log(self, characters: int = 3000) -> str:
        """The end of what it wrote to its standard error."""
        file = self.folder / "stderr"
        return file.read_text(errors="replace")[-characters:] if file.exists() else ""
