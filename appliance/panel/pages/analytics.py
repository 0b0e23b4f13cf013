"""The numbers of the last days and of today: a page for people, JSON for programs."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import QueryParameter

from appliance.panel import plot
from appliance.panel.frame import Call, Panel, wants_page
from appliance.panel.routes import reads

PERIODS: tuple[int, ...] = (7, 30, 90)
Days = Annotated[int, QueryParameter(ge=1, le=90, description="How many days of the company's calendar, today included.")]


def routes(panel: Panel) -> list[Any]:
    @reads("/analytics", action="see_numbers", summary="The numbers of the last days and of today, as a page or as JSON")
    def analytics(request: Call, days: Days = 7) -> Response[dict[str, Any]] | Response[bytes]:
        seen: dict[str, Any] = {
            "counts": panel.commands.counts(),
            "today": panel.commands.today(),
            "period": panel.commands.analytics(days),
        }
        if not wants_page(request):
            return Response(seen, media_type="application/json")
        voice = panel.voice(panel.language_of(request))
        return panel.page(
            request,
            "analytics.html",
            numbers=seen,
            period=seen["period"],
            days=days,
            periods=PERIODS,
            plot=plot.of_days(seen["period"].days, voice),
            day=plot.of_day(seen["today"].get("hours", []), voice),
        )

    return [analytics]
