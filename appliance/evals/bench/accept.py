"""Durable accepts: what one client waits for, and how many clients get through.

Ours is ``Store.receive`` of one mail, whole: known-mail, duplicate and thread look-ups, the words sealed under the customer's key, the
chained journal entry, the tables, one flush. The peer is SQLite alone: one small row, one durable transaction.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec

from appliance.evals.bench import accept_pair
from appliance.evals.bench.clients import Clients
from appliance.evals.bench.report import BenchReport, Figure, as_json, clock, conditions, figure, seconds
from appliance.evals.bench.slow_disk import with_slow_flush
from appliance.store.bare import BareCommits
from appliance.store.store import Store

_LIMIT = "a bare WAL+FULL commit of one row"
_ROW = b"x" * 600
_ALONE = 100  # accepts and bare commits a round, one after the other
_TOGETHER = 5_120  # accepts a round, shared by the clients: enough that how they begin and end does not count
_GOALS_SLOW = {1: 1.15, 32: 26.0, 128: 54.0}
_GOALS_NATIVE = {1: 1.5, 32: 4.0, 128: 4.0}
_P99_FLUSHES = 3.0


def run(rounds: int = 7, clients: int | None = None, pair: bool = False) -> BenchReport:
    """Durable accepts of whole mails against a bare commit, for one client and for many (P1, P2); --pair: on two nodes (P14)."""
    if pair:
        return accept_pair.run(rounds, clients)
    counts = [clients] if clients else [1, 32, 128]
    report = _measure(rounds, counts, _GOALS_NATIVE, "native flush", p99=False)
    slow = with_slow_flush("appliance.evals.bench.accept", [str(rounds), *map(str, counts)])
    if isinstance(slow, str):
        return msgspec.structs.replace(report, notes=(slow,))
    return msgspec.structs.replace(report, figures=(*report.figures, *slow.figures), notes=(_about(slow),))


def _about(slow: BenchReport) -> str:
    return f"at the slow disk a flush took {slow.before.flush_milliseconds:.2f} ms before and {slow.after.flush_milliseconds:.2f} ms after"


def _measure(rounds: int, counts: list[int], goals: dict[int, float], where: str, *, p99: bool) -> BenchReport:
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    before = conditions(folder)
    bare, store = BareCommits(folder / "bare.db"), Store.open(folder / "home", clock)
    try:
        trial = _Trial(store, bare)
        figures = [one for count in counts for one in trial.figures(rounds, count, goals, where, p99=p99)]
    finally:
        store.close()
        bare.close()
        after = conditions(folder)
        shutil.rmtree(folder)
    return BenchReport(name="accept", rounds=rounds, before=before, after=after, figures=tuple(figures))


class _Trial:
    """One store and one bare database that take turns."""

    def __init__(self, store: Store, bare: BareCommits) -> None:
        self._store, self._bare = store, bare
        self._clients = Clients(store, store.begin_term("bench"))
        self._clients.run(1, 500)  # every statement is prepared, and the log is long enough to be written over from here on
        for _ in range(500):
            bare.commit(_ROW)

    def figures(self, rounds: int, clients: int, goals: dict[int, float], where: str, *, p99: bool) -> list[Figure]:
        goal = goals.get(clients, goals[128])
        pairs: list[tuple[float, float]] = []
        tails: list[tuple[float, float]] = []
        for _ in range(rounds):
            self._store.tidy()
            peer = self._bare_seconds()
            each, slowest = self._clients.run(clients, max(1, (_ALONE if clients == 1 else _TOGETHER) // clients))
            peer = (peer + self._bare_seconds()) / 2  # half before and half after, since the disk drifts
            pairs.append((each, peer) if clients == 1 else (1 / each, 1 / peer))
            tails.append((slowest, peer))
        name = f"accept, {clients} client{'s' if clients > 1 else ''}, {where}"
        unit = "s" if clients == 1 else "accepts/s"
        found = [figure(name, pairs, unit=unit, limit=_LIMIT if clients == 1 else "clients", goal=goal, more_is_better=clients > 1)]
        if p99 and clients > 1:
            found.append(figure(f"{name}, 99th percentile", tails, unit="s", limit="flushes", goal=_P99_FLUSHES))
        return found

    def _bare_seconds(self) -> float:
        self._bare.tidy()
        return statistics.median(seconds(lambda: self._bare.commit(_ROW)) for _ in range(_ALONE // 2))


def _child(arguments: list[str]) -> None:
    rounds, *counts = map(int, arguments)
    print(as_json(_measure(rounds, counts, _GOALS_SLOW, "4 ms flush", p99=True)))


if __name__ == "__main__":
    _child(sys.argv[1:])
