"""Numbers for people."""

from typing import Protocol

from appliance.reports.analytics import Analytics


class NumbersDoor(Protocol):
    """What happened, counted."""

    def analytics(self, past_days: int = 7) -> Analytics:
        """The last so many days of the company's calendar, today included."""
        ...
