"""Days as the company sees them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def midnight(now: float, time_zone: str) -> float:
    """The Unix second at which the day of ``now`` began in that zone (an IANA name)."""
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
