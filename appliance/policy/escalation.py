"""When somebody higher up must know of a case: levels 1 to 3, each with a promise how soon a person looks. Pure.

The criteria stand in ``policy.toml`` as ``[[escalation]]`` tables. What stands in one table must all hold; of several tables that
fit, the highest level counts. A case may also be escalated by hand. A level is only ever raised.
"""

from collections.abc import Sequence

from appliance.policy.checked import Table
from appliance.records.base import Record
from appliance.records.escalation import LEVELS

_MINUTES_MOST = 60 * 24 * 30


class Criterion(Record):
    """What raises a case to a level. An empty condition asks for nothing; ``code`` says which condition it is told by."""

    level: int
    tiers: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    waiting_minutes: float = 0.0

    @property
    def code(self) -> str:
        return "tier" if self.tiers else "reason" if self.reasons else "waiting"


class Standing(Record):
    """Of a case that waits for a person, what the criteria look at."""

    tier: int | None
    reason: str
    waited_seconds: float


class Raised(Record):
    """The level that a case should have, and by which kind of criterion."""

    level: int
    code: str


def read(top: Table, default: Table) -> tuple[Criterion, ...]:
    """The criteria of a policy file; the built-in ones when it says nothing of them."""
    return tuple(_criterion(entry) for entry in (top if top.has("escalation") else default).tables("escalation"))


def _criterion(entry: Table) -> Criterion:
    criterion = Criterion(
        level=entry.whole("level", 1, LEVELS[0], LEVELS[-1]),
        tiers=tuple(entry.wholes("tiers", 0, 3)),
        reasons=tuple(entry.strings("reasons")),
        waiting_minutes=entry.number("waiting_minutes", 0.0, 0.0, _MINUTES_MOST),
    )
    if not (criterion.tiers or criterion.reasons or criterion.waiting_minutes):
        raise entry.wrong("level", "nothing says when a case is escalated", "Add tiers, reasons or waiting_minutes.")
    entry.done()
    return criterion


def due(standing: Standing, criteria: Sequence[Criterion], level: int) -> Raised | None:
    """The level that a case of this ``level`` should be raised to; None when it stands where it should."""
    fit = [one for one in criteria if one.level > level and _holds(one, standing)]
    highest = max(fit, key=lambda one: one.level, default=None)
    return None if highest is None else Raised(level=highest.level, code=highest.code)


def _holds(criterion: Criterion, standing: Standing) -> bool:
    return (
        (not criterion.tiers or standing.tier in criterion.tiers)
        and (not criterion.reasons or standing.reason in criterion.reasons)
        and (not criterion.waiting_minutes or standing.waited_seconds >= 60 * criterion.waiting_minutes)
    )
