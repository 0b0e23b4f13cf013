"""Pairs two machines as an operator does: a code shown on one, typed on the other.

pair(a, b)                     both run; by the control socket, which is what the panel and the command line call
pair_by_command_line(a, b)     the same as typed
wait_in_step(a, b)             until each says that the other is in step with it; who leads, as a machine
"""

import contextlib
import json
import subprocess
import threading
import time

from tests.live.pair.machine import LINE_PORT, LOOK_SECONDS, OWNER, Machine

CODE_SECONDS = 20.0
JOIN_SECONDS = 30.0
SYNC_SECONDS = 30.0


def pair(first: Machine, second: Machine, *, address: str | None = None) -> None:
    """Make them a pair; ``address`` "" lets the second find the first by itself."""
    code = first.ask("pair_start", JOIN_SECONDS, actor=OWNER)["code"]
    second.ask("pair_join", JOIN_SECONDS, actor=OWNER, code=code, address=_where(first, address))


def pair_by_command_line(first: Machine, second: Machine, *, address: str | None = None) -> Machine:
    """The same by ``tandem pair start --json``, which shows a code and waits, and ``tandem pair join``."""
    asked = first.command("pair", "start", "--json")
    try:
        code, where = _code(asked), _where(first, address)
        second.tandem("pair", "join", code, *(("--address", where) if where else ()), "--json", seconds=JOIN_SECONDS)
        _, errors = asked.communicate(timeout=JOIN_SECONDS)
        assert asked.returncode == 0, f"tandem pair start ended with {asked.returncode}: {errors}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            asked.kill()
        asked.wait(5)
    return wait_in_step(first, second)


def _where(first: Machine, address: str | None) -> str:
    return f"{first.address}:{LINE_PORT}" if address is None else address


def _code(asked: "subprocess.Popen[str]") -> str:
    """The code from the first document that ``tandem pair start --json`` prints, be it one line or many."""
    assert asked.stdout is not None
    assert asked.stderr is not None
    late = threading.Timer(CODE_SECONDS, asked.kill)  # ends the reads below
    late.start()
    printed = ""
    try:
        for line in asked.stdout:
            printed += line
            with contextlib.suppress(ValueError):
                return str(json.loads(printed)["code"])
    finally:
        late.cancel()
    raise AssertionError(f"tandem pair start showed no code: {printed}{asked.stderr.read()}")


def leader_of(*machines: Machine) -> Machine | None:
    """The one that says it leads; None when none does, or more than one."""
    leaders = [machine for machine in machines if machine.runs and machine.status().get("role") == "leader"]
    return leaders[0] if len(leaders) == 1 else None


def other_of(one: Machine, *machines: Machine) -> Machine:
    return next(machine for machine in machines if machine is not one)


def in_step(first: Machine, second: Machine) -> Machine | None:
    """The leader, when one leads and may send, the other stands by, and each says that the other is in step with it."""
    told = {machine: machine.status() for machine in (first, second)}
    if sorted(str(each.get("role")) for each in told.values()) != ["leader", "standby"]:
        return None
    if not all(each["peer"]["seen"] and each["peer"]["in_sync"] for each in told.values()):
        return None
    leader = first if told[first]["role"] == "leader" else second
    return leader if told[leader]["may_send"] and told[leader]["ready"] else None


def wait_in_step(first: Machine, second: Machine, seconds: float = SYNC_SECONDS) -> Machine:
    """Wait until they are in step; the leader."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        if (leader := in_step(first, second)) is not None:
            return leader
        pause.wait(LOOK_SECONDS)
    told = "\n".join(f"{each.place}, restarts {each.restarts}: {each.status()}\n{each.log(1500)}" for each in (first, second))
    raise AssertionError(f"not in step within {seconds} s\n{told}")
