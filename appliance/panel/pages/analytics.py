"""The numbers of today: a page for people, JSON for programs."""

from typing import Any

from litestar import Response

from appliance.panel import plot
from appliance.panel.frame import Call, Panel, wants_page
from appliance.panel.routes import reads


def routes(panel: Panel) -> list[Any]:
    @reads("/analytics", action="see_numbers", summary="The numbers of today, as a page or as JSON")
    def analytics(request: Call) -> Response[dict[str, Any]] | Response[bytes]:
        seen: dict[str, Any] = {"counts": panel.commands.counts(), "today": panel.commands.today()}
        if not wants_page(request):
            return Response(seen, media_type="application/json")
        voice = panel.voice(panel.language_of(request))
        return panel.page(request, "analytics.html", numbers=seen, plot=plot.of_day(seen["today"].get("hours", []), voice))

    return [analytics]
