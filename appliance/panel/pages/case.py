"""One case: everything known of it, and what a person may decide."""

from typing import Annotated, Any

from litestar import Response

from appliance.ground.errors import Refused
from appliance.panel.decisions import Along, Done, decide, find_out
from appliance.panel.frame import Call, Panel, actor_of, session_of
from appliance.panel.opened import Opened, open_up
from appliance.panel.pages.forms import FORM, FORM_BYTES_MOST, FORM_WITH_FILES, DecisionForm, UncertainForm, notice, redirect
from appliance.panel.problems import Problem, not_found, problem_of
from appliance.panel.pushed import pushed
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form, hidden, page
from appliance.panel.safe_html import FRAME_HEADERS, frame_page
from appliance.panel.working import work_on

LISTED_TEAMS_MOST = 100


def routes(panel: Panel) -> list[Any]:
    @page("/cases/{case:str}", action="see_cases", summary="The page of one case")
    def case_page(request: Call, case: CaseId) -> Response[bytes]:
        context = opened_context(panel, request, case)
        told = pushed(panel.commands, actor_of(request), case, panel.voice(panel.language_of(request)))
        shown = {"pushed": told, "then": f"/cases/{case}", "gone": context["opened"].file.erased}
        return panel.page(request, "case.html", **context, **shown)

    @hidden("/cases/{case:str}/message", action="see_cases")
    def message(case: CaseId) -> Response[bytes]:
        """The message as the customer laid it out, for the frame in the page: no script, no style from outside, no picture fetched."""
        file = case_file(panel.commands, case)
        if file.message is None or not file.message.html:
            raise not_found("such message")
        return Response(frame_page(file.message.html), media_type="text/html; charset=utf-8", headers=FRAME_HEADERS)

    @form("/cases/{case:str}/decide", action="see_cases", most_bytes=FORM_BYTES_MOST)
    def decide_form(request: Call, case: CaseId, data: Annotated[DecisionForm, FORM_WITH_FILES]) -> Response[bytes]:
        actor = actor_of(request)
        person = panel.commands.me(actor)
        along = Along(files=data.enclosed(), signature=person.signature if person else "")
        try:
            done = decide(panel.commands, actor, case, data, along)
        except (Problem, Refused) as refused:
            return panel.problem(request, problem_of(refused), then=f"/cases/{case}", written=data.text)
        teams = panel.commands.teams(panel.language_of(request)) if done.decision == "route" else {}
        notice(request, _done(done), to=teams.get(data.team, done.to))
        session = session_of(request)
        if session is not None:
            session.decided = case
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


def _done(done: Done) -> str:
    """The key of the words for what was done; a reply without an address was said into a chat."""
    said = done.decision in ("approve", "edit") and not done.to
    return "done.said" if said else f"done.{done.decision}"


def opened_context(panel: Panel, request: Call, case: str) -> dict[str, Any]:
    """What the templates need to show one case."""
    language = panel.language_of(request)
    file = case_file(panel.commands, case)
    opened: Opened = open_up(file, panel.commands.explain(case, language), panel.commands.passage, panel.voice(language))
    work = work_on(panel.commands, actor_of(request), file)
    talk = panel.commands.chat_of(actor_of(request), case) if file.row.channel == "chat" else {}
    return {
        "opened": opened,
        "clips": panel.commands.clips(case),
        "work": work,
        "talk": talk,
        "teams": dict(list(panel.commands.teams(language).items())[:LISTED_TEAMS_MOST]),
    }
