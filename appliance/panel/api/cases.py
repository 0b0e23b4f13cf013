"""Cases over HTTP: looking at them, and deciding."""

from typing import Annotated, Any, Literal

from litestar.params import Body, QueryParameter
from msgspec import Meta

from appliance.panel.decisions import decide, find_out
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, does, reads
from appliance.records.base import Record
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.language import Code

PAGE_MOST = 500
States = Annotated[list[CaseState] | None, QueryParameter(name="state", description="Only cases in this state; may come several times.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MOST, description="How many at most.")]
Before = Annotated[str, QueryParameter(max_length=64, description="Cases older than this one: `next` of the answer before.")]
Text = Annotated[str, QueryParameter(max_length=200, description="Words to look for in subject and sender.")]
Language = Annotated[Code, QueryParameter(description="The language of the sentences.")]


class CaseList(Record):
    """A page of cases, newest first. ``next`` is "" on the last page."""

    cases: list[CaseRow]
    next: str


class Review(Record, forbid_unknown_fields=True):
    """A decision about a case in review. ``text`` is the reply in your own words; ``edit`` needs it, ``approve`` may have it.

    ``seen`` is the print of the draft that was read (``draft_print`` of the case); with it a draft that has changed
    meanwhile is not approved.
    """

    decision: Literal["approve", "edit", "reject", "route"]
    text: Annotated[str, Meta(max_length=50_000)] = ""
    comment: Annotated[str, Meta(max_length=4_000)] = ""
    team: Annotated[str, Meta(max_length=100)] = ""
    seen: Annotated[str, Meta(max_length=64)] = ""


class Finding(Record, forbid_unknown_fields=True):
    """What became of a delivery that may have been sent: it was ``sent``, it was not and goes out again, or it is dropped."""

    decision: Literal["sent", "resend", "drop"]


class Decided(Record):
    case: str
    decision: str
    state: str


class Explained(Record):
    case: str
    lines: list[str]


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/cases", action="see_cases", summary="Cases, newest first")
    def cases(states: States = None, limit: Limit = 50, before: Before = "", text: Text = "") -> CaseList:
        rows = commands.rows(tuple(states) if states else None, limit=limit, before=before or None, text=text.strip())
        return CaseList(cases=rows, next=rows[-1].id if len(rows) == limit else "")

    @reads("/api/v1/cases/{case:str}", action="see_cases", summary="One case opened up", missing=True)
    def case(case: CaseId) -> CaseFile:
        return case_file(commands, case)

    @reads("/api/v1/cases/{case:str}/explanation", action="explain_case", summary="Why the case stands where it stands", missing=True)
    def explanation(case: CaseId, language: Language = "en") -> Explained:
        case_file(commands, case)
        return Explained(case=case, lines=commands.explain(case, language))

    @does("/api/v1/cases/{case:str}/review", action="see_cases", summary="Approve, edit and approve, reject or route")
    def review(request: Call, case: CaseId, data: Annotated[Review, Body()]) -> Decided:
        done = decide(commands, actor_of(request), case, data)
        return Decided(case=case, decision=done.decision, state=done.state)

    @does("/api/v1/cases/{case:str}/uncertain", action="resolve_uncertain", summary="Say what became of an uncertain delivery")
    def uncertain(request: Call, case: CaseId, data: Annotated[Finding, Body()]) -> Decided:
        return Decided(case=case, decision=data.decision, state=find_out(commands, actor_of(request), case, data.decision))

    return [cases, case, explanation, review, uncertain]
