"""Shadow mode: how a candidate that nobody sees compares with what counted."""

from typing import Any

from litestar import Response

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.analytics import PERIODS, Days
from appliance.panel.routes import page, reads
from appliance.records.base import Record
from appliance.records.candidate import CandidateRow, ShadowSummary


class Compared(Record):
    """The candidate in numbers, and what it was asked last."""

    summary: ShadowSummary
    candidates: list[CandidateRow]


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/shadow", action="see_cases", summary="The page of shadow mode: a candidate beside what counted")
    def shadow(request: Call, days: Days = 7) -> Response[bytes]:
        rows = commands.candidates(actor_of(request))
        return panel.page(request, "shadow.html", summary=commands.shadow(days), rows=rows, days=days, periods=PERIODS)

    @reads("/api/v1/shadow", action="see_cases", summary="A candidate beside what counted")
    def compared(request: Call, days: Days = 7) -> Compared:
        return Compared(summary=commands.shadow(days), candidates=commands.candidates(actor_of(request)))

    return [shadow, compared]
