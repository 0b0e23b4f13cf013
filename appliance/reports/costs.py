"""What answers took: time in the engine, tokens, and the electricity of it as an estimate. Pure."""

from collections.abc import Iterable
from typing import Protocol

from appliance.records.base import Record

HOUR_SECONDS = 3600.0


class Used(Protocol):
    """What was added up for one tier and engine; the store's rows fit."""

    @property
    def tier(self) -> int: ...
    @property
    def engine(self) -> str: ...
    @property
    def cases(self) -> int: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def seconds(self) -> float: ...


class Cost(Record):
    """One tier's answers by one engine, for one answer on average. ``cached`` is the share of the prompt's tokens that were not worked on
    again. ``watt_hours`` are ``seconds`` at the machine's watts, None where nobody said how many those are."""

    tier: int
    engine: str
    cases: int
    seconds: float
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0
    cached: float = 0.0
    watt_hours: float | None = None


def costs(used: Iterable[Used], watts: float = 0.0) -> tuple[Cost, ...]:
    """Averages for an answer, by tier and engine."""
    return tuple(_cost(one, watts) for one in sorted(used, key=lambda one: (one.tier, one.engine)) if one.cases)


def _cost(one: Used, watts: float) -> Cost:
    seconds = one.seconds / one.cases
    return Cost(
        tier=one.tier,
        engine=one.engine,
        cases=one.cases,
        seconds=seconds,
        prompt_tokens=one.prompt_tokens / one.cases,
        completion_tokens=one.completion_tokens / one.cases,
        cached=one.cached_tokens / one.prompt_tokens if one.prompt_tokens else 0.0,
        watt_hours=watt_hours(seconds, watts),
    )


def watt_hours(seconds: float, watts: float) -> float | None:
    """So many seconds at so many watts; None when the watts are not known (0)."""
    return watts * seconds / HOUR_SECONDS if watts else None
