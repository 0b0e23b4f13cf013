"""Looks at both nodes all the time of a soak: who leads, and that never two may send at once."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.node.control import socket_path

LOOK_SECONDS = 0.2
ANSWER_SECONDS = 0.5
"""A node that is frozen answers nothing, and the other must be looked at meanwhile."""


def ask(home: Path, command: str, seconds: float = ANSWER_SECONDS, **arguments: Any) -> Any:
    """Call a command of the node there. Raises ``OSError`` when no whole answer comes in time, ``TandemError`` when it refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(seconds)
        line.connect(str(socket_path(home)))
        line.sendall(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
        answer = line.makefile("rb").readline()
    if not answer.endswith(b"\n"):
        raise OSError("the node went away while it answered")
    told = json.loads(answer)
    if "error" in told:
        raise TandemError(told["error"]["message"], told["error"].get("remedy", ""))
    return told.get("result")


class Watch:
    """Asks one node, the other, and the first again: where the first said yes both times in one term, it might send in between.

    ``gaps`` are the spans, in seconds, in which neither might send.
    """

    def __init__(self, homes: dict[str, Path], clock: Clock) -> None:
        self._homes = homes
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="soak-watch", daemon=True)
        self._gap_since: float | None = None
        self._last_leader = next(iter(homes))
        self.told: dict[str, dict[str, Any]] = {name: {} for name in homes}
        self.looks = 0
        self.two_at_once: list[str] = []
        self.gaps: list[float] = []
        self.terms: dict[int, set[str]] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def leader(self) -> str:
        """Who leads, by what was heard last; while nobody does, who led before."""
        leading = [(int(told["term"]), name) for name, told in self.told.items() if told.get("role") == "leader"]
        if leading:
            self._last_leader = max(leading)[1]
        return self._last_leader

    def other(self) -> str:
        leader = self.leader()
        return next(name for name in self._homes if name != leader)

    def _run(self) -> None:
        order = tuple(self._homes)
        while not self._stop.is_set():
            before, between, after = (self._look(name) for name in (*order, order[0]))
            self.looks += 1
            if _may(before) and _may(between) and _may(after) and before["term"] == after["term"]:
                self.two_at_once.append(f"{order[0]} in term {before['term']} and {order[1]} in term {between['term']}")
            self._note_gap(any(map(_may, (before, between, after))))
            order = order[::-1]
            self._stop.wait(LOOK_SECONDS)

    def _look(self, name: str) -> dict[str, Any]:
        try:
            told: dict[str, Any] = ask(self._homes[name], "status")
        except (OSError, ValueError, TandemError):
            told = {}
        self.told[name] = told
        if _may(told):
            self.terms.setdefault(int(told["term"]), set()).add(name)
        return told

    def _note_gap(self, may_send: bool) -> None:
        now = self._clock.elapsed()
        if not may_send and self._gap_since is None:
            self._gap_since = now
        elif may_send and self._gap_since is not None:
            self.gaps.append(now - self._gap_since)
            self._gap_since = None


def _may(told: dict[str, Any]) -> bool:
    return bool(told.get("may_send"))
