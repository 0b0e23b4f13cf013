"""Numbers for people: the days behind us."""

from msgspec.structs import replace

from appliance.node import days
from appliance.node.control import command
from appliance.node.topic import Topic
from appliance.reports.analytics import Analytics, analytics
from appliance.reports.costs import costs

DAYS_MOST = 92
CASES_MOST = 100_000


class NumbersCommands(Topic):
    """What happened, counted."""

    @command
    def analytics(self, past_days: int = 7) -> Analytics:
        """The last so many days of the company's calendar, today included."""
        node = self._node
        starts = days.last_days(node.clock.now(), min(max(past_days, 1), DAYS_MOST), node.settings.panel.time_zone)
        cases, missing = node.store.numbers_since(starts[0], CASES_MOST)
        counted = analytics(cases, missing, starts, cut=len(cases) >= CASES_MOST)
        return replace(counted, costs=costs(node.store.used_since(starts[0]), node.settings.energy.watts))
