"""Escalations: what somebody higher up must know of, and who looks after it."""

from typing import Annotated, Any

from litestar import Response
from msgspec import Meta

from appliance.ground.errors import Refused
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.forms import COMMENT_LENGTH_MOST, FORM, notice, redirect
from appliance.panel.pages.work import CaseForm
from appliance.panel.problems import problem_of
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form, page
from appliance.records.base import Record
from appliance.records.escalation import SEEN_WITHIN_SECONDS, Escalation


class EscalateForm(Record):
    """To which level, and what whoever sees it should know."""

    level: Annotated[int, Meta(ge=1, le=3)]
    note: Annotated[str, Meta(max_length=COMMENT_LENGTH_MOST)] = ""
    csrf: str = ""


class Row(Record):
    """An escalation as the list shows it. ``late``: nobody has seen it within what its level promises."""

    one: Escalation
    late: bool


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/escalations", action="see_cases", summary="The page of escalations")
    def escalations(request: Call) -> Response[bytes]:
        now = panel.options.clock.now()
        rows = [Row(one=one, late=is_late(one, now)) for one in commands.escalations(actor_of(request))]
        return panel.page(request, "escalations.html", rows=rows, promises=SEEN_WITHIN_SECONDS)

    @form("/cases/{case:str}/escalate", action="escalate_case")
    def escalate(request: Call, case: CaseId, data: Annotated[EscalateForm, FORM]) -> Response[bytes]:
        case_file(commands, case)
        try:
            level = commands.escalate(actor_of(request), case, data.level, data.note)
        except Refused as refused:
            return panel.problem(request, problem_of(refused), then=f"/cases/{case}", written=data.note)
        notice(request, "done.escalated", level=str(level))
        return redirect(f"/review?case={case}")

    @form("/cases/{case:str}/escalation/seen", action="see_escalation")
    def seen(request: Call, case: CaseId, data: Annotated[CaseForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        case_file(commands, case)
        commands.see_escalation(actor_of(request), case)
        return redirect("/escalations")

    return [escalations, escalate, seen]


def is_late(one: Escalation, now: float) -> bool:
    """Whether nobody has seen it within what its level promises."""
    return not one.seen_at and now - one.raised_at > SEEN_WITHIN_SECONDS.get(one.level, 0.0)
