"""Days as the company sees them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def midnight(now: float, time_zone: str) -> float:
    """The Unix second at which the day of ``now`` began in that zone (an IANA name)."""
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def last_days(now: float, number: int, time_zone: str) -> list[float]:
    """When each of the last days began, today last; a day is 23 or 25 hours long when the clocks change."""
    today = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return [(today - timedelta(days=back)).timestamp() for back in range(number - 1, -1, -1)]
