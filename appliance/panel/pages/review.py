"""The review: what waits on the left, the case on the right, the oldest first."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import QueryParameter

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.case import opened_context
from appliance.panel.problems import Problem
from appliance.panel.routes import page
from appliance.panel.waiting import waiting_rows

A_PAGE = 100
CaseWish = Annotated[str, QueryParameter(name="case", max_length=64, description="The case to open; the oldest by default.")]
WhoseWish = Annotated[str, QueryParameter(name="whose", max_length=10, description="`mine`, `free` (nobody's), or all of them.")]
BeyondWish = Annotated[str, QueryParameter(name="beyond", max_length=64, description="Cases that came after this one.")]


def routes(panel: Panel) -> list[Any]:
    @page("/review", action="see_cases", summary="The review page")
    def review(request: Call, wished: CaseWish = "", whose: WhoseWish = "", beyond: BeyondWish = "") -> Response[bytes]:
        assigned = {"mine": actor_of(request).name, "free": ""}.get(whose)
        rows = waiting_rows(panel.commands, A_PAGE + 1, beyond, assigned)
        chosen = wished or (rows[0].id if rows else "")
        shown = _shown(panel, request, chosen) if chosen else {"opened": None, "work": None, "teams": {}}
        return panel.page(
            request,
            "review.html",
            rows=rows[:A_PAGE],
            later=rows[A_PAGE - 1].id if len(rows) > A_PAGE else "",
            beyond=beyond,
            whose=whose if assigned is not None else "",
            writing=panel.commands.presence(),
            chosen=chosen,
            explicit=bool(wished),
            **shown,
        )

    return [review]


def _shown(panel: Panel, request: Call, case: str) -> dict[str, Any]:
    """The chosen case; when it has gone meanwhile, the list still stands."""
    try:
        return opened_context(panel, request, case)
    except Problem as problem:
        if problem.status != 404:
            raise
        return {"opened": None, "work": None, "teams": {}}
