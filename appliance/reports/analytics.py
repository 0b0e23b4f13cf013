"""Some days in numbers: how much came in, what became of it, how long it took, what no source knew. Pure.

A case counts on the day it came in, and as what it is now: the parts of a day add up to what came in that day.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Protocol

from appliance.records.base import Record
from appliance.reports.costs import Cost

#: What a case came to, in the order in which a plot stacks it.
OUTCOMES: tuple[str, ...] = ("automatic", "by_person", "waiting", "routed", "other")
_LISTED = 10
_SLOW = 0.9
_WAITING = frozenset({"arrived", "listening", "waiting", "claimed", "review", "uncertain", "replying"})


class Counted(Protocol):
    """A case as numbers; the store's rows fit."""

    @property
    def received_at(self) -> float: ...
    @property
    def state(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def answered_at(self) -> float | None: ...
    @property
    def automatic(self) -> int | None: ...


class Day(Record):
    """One day of the company's calendar: when it began (Unix seconds), what came in, and what became of that."""

    at: float
    arrived: int = 0
    outcomes: dict[str, int] = {}


class Waits(Record):
    """How long customers waited for a reply, in seconds: half of them at most ``median``, nine in ten at most ``slow``."""

    number: int = 0
    median: float = 0.0
    slow: float = 0.0


class Analytics(Record):
    """The days together. Shares are name to number, the largest first. ``cut``: there was more than was looked at."""

    days: tuple[Day, ...]
    arrived: int
    outcomes: dict[str, int]
    automatic: Waits
    by_person: Waits
    languages: dict[str, int]
    channels: dict[str, int]
    held_for: dict[str, int]
    missing: dict[str, int]
    cut: bool = False
    costs: tuple[Cost, ...] = ()


def analytics(cases: Sequence[Counted], missing: Mapping[str, int], day_starts: Sequence[float], *, cut: bool = False) -> Analytics:
    """Count the cases by the days that begin at ``day_starts`` (rising, the first one first)."""
    fit = [case for case in cases if case.received_at >= day_starts[0]]
    per_day: list[Counter[str]] = [Counter() for _ in day_starts]
    for case in fit:
        per_day[bisect_right(day_starts, case.received_at) - 1][outcome(case)] += 1
    days = tuple(Day(at=at, arrived=counted.total(), outcomes=_whole(counted)) for at, counted in zip(day_starts, per_day, strict=True))
    return Analytics(
        days=days,
        arrived=len(fit),
        outcomes=_whole(sum(per_day, Counter())),
        automatic=waits(fit, automatic=True),
        by_person=waits(fit, automatic=False),
        languages=_shares(fit, lambda case: case.language if case.kind == "message" else ""),
        channels=_shares(fit, lambda case: case.channel),
        held_for=_shares(fit, lambda case: case.reason if case.state in ("review", "routed") else ""),
        missing=dict(Counter(missing).most_common(_LISTED)),
        cut=cut,
    )


def outcome(case: Counted) -> str:
    """What a case came to, as a person says it."""
    if case.answered_at is not None:
        return "automatic" if case.automatic else "by_person"
    if case.state in _WAITING:
        return "waiting"
    return "routed" if case.state == "routed" else "other"


def waits(cases: Sequence[Counted], *, automatic: bool) -> Waits:
    """How long those waited who were answered without a person, or by one."""
    answered = [(case.answered_at, case.received_at) for case in cases if bool(case.automatic) is automatic]
    seconds = sorted(max(0.0, left - came) for left, came in answered if left is not None)
    if not seconds:
        return Waits()
    return Waits(number=len(seconds), median=median(seconds), slow=seconds[min(len(seconds) - 1, int(_SLOW * len(seconds)))])


def _whole(counted: Counter[str]) -> dict[str, int]:
    return {name: counted[name] for name in OUTCOMES}


def _shares(cases: Sequence[Counted], name: Callable[[Counted], str]) -> dict[str, int]:
    """How often each name comes, the largest first; what has no name is left out."""
    return dict(Counter(said for case in cases if (said := name(case))).most_common(_LISTED))
