"""Does this process still get anywhere? If not it ends itself, and whoever supervises it starts it again.

A thread that waits for ever raises no error and writes no log; the process lives, and customers wait. So each part that works in
turns says which turn it is in, and a part that is seen in the same turn for too long hangs. Then the watchdog falls silent towards
systemd, writes down where every thread stands, and ends the process: nothing is lost by that which a loss of power would not take.

Time is counted in looks and not by a clock: while the machine sleeps or the process is stopped, nobody looks and nobody ages. What
this is not: a cure for a process that as a whole gets no turn. That silence systemd hears (WatchdogSec=); launchd has no ear for it.
"""

import faulthandler
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from appliance.ground.log import Log
from appliance.ground.supervisor import Supervisor

log = Log("watchdog")

LOOKS_A_PERIOD = 4  # systemd asks for at least two; one that comes late must not end us
ENDED_ITSELF = 70  # EX_SOFTWARE of sysexits(3)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that works in turns. ``turn`` is None while it rests: who waits for work does not hang.

    A turn may take ``periods`` of the watchdog's own, and ``waits_seconds`` more where it waits for the world by design.
    """

    name: str
    turn: int | None
    periods: float = 1.0
    waits_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """In which turn a part was seen, and for how many looks since."""

    turn: int
    looks: int


def look(before: Mapping[str, Seen], parts: Iterable[Part]) -> dict[str, Seen]:
    """What is known after one more look. A part that rests, or is gone, is forgotten."""
    after: dict[str, Seen] = {}
    for part in parts:
        if part.turn is None:
            continue
        last = before.get(part.name)
        after[part.name] = Seen(part.turn, last.looks + 1 if last is not None and last.turn == part.turn else 0)
    return after


def hanging(seen: Mapping[str, Seen], parts: Iterable[Part], period_seconds: float) -> list[str]:
    """The parts that have been in one turn for longer than they may."""
    pause = period_seconds / LOOKS_A_PERIOD
    return [
        part.name
        for part in parts
        if part.name in seen and seen[part.name].looks * pause >= part.periods * period_seconds + part.waits_seconds
    ]


class Watchdog:
    """Looks at the parts four times a period, tells the supervisor while all is well, and ends the process when it is not.

    Without a supervisor that asks for it nothing happens: whom nobody starts again must not end himself.
    """

    def __init__(self, parts: Callable[[], list[Part]], supervisor: Supervisor, end: Callable[[], None] | None = None) -> None:
        self._parts = parts
        self._supervisor = supervisor
        self._end = end or end_process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        if self._supervisor.watchdog_seconds:
            self._thread.start()

    def closing(self) -> None:
        """The node is being put away: from now on that is the one turn, and it has to end."""
        self._parts = lambda: [Part("stop", turn=0)]

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _run(self) -> None:
        period = self._supervisor.watchdog_seconds
        seen: dict[str, Seen] = {}
        while not self._over.wait(period / LOOKS_A_PERIOD):
            parts = self._parts()
            seen = look(seen, parts)
            if names := hanging(seen, parts, period):
                log.error("watchdog_hangs", parts=", ".join(names))
                self._supervisor.tell(f"STATUS=Hangs: {', '.join(names)}.")
                self._end()
                return
            self._supervisor.tell("WATCHDOG=1")


def end_process() -> None:
    """Write to standard error where each thread stands, then end at once: a clean stop would wait for what hangs."""
    faulthandler.dump_traceback()
    os._exit(ENDED_ITSELF)
