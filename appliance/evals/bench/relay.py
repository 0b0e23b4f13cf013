"""Tokens through the door against tokens straight from the engine, and how much of a prompt the engine did not have to read again.

The engine is one that says its one word as fast as it can, so that all that is seen is the way; a real one is never as fast. Each round
asks both ways in turns, with as many streams at once, and counts tokens a second over all of them.
"""

import json
import selectors
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from appliance.engines.shelf import Shelf
from appliance.engines.supervision import ChildLimits
from appliance.engines.writer.raw import MlxModel
from appliance.evals.bench.process import home_of, key_of, running
from appliance.evals.bench.report import BenchReport, Figure, clock, conditions, figure
from appliance.ground.errors import TandemError
from appliance.ground.files import write_atomically

STREAMS = (5, 64)
TOKENS = 96_000  # of all streams together: long enough that the way is seen and not the knock at the door
PACED_TOKENS = 100  # of each stream
PACES = ((0.0, "as fast as it can"), (0.01, "100 tokens a second and stream"))
GOAL = 0.98
TURNS = 6
REUSE_GOAL = 0.95
_LIMIT = "straight from the engine"
_ENGINE = "appliance.evals.bench.token_engine"
_PATIENCE_SECONDS = 120.0
_SETTINGS = '[writer]\nkind = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\nmodel = "one-word"\nat_once = 64\nwaiting_most = 64\n'
_REAL = '[writer]\nkind = "mlx"\nmodel = "{model}"\n'
_SYSTEM = (
    "You answer the customers of a company that sells heat pumps, from the passages you are given and from nothing else. "
    "Say what the passages say, name no price that is not in them, promise nothing, and say when you do not know. "
) * 4
_QUESTION = "May I return a pump that I have not used, and until when?"


def run(rounds: int = 7, turns: bool = False, model: str = "") -> BenchReport:
    """Tokens through the door against the bare engine (P16); with --turns, how much of the prompt is reused (P17)."""
    if turns:
        return _reused(rounds, model)
    before = conditions()
    figures: list[Figure] = list(_real(rounds, model)) if model else []
    for pace, words in PACES:
        with _engine(pace) as engine, home_of(_SETTINGS.format(port=engine)) as home, running(home) as daemon:
            daemon.seconds_until("/readyz")
            ours = Way(daemon.port, "tandem-raw", key_of(home, "admin"))
            straight = Way(engine, "one-word", "")
            figures += [_measured(ours, straight, streams, rounds, words, pace) for streams in STREAMS]
    return BenchReport(name="relay", rounds=rounds, before=before, after=conditions(), figures=tuple(figures))


def _real(rounds: int, model: str) -> Iterator[Figure]:
    """The same with a real model's own server, which ends when it likes: so answers are counted and not tokens."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        engine = MlxModel(str(Path(model).absolute()), Shelf(Path(folder)), ChildLimits(waiting_most=64), max(STREAMS), clock)
        try:
            endpoint = engine.ensure()
            key = endpoint.headers["Authorization"].removeprefix("Bearer ")
            settings = _SETTINGS.format(port=endpoint.port).replace("one-word", endpoint.model) + 'key_file = "key"\n'
            with home_of(settings) as home:
                write_atomically(home / "key", key.encode())
                with running(home) as daemon:
                    daemon.seconds_until("/readyz")
                    ours, straight = Way(daemon.port, "tandem-raw", key_of(home, "admin")), Way(endpoint.port, endpoint.model, key)
                    for streams in STREAMS:
                        yield _measured(ours, straight, streams, rounds, "as a real model", 0.01, "answers/s")
        finally:
            engine.close()


def _measured(ours: "Way", straight: "Way", streams: int, rounds: int, words: str, pace: float, unit: str = "tokens/s") -> Figure:
    tokens = PACED_TOKENS if pace else TOKENS // streams
    counted = tokens if unit == "tokens/s" else 1
    for way in (ours, straight):  # the first answer of a process is no measure of the others
        way.rate(streams, tokens, counted)
    pairs = []
    for number in range(rounds):
        first, second = (ours, straight) if number % 2 else (straight, ours)
        seen = {id(way): way.rate(streams, tokens, counted) for way in (first, second)}
        pairs.append((seen[id(ours)], seen[id(straight)]))
    return figure(
        f"{streams} streams, an engine that speaks {words}", pairs, unit=unit, limit=_LIMIT, goal=GOAL, more_is_better=True
    )  # fmt: skip


class Way(NamedTuple):
    """How tokens are asked for: a port, the model's name there, and a key."""

    port: int
    model: str
    key: str

    def rate(self, streams: int, tokens: int, counted: int) -> float:
        """Of so many streams at once how many tokens a second, where each counts for so many; 1 counts answers."""
        messages = [{"role": "user", "content": "Go on."}]
        body = json.dumps({"model": self.model, "messages": messages, "stream": True, "max_tokens": tokens}).encode()
        started = clock.elapsed()
        lines = [self._asked(body) for _ in range(streams)]
        _listen(lines)
        return streams * counted / (clock.elapsed() - started)

    def _asked(self, body: bytes) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), 10)
        head = (
            "POST /v1/chat/completions HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Authorization: Bearer {self.key}",
            "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", "", "",
        )  # fmt: skip
        line.sendall("\r\n".join(head).encode() + body)
        return line


def _listen(lines: Sequence[socket.socket]) -> None:
    """Read all streams to their ends."""
    selector, tails = selectors.DefaultSelector(), dict.fromkeys(lines, b"")
    for line in lines:
        selector.register(line, selectors.EVENT_READ)
    ends = clock.elapsed() + _PATIENCE_SECONDS
    while tails:
        if clock.elapsed() > ends:
            raise TandemError("A stream did not come to its end.", "Look whether the machine is overloaded.")
        for key, _ in selector.select(1.0):
            line = cast(socket.socket, key.fileobj)
            piece = line.recv(262_144)
            tails[line] = (tails[line] + piece)[-400:]
            if not piece or b"[DONE]" in tails[line]:
                _must_be_whole(tails.pop(line))
                selector.unregister(line)
                line.close()


def _must_be_whole(tail: bytes) -> None:
    if b"[DONE]" not in tail:
        raise TandemError(f"A stream broke off: {tail[-200:]!r}.", "See the errors in the home's logs folder.")


@contextmanager
def _engine(pace: float) -> Iterator[int]:
    child = subprocess.Popen([sys.executable, "-m", _ENGINE, "0", "--pace", str(pace)], stdout=subprocess.PIPE)
    try:
        yield int(child.stdout.readline())  # type: ignore[union-attr]
    finally:
        child.kill()
        child.wait()


def _reused(rounds: int, model: str) -> BenchReport:
    """Conversations of several turns with a real model: the share of each prompt that the engine had read already, by its own count."""
    folder = Path(model).absolute() if model else None
    if folder is None or not folder.is_dir():
        raise TandemError("The figure needs a language model.", "Name its folder: --model FOLDER")
    before = conditions()
    with home_of(_REAL.format(model=folder)) as home, running(home) as daemon:
        daemon.seconds_until("/readyz")
        key = key_of(home, "admin")
        shares = [(_share(daemon.port, key, number), 1.0) for number in range(rounds)]
    reused = figure(
        f"share of the prompt that is not read again, from turn 2 of {TURNS}", shares, unit="of 1", limit="all but what is new",
        goal=REUSE_GOAL, more_is_better=True,
    )  # fmt: skip
    return BenchReport(name="relay", rounds=rounds, before=before, after=conditions(), figures=(reused,))


def _share(port: int, key: str, number: int) -> float:
    """Over one conversation, that begins in words of its own."""
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": f"I am customer {number}. {_QUESTION}"}]
    read = cached = 0
    for turn in range(TURNS):
        answer = _said(port, key, messages)
        usage = answer["usage"]
        if turn:
            read += usage["prompt_tokens"]
            cached += (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        said = answer["choices"][0]["message"].get("content") or ""
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": "And then?"}]
    return cached / read


def _said(port: int, key: str, messages: list[dict[str, str]]) -> dict[str, Any]:
    import http.client  # with the figure that needs it

    line = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    body = json.dumps({"model": "tandem-raw", "messages": messages, "max_tokens": 8, "temperature": 0})
    line.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = line.getresponse()
    content = answer.read()
    line.close()
    if answer.status != 200:
        raise TandemError(f"The model did not answer: {content[:300]!r}.", "Try tandem models verify.")
    return dict(json.loads(content))
