"""A pair whose nodes are started as services are: by the launcher of their installation, and again whenever they end."""

import itertools
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

from appliance.care.update.layout import Layout
from appliance.ground.errors import TandemError
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.node.sandbox import HOST, Process, SandboxPair, free_port
from appliance.settings.change import set_values
from tests.live.update_versions import clean_environment, install_first
from tests.support.home import make_home

AGAIN_SECONDS = 0.3
MAIL_SECONDS = 0.3
SEE_SECONDS = 0.1


class Supervised(Process):
    """What launchd and systemd do: start it, and start it again when it has ended. ``ends`` are the codes it ended with."""

    def __init__(self, name: str, layout: Layout, home: Path, log: Path) -> None:
        super().__init__(name, [], log)
        self._command = [str(layout.launcher), "--home", str(home), "run"]
        self._thread = threading.Thread(target=self._run, name=f"supervises-{name}", daemon=True)
        self._over = threading.Event()
        self.ends: list[int] = []

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            with self._log.open("ab") as log:
                self._child = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    cwd="/",
                    env=clean_environment(),
                )
            self.ends.append(self._child.wait())
            self._over.wait(AGAIN_SECONDS)

    def has_died(self) -> bool:
        return False

    def stop(self) -> None:
        """At once: the test is over, and nobody is left to hand over to."""
        self._over.set()
        self.kill()
        self._thread.join(30)


class UpdatedPair(SandboxPair):
    """Nodes ``a`` and ``b`` with an installation each, below ``a-program`` and ``b-program``."""

    def __init__(self, base: Path, wheel: Path) -> None:
        company = generous_home(base / "company")
        super().__init__(base, company, 0)
        for name in ("en.md", "fi.md"):
            (base / "a" / name).write_bytes((company / name).read_bytes())
        self.layouts = {name: install_first(base / f"{name}-program", wheel) for name in self.nodes}
        supervised = {name: Supervised(name, self.layouts[name], base / name, base / f"{name}.log") for name in self.nodes}
        self.processes = [supervised.get(process.name, process) for process in self.processes]
        self.nodes = dict(supervised)

    def tandem(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command, typed on the machine of this node."""
        return typed(self.layouts[name], self.base / name, *words)

    def versions(self) -> dict[str, str]:
        return {name: self.told(name)["me"]["version"] for name in self.nodes}


def generous_home(home: Path) -> Path:
    """The company's files, with no limit that so many mails come to."""
    make_home(home)
    with (home / "policy.toml").open("a", encoding="utf-8") as file:
        file.write("[limits]\nreplies_per_hour = 10000\n")
    return home


class Machine:
    """One machine that is in no pair."""

    def __init__(self, base: Path, layout: Layout) -> None:
        self.home = base / "home"
        self.layout = layout
        self.process = Supervised("alone", layout, self.home, base / "alone.log")

    def tandem(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return typed(self.layout, self.home, *words)

    def commands(self) -> Any:
        return ControlClient(self.home, Commands)

    def version(self) -> str:
        return str(self.commands().status()["version"])

    def answered(self) -> Counter[str]:
        """How many replies each mail got, by its Message-ID."""
        mails = (message_from_bytes(path.read_bytes()) for path in (self.home / "outbox").glob("*.eml"))
        return Counter(str(mail["In-Reply-To"]) for mail in mails)


@contextmanager
def alone(base: Path, wheel: Path) -> Iterator[Machine]:
    """A machine with an installation and a service of its own, ended afterwards."""
    generous_home(base / "home")
    ports = {"panel.host": HOST, "panel.port": free_port(), "panel.chat_port": free_port()}
    set_values(base / "home", ports, environment={})
    machine = Machine(base, install_first(base / "program", wheel))
    machine.process.start()
    try:
        assert wait_until(lambda: machine.commands().answers() and machine.commands().status()["ready"], 30)
        yield machine
    finally:
        machine.process.stop()


def typed(layout: Layout, home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command by this installation, for this home, from somewhere else."""
    command = [str(layout.launcher), "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd="/", env=clean_environment())


class Customers:
    """Write a mail every 0.3 s until told to stop. ``written``: the Message-IDs."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="customers", daemon=True)
        self.written: list[str] = []

    def _run(self) -> None:
        self._inbox.mkdir(parents=True, exist_ok=True)
        while not self._stop.wait(MAIL_SECONDS):
            number = len(self.written)
            mail = EmailMessage()
            mail["From"] = f"customer{number}@example.fi"
            mail["To"] = "support@pumps.example"
            mail["Subject"] = "Question"
            mail["Message-ID"] = make_msgid(domain="example.fi")
            mail["Authentication-Results"] = "mx.pumps.example; dmarc=pass header.from=example.fi"
            mail.set_content("What is the delivery time?")
            partial = self._inbox / f".{number:05}.part"
            partial.write_bytes(mail.as_bytes())
            partial.rename(self._inbox / f"{number:05}.eml")
            self.written.append(str(mail["Message-ID"]))

    def stop(self) -> None:
        """They write no more."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> "Customers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Watcher:
    """Looks at both nodes all the while. ``seen``: (version that leads, version that follows it and holds everything)."""

    def __init__(self, pair: UpdatedPair) -> None:
        self._pair = pair
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self.seen: set[tuple[str, str]] = set()

    def _run(self) -> None:
        while not self._stop.wait(SEE_SECONDS):
            try:
                told = {name: self._pair.told(name) for name in self._pair.nodes}
            except (OSError, TandemError):
                continue
            roles: dict[str, Any] = {each["role"]: each for each in told.values()}
            if {"leader", "standby"} <= roles.keys() and roles["leader"]["peer"]["in_sync"]:
                self.seen.add((roles["leader"]["me"]["version"], roles["standby"]["me"]["version"]))

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def longest_gap(outbox: Path) -> float:
    """The longest time, in seconds, in which no reply left."""
    times = sorted(path.stat().st_mtime for path in outbox.glob("*.eml"))
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)


def wait_until(so: Any, seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not so():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
