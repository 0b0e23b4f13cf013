"""A long queue: claiming and settling must cost the same with half a million cases waiting as with a thousand."""

import shutil
import statistics
import tempfile
from pathlib import Path

from appliance.evals.bench import mails
from appliance.evals.bench.report import BenchReport, Figure, clock, conditions, figure, seconds
from appliance.store.limits import Sending
from appliance.store.store import Store

_SHORT = 1_000
_LONG = 500_000
_LOT = 500
_EACH = 60  # cases claimed and settled a round, in each of the two
_LOOKS = 500
_LOOK_GOAL_SECONDS = 50e-6
_FREELY = Sending(replies_per_sender_per_day=1_000_000, replies_per_hour=1_000_000)


def run(rounds: int = 7, waiting: int = _LONG) -> BenchReport:
    """Claim and settle, depth and age, with 500,000 cases waiting against 1,000 (P3). Takes a minute or two to fill."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    before = conditions(folder)
    short, long = _Queue(folder / "short", max(_SHORT, 2 * rounds * _EACH)), _Queue(folder / "long", waiting)
    try:
        figures = _figures(rounds, short, long, waiting)
    finally:
        short.close()
        long.close()
        after = conditions(folder)
        shutil.rmtree(folder)
    return BenchReport(name="backlog", rounds=rounds, before=before, after=after, figures=figures)


def _figures(rounds: int, short: "_Queue", long: "_Queue", waiting: int) -> tuple[Figure, ...]:
    turns: list[tuple[float, float]] = []
    looks: list[tuple[float, float]] = []
    for _ in range(rounds):
        first = short.turn()
        ours = long.turn()
        turns.append((ours, (first + short.turn()) / 2))
        looks.append((long.look(), _LOOK_GOAL_SECONDS))
    name = f"claim and settle with {waiting:,} waiting"
    return (
        figure(name, turns, unit="s", limit="flat", goal=1.2, note=f"the peer is the same with {short.size:,} waiting"),
        figure("depth and age", looks, unit="s", limit="one page read", goal=1.0, note="the peer is the goal of 50 microseconds"),
    )


class _Queue:
    """A store with so many cases waiting."""

    def __init__(self, home: Path, size: int) -> None:
        self.size = size
        self._store = Store.open(home, clock)
        self._term = self._store.begin_term("bench")
        self._store.first_switches(term=self._term, safe_mode=False, automation_enabled=True, outbound_enabled=True)
        for start in range(0, size, _LOT):
            lot = [mails.arrival(number) for number in range(start, min(start + _LOT, size))]
            self._store.acknowledge(self._store.receive(lot, term=self._term), None, term=self._term)
        self.turn()

    def turn(self) -> float:
        """The median time to claim a case and settle it, from a log that has been brought home in both."""
        self._store.tidy()
        return statistics.median(seconds(self._one) for _ in range(_EACH // 2))

    def look(self) -> float:
        """The median time to ask how many wait and for how long."""
        return statistics.median(seconds(self._look) for _ in range(_LOOKS))

    def close(self) -> None:
        self._store.close()

    def _one(self) -> None:
        case = self._store.claim("bench", term=self._term, seconds=60.0)
        if case is not None:
            self._store.settle(case, mails.outcome(), _FREELY, term=self._term)

    def _look(self) -> None:
        self._store.counts()
        self._store.oldest_waiting_seconds(clock.now())
