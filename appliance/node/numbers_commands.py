"""Numbers for people: the days behind us."""

from typing import TYPE_CHECKING

from appliance.node import days
from appliance.node.control import command
from appliance.reports.analytics import Analytics, analytics

if TYPE_CHECKING:
    from appliance.node.node import Node

DAYS_MOST = 92
CASES_MOST = 100_000


class NumbersCommands:
    """What happened, counted."""

    _node: "Node"

    @command
    def analytics(self, past_days: int = 7) -> Analytics:
        """The last so many days of the company's calendar, today included."""
        node = self._node
        starts = days.last_days(node.clock.now(), min(max(past_days, 1), DAYS_MOST), node.settings.panel.time_zone)
        cases, missing = node.store.numbers_since(starts[0], CASES_MOST)
        return analytics(cases, missing, starts, cut=len(cases) >= CASES_MOST)
