"""One case: everything known of it, and what a person may decide."""

from typing import Annotated, Any

from litestar import Response

from appliance.panel.decisions import decide, find_out
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.opened import Opened, open_up
from appliance.panel.pages.forms import FORM, DecisionForm, UncertainForm, notice, redirect
from appliance.panel.problems import Problem, not_found
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form, hidden, page
from appliance.panel.safe_html import FRAME_HEADERS, frame_page

LISTED_TEAMS_MOST = 100


def routes(panel: Panel) -> list[Any]:
    @page("/cases/{case:str}", action="see_cases", summary="The page of one case")
    def case_page(request: Call, case: CaseId) -> Response[bytes]:
        return panel.page(request, "case.html", **opened_context(panel, request, case))

    @hidden("/cases/{case:str}/message", action="see_cases")
    def message(case: CaseId) -> Response[bytes]:
        """The message as the customer laid it out, for the frame in the page: no script, no style from outside, no picture fetched."""
        file = case_file(panel.commands, case)
        if file.message is None or not file.message.html:
            raise not_found("such message")
        return Response(frame_page(file.message.html), media_type="text/html; charset=utf-8", headers=FRAME_HEADERS)

    @form("/cases/{case:str}/decide", action="see_cases")
    def decide_form(request: Call, case: CaseId, data: Annotated[DecisionForm, FORM]) -> Response[bytes]:
        done = decide(panel.commands, actor_of(request), case, data)
        notice(request, f"done.{done.decision}", to=done.to)
        return redirect("/review")

    @form("/cases/{case:str}/uncertain", action="resolve_uncertain")
    def uncertain_form(request: Call, case: CaseId, data: Annotated[UncertainForm, FORM]) -> Response[bytes]:
        if data.decision == "resend" and not data.looked:
            raise Problem(
                400,
                "not_looked",
                "Nobody has looked whether the reply was sent.",
                "Look in the mailbox first, tick the box, then send again.",
            )
        find_out(panel.commands, actor_of(request), case, data.decision)
        notice(request, f"done.{data.decision}")
        return redirect("/review")

    return [case_page, message, decide_form, uncertain_form]


def opened_context(panel: Panel, request: Call, case: str) -> dict[str, Any]:
    """What the templates need to show one case."""
    language = panel.language_of(request)
    file = case_file(panel.commands, case)
    opened: Opened = open_up(file, panel.commands.explain(case, language), panel.commands.passage, panel.voice(language))
    return {"opened": opened, "teams": dict(list(panel.commands.teams(language).items())[:LISTED_TEAMS_MOST])}
