"""What is to be done to the machine, as a list that can be read before it is carried out.

``systemd`` and ``launchd`` make such plans and look at nothing; ``carry_out`` is the only one that touches the machine. Every step
may be done twice.
"""

import shlex
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.files import write_atomically

LONGEST_COMMAND_SECONDS = 420.0  # `systemctl start` returns when the daemon is ready; the unit gives it 300 s


class ServiceError(TandemError):
    """The service could not be put in, taken out, started or stopped."""


@dataclass(frozen=True, slots=True)
class Put:
    """A file that the system reads; readable by everybody, changed by root alone."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Remove:
    path: Path


@dataclass(frozen=True, slots=True)
class Run:
    """A command. ``may_fail``: there may be nothing to do. ``tries``: so often, one second apart, for a system that is still busy."""

    words: tuple[str, ...]
    may_fail: bool = False
    tries: int = 1


Step = Put | Remove | Run
Plan = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """This installation: its program, its home, and on macOS the number for an account that is yet to be made (None: it is there).

    ``versions`` is the folder that a rolling update lays versions down in, None for an installation that has none.
    """

    program: Path
    home: Path
    account_number: int | None = None
    versions: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the system says about the service. ``pid`` 0: it does not run. ``told`` is what the daemon last said of itself."""

    installed: bool
    pid: int = 0
    restarts: int = 0
    told: str = ""
    last_end: str = ""


class System(Protocol):
    """What ``systemd`` and ``launchd`` have in common; both are modules of functions without effects."""

    NAME: str
    ACCOUNT: str
    HOME: Path
    FILE: Path
    QUESTION: tuple[str, ...]

    def install(self, place: Place) -> Plan:
        """Put the service in, or renew it. It runs afterwards, and again after each start of the machine."""
        ...

    def uninstall(self) -> Plan:
        """Stop it and take it out. The home stays, and the account that owns it."""
        ...

    def start(self) -> Plan: ...

    def stop(self) -> Plan:
        """Until it is started again, or the machine is."""
        ...

    def restart(self) -> Plan: ...

    def standing(self, answer: str) -> Standing:
        """Read what the system answered to ``QUESTION``."""
        ...

    def home_in(self, text: str) -> Path | None:
        """The home that an installed file names."""
        ...

    def log_command(self, since: float, follow: bool) -> tuple[str, ...]:
        """What shows the system's own log of the service since then (Unix seconds); empty when it keeps none."""
        ...


def lines(plan: Plan) -> Iterator[str]:
    """The plan as a person reads it, ready to be typed."""
    for step in plan:
        if isinstance(step, Put):
            yield from (f"# {step.path}", step.text.rstrip(), "")
        elif isinstance(step, Remove):
            yield f"$ rm -f {shlex.quote(str(step.path))}"
        else:
            yield (
                "$ "
                + " ".join(shlex.quote(word) for word in step.words)
                + ("   # may fail: there may be nothing to do" if step.may_fail else "")
            )


def carry_out(plan: Plan, clock: Clock) -> None:
    """Do it, in order. Raises ``ServiceError`` at the first step that fails; what was done until then stays, and may be done again."""
    for step in plan:
        if isinstance(step, Run):
            _run(step, clock)
        else:
            _change(step)


def _change(step: Put | Remove) -> None:
    try:
        if isinstance(step, Remove):
            step.path.unlink(missing_ok=True)
        elif not (step.path.is_file() and step.path.read_text(encoding="utf-8") == step.text):
            step.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_atomically(step.path, step.text.encode(), mode=0o644)
            step.path.chmod(0o644)  # whatever this shell's umask is: the system and `tandem service status` read it
    except OSError as error:
        raise ServiceError(f"{step.path} could not be changed ({error.strerror}).", "Run the command as root: with sudo.") from error


def _run(step: Run, clock: Clock) -> None:
    for left in range(step.tries - 1, -1, -1):
        done = ask(step.words)
        if done.returncode == 0 or step.may_fail:
            return
        if left:
            clock.wait(threading.Event(), 1.0)
    said = (done.stderr or done.stdout).strip().splitlines()
    raise ServiceError(
        f"{' '.join(step.words)} failed: {said[-1].rstrip('.') if said else f'exit code {done.returncode}'}.",
        "Mend that and run the command again; it may be run any number of times.",
    )


def ask(words: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    """Run a command of the system and hear what it says. Raises ``ServiceError`` when there is no such command, or no end to it."""
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=LONGEST_COMMAND_SECONDS, check=False, errors="replace")
    except FileNotFoundError as error:
        raise ServiceError(f"There is no {words[0]} on this machine.", "Run the daemon by hand: tandem run.") from error
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"{' '.join(words)} did not end.", "See tandem service logs.") from error
