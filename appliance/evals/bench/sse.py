"""Open panels: how soon a burst of changes is on all of them, and how soon the daemon ends while they listen.

Ours looks once and encodes once for all, and a burst is one change. The peer does what is done at first: each open page is told
of each change, encoded for it. Both run in processes of their own and are listened to over loopback.
"""

import contextlib
import json
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psutil

from appliance.evals.bench.process import free_port, home_of, key_of, running
from appliance.evals.bench.report import BenchReport, clock, conditions, figure
from appliance.ground.errors import TandemError

PANELS = 100
BURST = 200
GOAL = 2.0
STOP_SECONDS = 1.0
SEEN_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
_TRIAL = "appliance.panel.trial"  # by its name: the panel lies above this room


def run(rounds: int = 7) -> BenchReport:
    """Server-sent events to 100 open panels: a burst of changes, and the end with all of them open (P10)."""
    before = conditions()
    with _trial() as ours, _trial() as peer:
        streams = (Listeners(ours.port, "/ours"), Listeners(peer.port, "/each"))
        pairs = [(ours.burst(streams[0]), peer.burst(streams[1])) for _ in range(rounds)]
        for listening in streams:
            listening.close()
    told = figure(
        f"processor time of a burst on {PANELS} panels", [(1 / mine.processor, 1 / theirs.processor) for mine, theirs in pairs],
        unit="bursts/s", limit="socket writes", goal=GOAL, more_is_better=True, note=f"{BURST} changes, a millisecond apart",
    )  # fmt: skip
    seen = figure(
        "until the last panel has the last change",
        [(mine.seconds, SEEN_SECONDS) for mine, _ in pairs],
        unit="s",
        limit="as one sees it",
        goal=1.0,
    )
    ended = [(_stop_seconds(), STOP_SECONDS) for _ in range(min(rounds, 3))]
    stopped = figure("the end with open streams", ended, unit="s", limit="1 s", goal=1.0)
    return BenchReport(name="sse", rounds=rounds, before=before, after=conditions(), figures=(told, seen, stopped))


class Burst(NamedTuple):
    """What a burst cost: the processor's time in seconds, and how long it took until all had heard its last change."""

    processor: float
    seconds: float


class Trial:
    """The program to be measured, in a process of its own."""

    def __init__(self, port: int, child: subprocess.Popen[str]) -> None:
        self.port = port
        self._child = child
        self._process = psutil.Process(child.pid)
        self._position = 0

    def burst(self, listening: "Listeners") -> Burst:
        """Many changes at once, until all have heard of the last one."""
        self._position += BURST
        before, started = self._processor(), clock.elapsed()
        assert self._child.stdin is not None
        self._child.stdin.write(f"{BURST}\n")
        self._child.stdin.flush()
        seconds = listening.until(self._position) - started
        return Burst(max(self._processor() - before, 0.001), seconds)

    def _processor(self) -> float:
        return float(sum(self._process.cpu_times()[:2]))


@contextmanager
def _trial() -> Iterator[Trial]:
    port = free_port()
    child = subprocess.Popen([sys.executable, "-m", _TRIAL, str(port)], stdin=subprocess.PIPE, text=True)
    try:
        _until_open(port)
        yield Trial(port, child)
    finally:
        child.kill()
        child.wait()


def _until_open(port: int) -> None:
    ends = clock.elapsed() + _PATIENCE_SECONDS
    while clock.elapsed() < ends:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.02)
    raise TandemError("The feed to be measured did not open its port.", f"Run python -m {_TRIAL} 8099 and see what it says.")


class Listeners:
    """So many open streams of one address."""

    def __init__(self, port: int, path: str, headers: Sequence[str] = (), panels: int = PANELS) -> None:
        self._selector = selectors.DefaultSelector()
        self._heard: dict[socket.socket, bytes] = {}
        self._position: dict[socket.socket, int] = {}
        for _ in range(panels):
            line = socket.create_connection(("127.0.0.1", port), 5)
            request = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/event-stream", *headers, "", "")
            line.sendall("\r\n".join(request).encode())
            self._selector.register(line, selectors.EVENT_READ)
            self._heard[line], self._position[line] = b"", -1

    def until(self, position: int) -> float:
        """Read until every stream has told of this position; when the last of them had."""
        ends = clock.elapsed() + _PATIENCE_SECONDS
        while any(known < position for known in self._position.values()):
            if clock.elapsed() > ends:
                raise TandemError("A stream did not tell of a change.", "Look whether the machine is overloaded.")
            for key, _ in self._selector.select(1.0):
                self._read(key.fileobj)  # type: ignore[arg-type]
        return clock.elapsed()

    def _read(self, line: socket.socket) -> None:
        heard = self._heard[line] + line.recv(65_536)
        for event in heard.split(b"\n\n")[:-1]:
            _, found, data = event.partition(b"data: ")
            if found:
                self._position[line] = int(json.loads(data.splitlines()[0])["position"])
        self._heard[line] = heard[heard.rfind(b"\n\n") + 2 :] if b"\n\n" in heard else heard

    def close(self) -> None:
        self._selector.close()
        for line in self._heard:
            line.close()


def _stop_seconds() -> float:
    """How long a daemon takes to end while 100 panels listen."""
    with home_of() as home, running(home) as daemon:
        daemon.seconds_until("/readyz")
        listening = Listeners(daemon.port, "/events", (f"X-API-Key: {key_of(home)}",))
        listening.until(0)
        took = daemon.stop()
        listening.close()
        return took
