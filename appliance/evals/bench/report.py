"""What a benchmark says: ours, the peer, the limit, the median ratio of interleaved rounds, its spread, and under what conditions.

On a machine that others use too, and whose disk drifts, only ratios taken side by side count. So every figure is made of rounds,
in each of which ours and the peer take turns; what is reported is the median of the rounds' ratios.
"""

import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from appliance.ground.clock import SystemClock
from appliance.ground.files import flush_to_disk
from appliance.records.base import Record

_FLUSHES = 9
clock = SystemClock()


class Figure(Record):
    """One measured figure. ``ratio`` is the median over the rounds; ``low`` and ``high`` are the rounds' extremes.

    ``ours`` and ``peer`` are medians in ``unit``. ``goal`` is the ratio to reach: at most it, or at least it when ``more_is_better``.
    """

    name: str
    ours: float
    peer: float
    unit: str
    limit: str
    ratio: float
    low: float
    high: float
    goal: float
    more_is_better: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        return self.ratio >= self.goal if self.more_is_better else self.ratio <= self.goal


class Conditions(Record):
    """The machine around the run: load over the last minute, and how long a flush of a small file took, in milliseconds."""

    load: float
    flush_milliseconds: float


class BenchReport(Record):
    """All figures of one benchmark."""

    name: str
    rounds: int
    before: Conditions
    after: Conditions
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    started = clock.elapsed()
    work()
    return clock.elapsed() - started


def conditions(folder: Path | None = None) -> Conditions:
    """The load and the flush time now."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        flushes = []
        for _ in range(_FLUSHES):
            file.write(b"x" * 4096)
            file.flush()
            flushes.append(seconds(lambda: flush_to_disk(file.fileno())))
    return Conditions(load=round(os.getloadavg()[0], 2), flush_milliseconds=round(1000 * statistics.median(flushes), 3))


def figure(
    name: str, pairs: Sequence[tuple[float, float]], *, unit: str, limit: str, goal: float, more_is_better: bool = False, note: str = ""
) -> Figure:
    """A figure from the rounds' pairs of ours and the peer's."""
    ratios = [ours / peer for ours, peer in pairs]
    return Figure(
        name=name,
        ours=statistics.median(ours for ours, _ in pairs),
        peer=statistics.median(peer for _, peer in pairs),
        unit=unit,
        limit=limit,
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        goal=goal,
        more_is_better=more_is_better,
        note=note,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def render(report: BenchReport) -> str:
    """The report for a person."""
    lines = [f"bench {report.name}: {report.rounds} interleaved rounds"]
    for when, state in (("before", report.before), ("after", report.after)):
        lines.append(f"  {when:7} load {state.load:.2f}, a flush takes {state.flush_milliseconds:.2f} ms")
    lines += [_line(one) for one in report.figures]
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)


def _line(one: Figure) -> str:
    sign = ">=" if one.more_is_better else "<="
    verdict = "reached" if one.met else "not reached"
    note = f"  ({one.note})" if one.note else ""
    return (
        f"  {one.name}: {one.ratio:.2f}x (spread {one.low:.2f} to {one.high:.2f}), goal {sign} {one.goal:g}x: {verdict}{note}\n"
        f"    ours {one.ours:,.4g} {one.unit}, peer {one.peer:,.4g} {one.unit}, limit: {one.limit}"
    )


def as_json(report: BenchReport) -> str:
    """The report for a program."""
    return msgspec.json.encode(report).decode()


def from_json(text: str) -> BenchReport:
    """A report that another process printed."""
    return msgspec.json.decode(text, type=BenchReport)
