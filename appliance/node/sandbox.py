"""A pair on one machine: two nodes and a witness as processes of their own, joined over loopback, with folders of mail that both see.

For the demonstration, for drills that may break things, and for soaks. Nothing in it is a short cut: the nodes are started, paired
and killed as on two real machines; only the wire between them is loopback.
"""

import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from appliance.ground.clock import SystemClock
from appliance.ground.errors import TandemError
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.node.demo import prepare
from appliance.pair.witness.keys import read_line
from appliance.pair.witness.shelf import Shelf
from appliance.records.person import Actor, Role
from appliance.settings.change import set_values

READY_SECONDS = 60.0
RESTART_SECONDS = 3.0
WATCHDOG_SECONDS = 60
HOST = "127.0.0.1"
OWNER = Actor(name="cli", role=Role.ADMIN)
Say = Callable[[str], None]
Way = Callable[[str, int], int]
"""Given a node and the port that it listens on: the port at which the other one finds it."""


class Process:
    """One of the three. ``stopped`` ones are not started again."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self.stopped = False
        self.died_at: float | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "appliance", *self._arguments]
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=_environment(), start_new_session=True
            )

    @property
    def runs(self) -> bool:
        """Whether it is there; one that stands still is."""
        return self._child is not None and self._child.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended; below 0 by that signal. None while it runs, and before it was started."""
        return self._child.poll() if self._child is not None else None

    def signal(self, number: int) -> None:
        """Nothing happens where it has ended."""
        if self._child is not None:
            self._child.send_signal(number)

    def has_died(self) -> bool:
        return self._child is not None and self._child.poll() is not None and not self.stopped

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> None:
        self.stopped = True
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(15)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()


class SandboxPair:
    """Homes ``a`` and ``b`` below ``base``, the witness, and the folders of mail that both nodes see.

    ``port`` is of the panel of ``a``, 0 for any that is free. ``mails`` are the company's sample mails; they are let in by the caller.
    ``way`` puts something into the wire between the two.
    """

    def __init__(self, base: Path, company: Path | None, port: int, way: Way = lambda _, port: port) -> None:
        self.base = base
        self.clock = SystemClock()
        self.mails = prepare(base / "a", company)
        self.inbox, self.outbox = base / "mail" / "inbox", base / "mail" / "outbox"
        self.panel_ports = (port, port + 10) if port else (free_port(), free_port())
        self._write_settings(way)
        witness = ["witness", "--home", str(base / "witness"), "--listen", f"{HOST}:{self._witness_port}", "--leash"]
        self.nodes = {name: Process(name, ["--home", str(base / name), "run", "--leash"], base / f"{name}.log") for name in ("a", "b")}
        self.processes = [*self.nodes.values(), Process("witness", witness, base / "witness.log")]
        self._stop = threading.Event()

    def _write_settings(self, way: Way) -> None:
        ports = {"a": free_port(), "b": free_port()}
        self._witness_port = free_port()
        folders = {f"mailbox.0.folder.{name}": str(self.base / "mail" / name) for name in ("inbox", "outbox", "archive")}
        for place, (name, other) in enumerate((("a", "b"), ("b", "a"))):
            panel = {"panel.host": HOST, "panel.port": self.panel_ports[place], "panel.chat_port": free_port()}
            pair = {"pair.listen": HOST, "pair.port": ports[name], "pair.static_peer": f"{HOST}:{way(other, ports[other])}"}
            shared = {"pair.witness": f"tcp://{HOST}:{self._witness_port}"}
            set_values(self.base / name, {**panel, **pair, **shared, **(folders if name == "a" else {})}, environment={})

    # From nothing to a pair

    def start(self, say: Say) -> None:
        """Start all three, make the two a pair, and wait until the second holds everything."""
        (self.base / "witness").mkdir(mode=0o700, exist_ok=True)
        for process in self.processes:
            process.start()
        say("Three processes are starting: two nodes and a witness.")
        for name in self.nodes:
            self.until(lambda name=name: self.commands(name).answers(), f"node {name} did not start")  # type: ignore[misc]
        code = self.commands("a").pair_start(OWNER)["code"]
        say(f"The first node shows the code {code}; the second one joins with it.")
        self.commands("b").pair_join(OWNER, code, "")
        self.until(lambda: self.told("a")["paired"] and self.told("b")["paired"], "the two did not become a pair")
        self._introduce_witness()
        self.until(lambda: any(self.told(name)["peer"]["in_sync"] for name in self.nodes), "the second node did not catch up")
        self.until(lambda: any(self.told(name)["witness"]["in_sync"] for name in self.nodes), "the witness was not told so")
        self.until(lambda: all(self.told(name)["mode"] == "pair" for name in self.nodes), "the second node was not told so")
        say("They are a pair, and both hold everything.")

    def _introduce_witness(self) -> None:
        Shelf(self.base / "witness" / "witness").add(read_line(self.commands("a").witness_key(OWNER)))

    def until(self, so: Callable[[], Any], otherwise: str, seconds: float = READY_SECONDS) -> None:
        """Wait until it is so. Raises a ``TandemError`` with what did not come to be."""
        ends = self.clock.elapsed() + seconds
        while not self._quietly(so):
            if self.clock.elapsed() > ends:
                raise TandemError(f"In the pair on this machine {otherwise} within {seconds:.0f} s.", f"See the logs in {self.base}.")
            self.clock.wait(self._stop, 0.1)

    def _quietly(self, so: Callable[[], Any]) -> bool:
        """A node that is just being started or built anew does not answer: that is not so yet."""
        try:
            return bool(so())
        except (OSError, TandemError):
            return False

    def commands(self, name: str) -> Any:
        return ControlClient(self.base / name, Commands)

    def told(self, name: str) -> dict[str, Any]:
        return self.commands(name).pair()  # type: ignore[no-any-return]

    def leader(self) -> str:
        """Which of the two leads; "" while neither does."""
        for name in self.nodes:
            if self._quietly(lambda name=name: self.told(name)["role"] == "leader"):  # type: ignore[misc]
                return name
        return ""

    # While it runs

    def look_after(self, say: Say) -> None:
        """Start again what has died, a little later."""
        now = self.clock.elapsed()
        for process in self.processes:
            if not process.has_died():
                continue
            if process.died_at is None:
                process.died_at = now
                say(f"The process of {process.name} has died; it is started again in {RESTART_SECONDS:.0f} s.")
            elif now - process.died_at >= RESTART_SECONDS:
                process.died_at = None
                process.start()

    def link(self, name: str) -> str:
        port = self.panel_ports[0 if name == "a" else 1]
        return f"http://{HOST}:{port}/sign-in?token={self.commands(name).new_token()}"

    def replies(self) -> Counter[str]:
        """How many replies each answered message got, by its Message-ID."""
        found: Counter[str] = Counter()
        for path in self.outbox.glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            found[str(mail["In-Reply-To"] or mail["X-Tandem-Key"])] += 1
        return found

    def stop(self) -> None:
        self._stop.set()
        for process in reversed(self.processes):
            process.stop()


def _environment() -> dict[str, str]:
    """Nothing of this appliance's own settings, which could name the real mailbox. Whoever looks after the process is its supervisor."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return {**own, "WATCHDOG_USEC": str(WATCHDOG_SECONDS * 1_000_000)}


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
