"""Shadow mode: how a candidate compares with what counted."""

from appliance.node import days
from appliance.node.control import command
from appliance.node.topic import Topic
from appliance.records.candidate import CandidateRow, ShadowSummary
from appliance.records.person import Actor

DAYS_MOST = 92


class ShadowCommands(Topic):
    """The commands about the candidate."""

    @command
    def shadow(self, past_days: int = 7) -> ShadowSummary:
        """The candidate in numbers over so many days of the company's calendar, today included."""
        node = self._node
        starts = days.last_days(node.clock.now(), min(max(past_days, 1), DAYS_MOST), node.settings.panel.time_zone)
        return node.store.candidates.summary(starts[0], starts[-1], node.settings.shadow.per_day)

    @command
    def candidates(self, actor: Actor, limit: int = 50) -> list[CandidateRow]:
        """What the candidate was asked, the newest first."""
        self._allow(actor, "see_cases")
        return self._node.store.candidates.list(limit)
