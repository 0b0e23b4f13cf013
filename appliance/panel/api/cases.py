"""Cases over HTTP: looking at them, and deciding."""

from base64 import b64decode
from typing import Annotated, Any, Literal

from litestar.params import Body, QueryParameter
from msgspec import Meta

from appliance.panel.decisions import Along, decide, find_out
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.problems import Problem
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, does, reads
from appliance.records.base import Record
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.language import Code
from appliance.records.work import File

PAGE_MOST = 500
REVIEW_BYTES_MOST = 16_000_000  # the longest reply and 10 MB of files in base64
States = Annotated[list[CaseState] | None, QueryParameter(name="state", description="Only cases in this state; may come several times.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MOST, description="How many at most.")]
Before = Annotated[str, QueryParameter(max_length=64, description="Cases beyond this one: `next` of the answer before.")]
Text = Annotated[str, QueryParameter(max_length=200, description="Words that sender, subject and text must all hold.")]
OldestFirst = Annotated[bool, QueryParameter(description="The oldest first; of cases looked for by words always the newest.")]
AssignedTo = Annotated[str | None, QueryParameter(max_length=100, description="Only those of this person; empty: those of nobody.")]
Language = Annotated[Code, QueryParameter(description="The language of the sentences.")]


class CaseList(Record):
    """A page of cases, newest first. ``next`` is "" on the last page."""

    cases: list[CaseRow]
    next: str


class Upload(Record):
    """A file that goes with a reply; ``data`` are its bytes in base64."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    media_type: Annotated[str, Meta(max_length=150)]
    data: Annotated[str, Meta(min_length=4, pattern="^[A-Za-z0-9+/]*={0,2}$")]


class Review(Record, forbid_unknown_fields=True):
    """A decision about a case in review. ``text`` is the reply in your own words; ``edit`` needs it, ``approve`` may have it.

    ``seen`` is the print of the draft that was read (``draft_print`` of the case); with it a draft that has changed
    meanwhile is not approved. ``files`` go with the reply, at most 5 of 10 MB together; ``signature`` stands above the company's.
    """

    decision: Literal["approve", "edit", "reject", "route"]
    text: Annotated[str, Meta(max_length=50_000)] = ""
    comment: Annotated[str, Meta(max_length=4_000)] = ""
    team: Annotated[str, Meta(max_length=100)] = ""
    seen: Annotated[str, Meta(max_length=64)] = ""
    files: Annotated[list[Upload], Meta(max_length=5)] = []
    signature: Annotated[str, Meta(max_length=2_000)] = ""


class Finding(Record, forbid_unknown_fields=True):
    """What became of a delivery that may have been sent: it was ``sent``, it was not and goes out again, or it is dropped."""

    decision: Literal["sent", "resend", "drop"]


class Decided(Record):
    """``undo_until``: until when it can be taken back, in Unix seconds; 0 when it cannot."""

    case: str
    decision: str
    state: str
    undo_until: float = 0.0


class Explained(Record):
    case: str
    lines: list[str]


def _file(upload: Upload) -> File:
    try:
        return File(name=upload.name, media_type=upload.media_type, data=b64decode(upload.data, validate=True))
    except ValueError as error:
        raise Problem(409, "file", "A file is not in base64.", "Encode its bytes as RFC 4648, 4 has it.") from error


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/cases", action="see_cases", summary="Cases, newest first")
    def cases(
        states: States = None,
        limit: Limit = 50,
        before: Before = "",
        text: Text = "",
        oldest_first: OldestFirst = False,
        assigned: AssignedTo = None,
    ) -> CaseList:
        wanted = tuple(states) if states else None
        rows = commands.rows(wanted, limit, before or None, text.strip(), oldest_first, assigned=assigned)
        return CaseList(cases=rows, next=rows[-1].id if len(rows) == limit else "")

    @reads("/api/v1/cases/{case:str}", action="see_cases", summary="One case opened up", missing=True)
    def case(case: CaseId) -> CaseFile:
        return case_file(commands, case)

    @reads("/api/v1/cases/{case:str}/explanation", action="explain_case", summary="Why the case stands where it stands", missing=True)
    def explanation(case: CaseId, language: Language = "en") -> Explained:
        case_file(commands, case)
        return Explained(case=case, lines=commands.explain(case, language))

    @does(
        "/api/v1/cases/{case:str}/review",
        action="see_cases",
        summary="Approve, edit and approve, reject or route",
        request_max_body_size=REVIEW_BYTES_MOST,
    )
    def review(request: Call, case: CaseId, data: Annotated[Review, Body()]) -> Decided:
        along = Along(files=tuple(map(_file, data.files)), signature=data.signature)
        done = decide(commands, actor_of(request), case, data, along)
        return Decided(case=case, decision=done.decision, state=done.state, undo_until=commands.undo_until(case))

    @does("/api/v1/cases/{case:str}/uncertain", action="resolve_uncertain", summary="Say what became of an uncertain delivery")
    def uncertain(request: Call, case: CaseId, data: Annotated[Finding, Body()]) -> Decided:
        return Decided(case=case, decision=data.decision, state=find_out(commands, actor_of(request), case, data.decision))

    return [cases, case, explanation, review, uncertain]
