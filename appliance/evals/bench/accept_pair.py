"""Accepts that both nodes hold before anybody is told, against the same accepts on one node.

Leader and standby are two processes, each with its own disk (at the slow one, each waits its own 4 ms), joined by TLS over loopback. A
pair that flushed one disk after the other would need 2x.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import msgspec

from appliance.evals.bench.clients import Clients
from appliance.evals.bench.report import BenchReport, Figure, as_json, clock, conditions, figure
from appliance.evals.bench.slow_disk import with_slow_flush
from appliance.evals.bench.two_nodes import TERM, Leader, StandbyProcess
from appliance.store.store import Store

_LIMIT = "the same accept on one node"
_ALONE = 100  # accepts a round of one client, and of the many together
_TOGETHER = 5_120
_GOAL_SLOW, _GOAL_NATIVE = 1.2, 2.0


def run(rounds: int = 7, clients: int | None = None) -> BenchReport:
    """Accepts that two nodes hold, against accepts on one, for one client and for many (P14)."""
    counts = [clients] if clients else [1, 32]
    report = _measure(rounds, counts, "native flush", _GOAL_NATIVE)
    slow = with_slow_flush("appliance.evals.bench.accept_pair", [str(rounds), *map(str, counts)])
    if isinstance(slow, str):
        return msgspec.structs.replace(report, notes=(slow,))
    took = f"at the slow disk a flush took {slow.before.flush_milliseconds:.2f} ms before and {slow.after.flush_milliseconds:.2f} ms after"
    native = "no goal was set at the native flush; 2x is what one flush after the other would cost"
    return msgspec.structs.replace(report, figures=(*slow.figures, *report.figures), notes=(took, native))


def _measure(rounds: int, counts: list[int], where: str, goal: float) -> BenchReport:
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    before = conditions(folder)
    alone, leader = Store.open(folder / "alone", clock), Leader(folder)
    leader.keep_beginning()
    standby = StandbyProcess(leader)
    try:
        standby.say("follow")
        leader.until_held(leader.store.position)
        leader.solo = False
        both, one = Clients(leader.store, TERM), Clients(alone, alone.begin_term("bench"))
        for each in (both, one):
            each.run(1, 300)  # every statement is prepared, and the log is long enough to be written over from here on
        figures = tuple(_figure(rounds, count, (both, leader.store), (one, alone), where, goal) for count in counts)
    finally:
        leader.solo = True
        standby.stop()
        leader.close()
        alone.close()
        after = conditions(folder)
        shutil.rmtree(folder)
    return BenchReport(name="accept --pair", rounds=rounds, before=before, after=after, figures=figures)


def _figure(rounds: int, clients: int, pair: tuple[Clients, Store], alone: tuple[Clients, Store], where: str, goal: float) -> Figure:
    each = max(1, (_ALONE if clients == 1 else _TOGETHER) // clients)
    pairs, tails = [], []
    for _ in range(rounds):
        for _, store in (pair, alone):
            store.tidy()
        half = max(1, each // 2)
        first, _ = alone[0].run(clients, half)
        ours, tail = pair[0].run(clients, each)
        second, _ = alone[0].run(clients, half)  # half before and half after, since the disk drifts
        pairs.append((ours, (first + second) / 2))
        tails.append(tail)
    name = f"accept on both nodes, {clients} client{'s' if clients > 1 else ''}, {where}"
    note = (
        f"{1 / min(ours for ours, _ in pairs):,.0f} a second at best; 99th percentile {1000 * min(tails):.1f} to {1000 * max(tails):.1f} ms"
    )
    return figure(name, pairs, unit="s", limit=_LIMIT, goal=goal, note=note)


def _child(arguments: list[str]) -> None:
    rounds, *counts = map(int, arguments)
    print(as_json(_measure(rounds, counts, "4 ms flush", _GOAL_SLOW)))


if __name__ == "__main__":
    _child(sys.argv[1:])
