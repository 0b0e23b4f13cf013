"""Watches who may send, from outside, all the time: two at once is the one thing that must never be.

with SendersWatched(a, b) as senders: ...
senders.assert_never_two()
"""

import threading
import time
from typing import Any

from tests.live.pair.machine import Machine

LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 0.3  # a machine that is paused answers nothing, and the other must be looked at meanwhile


class SendersWatched(threading.Thread):
    """Asks one node, the other, and the first again: where the first said yes both times in one term, it held the right in between."""

    def __init__(self, first: Machine, second: Machine) -> None:
        super().__init__(name="senders-watched", daemon=True)
        self._first, self._second = first, second
        self._end = threading.Event()
        self.looks = 0
        self.two_at_once: list[str] = []
        self.history: list[tuple[float, str, bool, int, str]] = []  # Unix seconds, place, may send, term, reason; changes only
        self._last: dict[str, tuple[bool, int, str]] = {}

    def __enter__(self) -> "SendersWatched":
        self.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._end.set()
        self.join(10)

    def run(self) -> None:
        order = (self._first, self._second)
        while not self._end.is_set():
            before, between, after = (self._look(machine) for machine in (*order, order[0]))
            self.looks += 1
            if _may(before) and _may(between) and _may(after) and before["term"] == after["term"]:
                self.two_at_once.append(f"{order[0].place} in term {before['term']} and {order[1].place} in term {between['term']}")
            order = (order[1], order[0])
            self._end.wait(LOOK_SECONDS)

    def assert_never_two(self) -> None:
        assert self.looks > 0, "nobody looked"
        assert not self.two_at_once, f"two might send at once: {self.two_at_once[:3]}\n{self.told()}"

    def told(self) -> str:
        """What changed, line by line."""
        return "\n".join(f"{at:.2f} {place}: may send {may}, term {term}, {reason}" for at, place, may, term, reason in self.history)

    def _look(self, machine: Machine) -> dict[str, Any]:
        status = machine.status(PATIENCE_SECONDS) if machine.runs else {}
        if status:
            now = (bool(status["may_send"]), int(status["term"]), str(status["reason"]))
            if self._last.get(machine.place) != now:
                self._last[machine.place] = now
                self.history.append((time.time(), machine.place, *now))
        return status


def _may(status: dict[str, Any]) -> bool:
    return bool(status.get("may_send"))
