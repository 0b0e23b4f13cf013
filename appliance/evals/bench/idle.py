"""What the appliance takes while nothing happens: memory and processor, with the panel and ten thousand passages."""

import subprocess
import sys
import threading
from pathlib import Path

import psutil

from appliance.evals.bench.process import home_of, running
from appliance.evals.bench.report import BenchReport, Figure, conditions, figure

PASSAGES = 10_000
WATCHED_SECONDS = 5.0
GOAL_MEGABYTES = 100.0
GOAL_SHARE = 0.005
SETTINGS = '[[knowledge.source]]\npath = "facts.csv"\nlanguage = "en"\n'
NOUNS = ("pump", "filter", "valve", "invoice", "delivery", "warranty", "service", "return", "hose", "heater")
LITESTAR_ALONE = """
import sys, litestar, uvicorn
@litestar.get("/")
async def hello() -> str: return "hello"
app = litestar.Litestar([hello], openapi_config=None)
sys.stdin.readline()
"""


def run(rounds: int = 7) -> BenchReport:
    """Memory and processor of a daemon that has nothing to do, with panel and 10,000 passages (P12)."""
    before = conditions()
    with home_of(SETTINGS) as home:
        _write_facts(home / "facts.csv")
        with running(home) as daemon:
            daemon.seconds_until("/readyz")
            daemon.seconds_until("/sign-in")
            process = psutil.Process(daemon.process.pid)
            shares = [_share(process) for _ in range(rounds)]
            megabytes = [process.memory_info().rss / 1e6 for _ in range(rounds)]
    figures = (_memory(megabytes), _processor(shares))
    return BenchReport(name="idle", rounds=rounds, before=before, after=conditions(), figures=figures)


def _memory(megabytes: list[float]) -> Figure:
    note = f"litestar alone {_litestar_megabytes():.0f} MB"
    pairs = [(each, GOAL_MEGABYTES) for each in megabytes]
    return figure("resident memory", pairs, unit="MB", limit="100 MB", goal=1.0, note=note)


def _processor(shares: list[float]) -> Figure:
    pairs = [(100 * each, 100 * GOAL_SHARE) for each in shares]
    return figure("share of a core", pairs, unit="%", limit="0.5 % of a core", goal=1.0, note=f"over {WATCHED_SECONDS:g} s a round")


def _share(process: psutil.Process) -> float:
    before = sum(process.cpu_times()[:2])
    threading.Event().wait(WATCHED_SECONDS)
    return float((sum(process.cpu_times()[:2]) - before) / WATCHED_SECONDS)


def _litestar_megabytes() -> float:
    child = subprocess.Popen([sys.executable, "-c", LITESTAR_ALONE], stdin=subprocess.PIPE)
    try:
        threading.Event().wait(3.0)
        return float(psutil.Process(child.pid).memory_info().rss / 1e6)
    finally:
        child.communicate(b"\n", timeout=10)


def _write_facts(path: Path) -> None:
    rows = ["Key;Value"]
    for number in range(PASSAGES):
        noun, other = NOUNS[number % len(NOUNS)], NOUNS[number // len(NOUNS) % len(NOUNS)]
        rows.append(f"{noun} {number};The {noun} of model M{number} goes with the {other} and is replaced after {number % 90 + 10} months.")
    path.write_text("\n".join(rows), encoding="utf-8")
