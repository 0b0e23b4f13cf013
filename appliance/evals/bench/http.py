"""The hot routes of the API, signed in, against a bare ASGI app that answers the same bytes with the same server.

Both run in processes of their own and are asked in turns over kept-alive connections. What the client costs is the same for both.
"""

import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from appliance.evals.bench.process import free_port, home_of, key_of, running
from appliance.evals.bench.report import BenchReport, Figure, clock, conditions, figure, percentile

ROUTES = ("/api/v1/status", "/health", "/metrics")
CONNECTIONS = 8
ROUND_SECONDS = 1.0
GOAL = 0.66
GOAL_P99 = 1.5
_LIMIT = "a bare ASGI app"
_BARE = """
import sys, uvicorn
body = sys.stdin.buffer.read(int(sys.argv[2]))
headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
start = {"type": "http.response.start", "status": 200, "headers": headers}
async def app(scope, receive, send):
    await send(start)
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", lifespan="off", access_log=False)
"""


def run(rounds: int = 7) -> BenchReport:
    """The API's hot routes, signed in, against a bare ASGI app (P9)."""
    before = conditions()
    figures: list[Figure] = []
    with home_of() as home, running(home) as daemon:
        daemon.seconds_until("/readyz")
        key = key_of(home)
        for route in ROUTES:
            ours = Asking(daemon.port, route, key)
            with _bare(ours.length) as port:
                figures += _measure(route, rounds, ours, Asking(port, route, key))
    return BenchReport(name="http", rounds=rounds, before=before, after=conditions(), figures=tuple(figures))


def _measure(route: str, rounds: int, ours: "Asking", bare: "Asking") -> list[Figure]:
    rates: list[tuple[float, float]] = []
    tails: list[tuple[float, float]] = []
    for number in range(rounds):
        first, second = (ours, bare) if number % 2 else (bare, ours)
        seen = {id(one): one.ask_for(ROUND_SECONDS) for one in (first, second)}
        mine, theirs = seen[id(ours)], seen[id(bare)]
        rates.append((len(mine) / ROUND_SECONDS, len(theirs) / ROUND_SECONDS))
        tails.append((percentile(mine, 0.99), percentile(theirs, 0.99)))
    ours.close()
    bare.close()
    return [
        figure(f"GET {route}", rates, unit="answers/s", limit=_LIMIT, goal=GOAL, more_is_better=True),
        figure(f"GET {route}, 99th percentile", tails, unit="s", limit=_LIMIT, goal=GOAL_P99),
    ]


@contextmanager
def _bare(length: int) -> Iterator[int]:
    port = free_port()
    child = subprocess.Popen([sys.executable, "-c", _BARE, str(port), str(length)], stdin=subprocess.PIPE)
    try:
        child.stdin.write(b"x" * length)  # type: ignore[union-attr]
        child.stdin.close()  # type: ignore[union-attr]
        _until_open(port)
        yield port
    finally:
        child.kill()
        child.wait()


def _until_open(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            threading.Event().wait(0.02)
        else:
            return


class Asking:
    """Some kept-alive connections that ask for one address, each again as soon as it has its answer."""

    def __init__(self, port: int, route: str, key: str) -> None:
        self._request = f"GET {route} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {key}\r\n\r\n".encode()
        self._selector = selectors.DefaultSelector()
        self._lines = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(CONNECTIONS)]
        for line in self._lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(line, selectors.EVENT_READ)
        self.length = self._length_of(self._lines[0])

    def _length_of(self, line: socket.socket) -> int:
        line.sendall(self._request)
        answer = _whole(line)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{self._request.split()[1].decode()} answered {answer[:60]!r}")
        return len(answer.partition(b"\r\n\r\n")[2])

    def ask_for(self, seconds: float) -> list[float]:
        """Ask for so long; how long each answer took, in seconds."""
        took: list[float] = []
        asked = {}
        for line in self._lines:
            line.sendall(self._request)
            asked[line] = clock.elapsed()
        ends = clock.elapsed() + seconds
        while asked:
            for key, _ in self._selector.select(1.0):
                answered = cast(socket.socket, key.fileobj)
                _whole(answered)
                now = clock.elapsed()
                took.append(now - asked.pop(answered))
                if now < ends:
                    answered.sendall(self._request)
                    asked[answered] = now
        return took

    def close(self) -> None:
        self._selector.close()
        for line in self._lines:
            line.close()


def _whole(line: socket.socket) -> bytes:
    """One answer with its body, whose length it says."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _some(line)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(row.partition(b":")[2]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:"))
    while len(body) < length:
        body += _some(line)
    return head + b"\r\n\r\n" + body


def _some(line: socket.socket) -> bytes:
    piece = line.recv(65_536)
    if not piece:
        raise ConnectionError("the server closed the line")
    return piece
