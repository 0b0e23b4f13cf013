"""A dry day: what the appliance would have sent by itself while automation was off, and what people made of it. Pure.

A case counts as *would have left* when the lever alone held it: every reason in its trail is a lever's. That is the desk's own
record of the decision, so nothing is decided anew here. What this is not: a promise about the limits of an hour or a day, which
are asked when a reply really leaves.
"""

from collections.abc import Sequence
from typing import Protocol

from appliance.records.base import Record

LEVERS = frozenset({"automation_off", "outbound_off"})
CASES_LEAST = 20
HOURS_LEAST, CASES_LEAST_IN_A_DAY = 24.0, 5
SHOWN_MOST = 50


class Shadow(Protocol):
    """One case that the desk settled; the store's rows fit. ``decided`` is what a person came to: "" not yet, else approve, reject
    or route."""

    @property
    def case(self) -> str: ...
    @property
    def decision(self) -> str: ...
    @property
    def stages(self) -> tuple[str, ...]: ...
    @property
    def decided(self) -> str: ...
    @property
    def edited(self) -> bool: ...


class DryDay(Record):
    """The day so far. ``since`` is when automation was closed with safe mode off (Unix seconds), ``hours`` how long ago that is.

    Of ``would_leave`` people have looked at ``looked_at``; ``unchanged`` of those went out as they were. ``enough``: there is
    something to judge by. ``shown`` are the cases that would have left, the newest first.
    """

    since: float
    hours: float = 0.0
    cases: int = 0
    would_leave: int = 0
    looked_at: int = 0
    unchanged: int = 0
    edited: int = 0
    refused: int = 0
    enough: bool = False
    shown: tuple[str, ...] = ()


def would_have_left(decision: str, stages: Sequence[str]) -> bool:
    """Whether the automation lever, and nothing but a lever, kept this case from leaving."""
    return decision == "review" and "automation_off" in stages and LEVERS.issuperset(stages)


def dry_day(settled: Sequence[Shadow], since: float, now: float) -> DryDay:
    """Count what was settled since then, the newest first. What was closed without a word, such as a bounce, is no case here."""
    cases = [one for one in settled if one.decision != "close"]
    would = [one for one in cases if would_have_left(one.decision, one.stages)]
    looked = [one for one in would if one.decided]
    approved = [one for one in looked if one.decided == "approve"]
    edited = sum(one.edited for one in approved)
    hours = max(0.0, (now - since) / 3600)
    return DryDay(
        since=since,
        hours=hours,
        cases=len(cases),
        would_leave=len(would),
        looked_at=len(looked),
        unchanged=len(approved) - edited,
        edited=edited,
        refused=len(looked) - len(approved),
        enough=len(cases) >= CASES_LEAST or (hours >= HOURS_LEAST and len(cases) >= CASES_LEAST_IN_A_DAY),
        shown=tuple(one.case for one in would[:SHOWN_MOST]),
    )
