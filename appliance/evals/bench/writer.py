"""The language model itself, past the desk and everything else: how soon it begins, how fast it writes, how long a request takes.

Where the model runs on this machine, mlx-lm generates the same in a bare process of its own in the same run, in turns with ours; so the
ratio says what the supervised server and HTTP cost, whatever else the machine does. A server of somebody else's has no such peer.
"""

import contextlib
import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from appliance.engines.errors import EngineDied, EngineMissing, EngineNonsense, EngineUnavailable
from appliance.engines.writer.raw import RawModel
from appliance.engines.writer.wire import Endpoint
from appliance.evals.bench.report import Conditions, Figure, clock, conditions, figure, percentile
from appliance.evals.table import table
from appliance.records.base import Record

PROMPT = "A customer asks when the shop is open. Answer in two sentences."
REQUEST_SECONDS = 600.0
GOAL = 0.9
_BARE = """
import json, sys, time
from mlx_lm import load, stream_generate
from mlx_lm.sample_utils import make_sampler
model, tokenizer = load(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": asked["prompt"]}], add_generation_prompt=True, tokenize=True)
    began, first, tokens = time.perf_counter(), 0.0, 0
    for part in stream_generate(model, tokenizer, prompt, max_tokens=asked["tokens"], sampler=make_sampler(temp=asked["temperature"])):
        first, tokens = first or time.perf_counter() - began, part.generation_tokens
    print(json.dumps([time.perf_counter() - began, first, len(prompt), tokens]), flush=True)
"""


class Wishes(Record):
    """What is asked, the same each time. ``stream`` False waits for the whole answer, and there is no time to the first token."""

    prompt: str = PROMPT
    count: int = 5
    warm_up: int = 1
    max_tokens: int = 128
    temperature: float = 0.0
    stream: bool = True


class Request(Record):
    """One request: seconds on the wall, to the first token (None when not streamed), and tokens as the server counted them."""

    seconds: float
    first_seconds: float | None
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens_per_second(self) -> float:
        return self.completion_tokens / self.seconds if self.seconds else 0.0


class WriterReport(Record):
    """All requests of a run and, where the model runs here, the bare engine's beside them."""

    model: str
    wishes: Wishes
    before: Conditions
    after: Conditions
    requests: tuple[Request, ...]
    bare: tuple[Request, ...] = ()
    figures: tuple[Figure, ...] = ()


def run(raw: RawModel, wishes: Wishes, folder: Path | None = None, tell: Callable[[int], None] = lambda _: None) -> WriterReport:
    """Ask the model ``count`` times. ``folder``: where its files are when it runs here; then the bare engine is asked in turns.

    Raises what the model raises: ``ModelMissing``, ``EngineMissing``, ``EngineUnavailable``, ``EngineDied``, ``EngineNonsense``.
    """
    before = conditions()
    ours: list[Request] = []
    theirs: list[Request] = []
    with _bare(folder) as bare:
        for number in range(wishes.warm_up + wishes.count):
            with raw.using(REQUEST_SECONDS) as endpoint:
                mine = ask(endpoint, wishes)
            other = bare(wishes) if bare is not None else None
            if number >= wishes.warm_up:
                ours.append(mine)
                theirs += [other] if other is not None else []
                tell(len(ours))
    return WriterReport(
        model=raw.name,
        wishes=wishes,
        before=before,
        after=conditions(),
        requests=tuple(ours),
        bare=tuple(theirs),
        figures=_figures(ours, theirs),
    )


def ask(endpoint: Endpoint, wishes: Wishes) -> Request:
    """One request over HTTP. Raises ``EngineUnavailable``, ``EngineDied``, ``EngineNonsense``."""
    body = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": wishes.prompt}],
        "max_tokens": wishes.max_tokens,
        "temperature": wishes.temperature,
        "stream": wishes.stream,
    } | ({"stream_options": {"include_usage": True}} if wishes.stream else {})
    line = _line(endpoint)
    began = clock.elapsed()
    try:
        line.request(
            "POST", f"{endpoint.path_prefix}/chat/completions", json.dumps(body), {"Content-Type": "application/json", **endpoint.headers}
        )
        response = line.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise EngineUnavailable(
                f"The model's server at {endpoint.host} answered {response.status}.", "Look at the settings of [writer]."
            )
        first, usage = _streamed(response) if wishes.stream else (None, json.loads(response.read()).get("usage"))
        ended = clock.elapsed()
    except (OSError, http.client.HTTPException) as error:
        raise EngineDied(f"The line to the model's server at {endpoint.host} broke ({type(error).__name__}).", "Try again.") from error
    except ValueError as error:
        raise EngineNonsense(f"The model's server at {endpoint.host} answered something that is no JSON.") from error
    finally:
        line.close()
    counted = usage if isinstance(usage, dict) else {}
    return Request(
        seconds=ended - began,
        first_seconds=None if first is None else first - began,
        prompt_tokens=int(counted.get("prompt_tokens", 0)),
        completion_tokens=int(counted.get("completion_tokens", 0)),
    )


def _line(endpoint: Endpoint) -> http.client.HTTPConnection:
    if not endpoint.tls:
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=REQUEST_SECONDS)
    context = ssl.create_default_context(cafile=endpoint.authorities or None)
    return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=REQUEST_SECONDS, context=context)


def _streamed(response: http.client.HTTPResponse) -> tuple[float | None, Any]:
    """When the first words came, on our clock, and the usage that the server told."""
    first, usage = None, None
    while line := response.readline():
        if not line.startswith(b"data:") or line.strip() == b"data: [DONE]":
            continue
        told = json.loads(line[5:])
        usage = told.get("usage") or usage
        if first is None and any(choice.get("delta", {}).get("content") for choice in told.get("choices") or ()):
            first = clock.elapsed()
    return first, usage


@contextlib.contextmanager
def _bare(folder: Path | None) -> Iterator[Callable[[Wishes], Request] | None]:
    """mlx-lm in a process of its own, loaded; None when the model is not on this machine."""
    if folder is None:
        yield None
        return
    process = subprocess.Popen(
        [sys.executable, "-c", _BARE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        if _answer(process) != "ready":
            raise EngineMissing("mlx-lm does not run here, or cannot load the model.", 'pip install "tandem-appliance[llm]"')
        yield lambda wishes: _bare_request(process, wishes)
    finally:
        process.kill()
        process.communicate()


def _bare_request(process: "subprocess.Popen[str]", wishes: Wishes) -> Request:
    assert process.stdin is not None
    asked = {"prompt": wishes.prompt, "tokens": wishes.max_tokens, "temperature": wishes.temperature}
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answered = _answer(process)
    if not answered:
        raise EngineDied("The bare engine's process ended while it worked.")
    seconds, first, prompt, tokens = json.loads(answered)
    return Request(seconds=seconds, first_seconds=first, prompt_tokens=prompt, completion_tokens=tokens)


def _answer(process: "subprocess.Popen[str]") -> str:
    """The next line that is an answer; a library may print others."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready" or line.startswith("["):
            return line.strip()
    return ""


def _figures(ours: Sequence[Request], theirs: Sequence[Request]) -> tuple[Figure, ...]:
    rates = [(mine.tokens_per_second, bare.tokens_per_second) for mine, bare in zip(ours, theirs, strict=False) if bare.tokens_per_second]
    if not rates:
        return ()
    note = "the server keeps what it has read of a prompt that comes again; the bare engine does not"
    return (figure("tokens a second", rates, unit="1/s", limit="mlx-lm in a bare process", goal=GOAL, more_is_better=True, note=note),)


def percentiles(report: WriterReport) -> dict[str, tuple[float, float]]:
    """The median and the 95th percentile of each thing measured; what nobody measured is left out."""
    measured = {
        "tokens_per_second": [one.tokens_per_second for one in report.requests],
        "first_token_seconds": [one.first_seconds for one in report.requests if one.first_seconds is not None],
        "seconds": [one.seconds for one in report.requests],
    }
    return {name: (round(percentile(values, 0.5), 4), round(percentile(values, 0.95), 4)) for name, values in measured.items() if values}


def trend(report: WriterReport) -> dict[str, Any]:
    """The run as one line of a table: the same columns for every run, empty where there is nothing. The prompt stands there as a digest."""
    found = percentiles(report)
    times = {
        f"{name}_{which}": found[name][place] if name in found else "" for name in _TIMES for place, which in enumerate(("p50", "p95"))
    }
    return {
        "model": report.model,
        "prompt": sha256(report.wishes.prompt.encode()).hexdigest()[:12],
        "count": report.wishes.count,
        "max_tokens": report.wishes.max_tokens,
        "temperature": report.wishes.temperature,
        "stream": report.wishes.stream,
        "prompt_tokens": sum(one.prompt_tokens for one in report.requests),
        "completion_tokens": sum(one.completion_tokens for one in report.requests),
        **times,
        "ratio": round(report.figures[0].ratio, 4) if report.figures else "",
        "load": report.before.load,
    }


_TIMES = ("tokens_per_second", "first_token_seconds", "seconds")


def rendered(report: WriterReport) -> str:
    """The run for a person."""
    wishes = report.wishes
    lines = [
        f"bench writer: {report.model}, {wishes.count} requests, at most {wishes.max_tokens} tokens, temperature {wishes.temperature:g}",
        f"  load {report.before.load:.2f} before, {report.after.load:.2f} after; {wishes.warm_up} to warm up are not counted",
        "",
        table(
            ["", "p50", "p95"],
            [[name.replace("_", " "), f"{p50:.3f}", f"{p95:.3f}"] for name, (p50, p95) in percentiles(report).items()],
            right=(1, 2),
        ),
    ]
    for one in report.figures:
        lines.append(f"\n{one.name}: {one.ratio:.2f}x of the bare engine (spread {one.low:.2f} to {one.high:.2f}), goal >= {one.goal:g}x")
    return "\n".join(lines)
