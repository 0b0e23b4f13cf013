"""When people answer: lines such as ``mon-fri 8-16`` or ``sat 10:00-14:30``, and when somebody is there again. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from appliance.records.base import Record

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(DAYS)
_LINE = re.compile(rf"(?P<first>{_DAY})(?:-(?P<last>{_DAY}))? (?P<opens>[\d:.]+)-(?P<closes>[\d:.]+)")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_DAY_MINUTES = 24 * 60


class Span(Record):
    """One span of one day of the week (0 is Monday), in minutes since midnight."""

    day: int
    opens: int
    closes: int


class NotHours(ValueError):
    """A line that says no hours. Its text is the reason."""


def parse(line: str) -> tuple[Span, ...]:
    """The spans of one line, one for each day. Raises ``NotHours``."""
    found = _LINE.fullmatch(" ".join(line.lower().replace("–", "-").split()))
    if found is None:
        raise NotHours(f"{line!r} is not in the form DAYS FROM-TO")
    opens, closes = _minutes(found["opens"]), _minutes(found["closes"])
    if opens >= closes:
        raise NotHours(f"{line!r} ends before it begins")
    first = DAYS.index(found["first"])
    last = DAYS.index(found["last"] or found["first"])
    if last < first:
        raise NotHours(f"{line!r} names its days backwards")
    return tuple(Span(day=day, opens=opens, closes=closes) for day in range(first, last + 1))


def _minutes(time: str) -> int:
    found = _TIME.fullmatch(time)
    minutes = int(found[1]) * 60 + int(found[2] or 0) if found and int(found[2] or 0) < 60 else _DAY_MINUTES + 1
    if minutes > _DAY_MINUTES:
        raise NotHours(f"{time!r} is no time of day")
    return minutes


def opens_next(lines: Iterable[str], now: datetime) -> datetime | None:
    """When a person answers again; None when somebody is there now, or when nobody said any hours.

    ``now`` is in the company's own time zone, and so is the answer.
    """
    spans = [span for line in lines for span in parse(line)]
    minute = now.hour * 60 + now.minute
    if not spans or any(span.day == now.weekday() and span.opens <= minute < span.closes for span in spans):
        return None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    coming = (midnight + timedelta(days=(span.day - now.weekday()) % 7, minutes=span.opens) for span in spans)
    return min(when if when > now else when + timedelta(days=7) for when in coming)
