"""The panel's pages with ten thousand cases behind them, each against the goal that a page has.

One person at one kept-alive connection asks for each page in turn, so what is seen is the server's own time and the loopback's.
"""

import http.client
import statistics
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from appliance.evals.bench import mails
from appliance.evals.bench.process import home_of, key_of, running
from appliance.evals.bench.report import BenchReport, Figure, clock, conditions, figure, percentile
from appliance.records.answer import Decision, Outcome
from appliance.records.message import Arrival
from appliance.records.policy import Reason
from appliance.store.limits import Sending
from appliance.store.store import Store

CASES = 10_000
GOAL_SECONDS = 0.05
ASKED = 20  # times each page is asked for in a round
_LOT = 500
_HANDS = 16  # cases settled at once; they share their flushes
_MINUTE = 60.0
_LIMITS = Sending(replies_per_sender_per_day=1, replies_per_hour=1)
_HELD = msgspec.structs.replace(mails.outcome(), decision=Decision.REVIEW, reason=Reason(code="automation_off"), score=0.4)
_ROUTED = msgspec.structs.replace(mails.outcome(), decision=Decision.ROUTE, reason=Reason(code="no_source"), team="orders", draft=None)


def run(rounds: int = 7, cases: int = CASES) -> BenchReport:
    """The panel's pages with 10,000 cases, against the goal of 50 ms. Takes a minute to fill."""
    before = conditions()
    with home_of() as home:
        filled(home, cases)
        with running(home) as daemon:
            daemon.seconds_until("/readyz")
            reader = _Reader(daemon.port, key_of(home, "agent"))
            pages = {**PAGES, "one case": f"/cases/{reader.a_case()}"}
            first = {name: reader.ask(path) for name, path in pages.items()}
            seen = [{name: [reader.ask(path) for _ in range(ASKED)] for name, path in pages.items()} for _ in range(rounds)]
            reader.close()
    figures = tuple(one for name in pages for one in _figures(name, [round_[name] for round_ in seen]))
    slowest = max(first, key=first.__getitem__)
    notes = (f"asked for the first time, the slowest was {slowest}: {1000 * first[slowest]:.0f} ms",)
    return BenchReport(name="panel", rounds=rounds, before=before, after=conditions(), figures=figures, notes=notes)


PAGES: Mapping[str, str] = {
    "overview": "/",
    "review": "/review",
    "cases": "/cases",
    "cases by state": "/cases?state=review",
    "cases by words": "/cases?text=order+77",
    "analytics": "/analytics?days=30",
}


def _figures(name: str, rounds: list[list[float]]) -> tuple[Figure, Figure]:
    medians = [(statistics.median(each), GOAL_SECONDS) for each in rounds]
    tails = [(percentile(each, 0.99), GOAL_SECONDS) for each in rounds]
    return (
        figure(name, medians, unit="s", limit="50 ms", goal=1.0),
        figure(f"{name}, 99th percentile", tails, unit="s", limit="50 ms", goal=1.0),
    )


def filled(home: Path, cases: int) -> None:
    """Put so many cases into the store of this home, through the store: every second one held for a person, the rest with a team."""
    store = Store.open(home, clock)
    try:
        term = store.begin_term("bench")
        for start in range(0, cases, _LOT):
            lot = [_arrival(number, cases) for number in range(start, min(start + _LOT, cases))]
            store.acknowledge(store.receive(lot, term=term), None, term=term)
        with ThreadPoolExecutor(_HANDS) as hands:
            list(hands.map(lambda number: _settle(store, term, _HELD if number % 2 else _ROUTED), range(cases)))
    finally:
        store.close()


def _arrival(number: int, cases: int) -> Arrival:
    """One a minute, the last of them now, so that the pages of days and of today have something to draw."""
    return msgspec.structs.replace(mails.arrival(number), received_at=clock.now() - (cases - number) * _MINUTE)


def _settle(store: Store, term: int, outcome: Outcome) -> None:
    case = store.claim("bench", term=term, seconds=60.0)
    if case is not None:
        store.settle(case, outcome, _LIMITS, term=term)


class _Reader:
    """A person with a key who reads pages."""

    def __init__(self, port: int, key: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"X-API-Key": key, "Accept": "text/html"}

    def ask(self, path: str) -> float:
        """How long the page took, in seconds."""
        started = clock.elapsed()
        self._get(path, self._headers)
        return clock.elapsed() - started

    def a_case(self) -> str:
        """A case that waits for a person."""
        rows = msgspec.json.decode(self._get("/api/v1/cases?state=review&limit=1", {**self._headers, "Accept": "application/json"}))
        return str(rows["cases"][0]["id"])

    def close(self) -> None:
        self._line.close()

    def _get(self, path: str, headers: Mapping[str, str]) -> bytes:
        self._line.request("GET", path, headers=dict(headers))
        answer = self._line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
        return body
