"""Escalations over HTTP."""

from typing import Annotated, Any

from litestar.params import Body
from msgspec import Meta

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, does, reads
from appliance.records.base import Record
from appliance.records.escalation import Escalation


class Escalations(Record):
    """First what nobody has seen, the highest level first."""

    escalations: list[Escalation]


class Raise(Record, forbid_unknown_fields=True):
    """To which level: 1 is seen within 4 hours, 2 within one, 3 within 15 minutes. It is only ever raised."""

    level: Annotated[int, Meta(ge=1, le=3)]
    note: Annotated[str, Meta(max_length=4_000)] = ""


class OfCase(Record):
    case: str


class Stands(Record):
    """The level at which the case stands."""

    case: str
    level: int


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/escalations", action="see_cases", summary="Cases that somebody higher up must know of")
    def escalations(request: Call) -> Escalations:
        return Escalations(escalations=commands.escalations(actor_of(request)))

    @does("/api/v1/cases/{case:str}/escalation", action="escalate_case", summary="Raise a case to a level")
    def escalate(request: Call, case: CaseId, data: Annotated[Raise, Body()]) -> Stands:
        case_file(commands, case)
        return Stands(case=case, level=commands.escalate(actor_of(request), case, data.level, data.note))

    @does("/api/v1/cases/{case:str}/escalation/seen", action="see_escalation", summary="Say that you look after an escalated case")
    def seen(request: Call, case: CaseId) -> OfCase:
        case_file(commands, case)
        commands.see_escalation(actor_of(request), case)
        return OfCase(case=case)

    return [escalations, escalate, seen]
