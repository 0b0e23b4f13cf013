"""Working on cases over HTTP: taking a decision back, taking care, who is at it, notes, ready-made answers, files."""

from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta

from appliance.panel.downloads import picture, saved
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.problems import not_found
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, does, reads, sets
from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.work import Correction, File, Macro, Note

CORRECTIONS_MOST = 1_000
Place = Annotated[int, PathParameter(ge=0, le=1_000, description="The attachment's place in the message's list, from 0.")]
Tongue = Annotated[Code | None, QueryParameter(description="The language of the answer; without it the case's own.")]
Doing = Annotated[Literal["editing", "looking"], QueryParameter(description="What they do.")]
Most = Annotated[int, QueryParameter(ge=1, le=CORRECTIONS_MOST, description="How many at most.")]


class Came(Record):
    """What a case came to."""

    case: str
    state: str


class Assignment(Record, forbid_unknown_fields=True):
    """Who takes care of a case; "": nobody in particular."""

    person: Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f\xad\u2028\u2029]*$")]


class Assigned(Record):
    case: str
    person: str


class AtCase(Record, forbid_unknown_fields=True):
    """What somebody does at a case. It is forgotten after 30 seconds without a word."""

    what: Literal["editing", "looking", "gone"]


class Others(Record):
    """Who else is editing the case, and what they are called."""

    case: str
    editing: list[str]
    names: list[str] = []


class Presence(Record):
    """By case the people at it."""

    cases: dict[str, list[str]]


class NoteText(Record, forbid_unknown_fields=True):
    """An internal note."""

    text: Annotated[str, Meta(min_length=1, max_length=10_000)]


class Notes(Record):
    notes: list[Note]


class Macros(Record):
    macros: list[Macro]


class Corrections(Record):
    corrections: list[Correction]


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @does("/api/v1/cases/{case:str}/undo", action="undo_decision", summary="Take the last decision back, while nothing has left by it")
    def undo(request: Call, case: CaseId) -> Came:
        case_file(commands, case)
        return Came(case=case, state=str(commands.undo(actor_of(request), case)))

    @does("/api/v1/cases/{case:str}/reopen", action="reopen_case", summary="Bring a closed or answered case back to review")
    def reopen(request: Call, case: CaseId) -> Came:
        case_file(commands, case)
        return Came(case=case, state=str(commands.reopen(actor_of(request), case)))

    @sets("/api/v1/cases/{case:str}/assignment", action="assign_case", summary="Say who takes care of a case")
    def assignment(request: Call, case: CaseId, data: Annotated[Assignment, Body()]) -> Assigned:
        case_file(commands, case)
        return Assigned(case=case, person=commands.assign(actor_of(request), case, data.person))

    @sets("/api/v1/cases/{case:str}/presence", action="see_cases", summary="Say that you are at a case, and learn who else is editing it")
    def at_case(request: Call, case: CaseId, data: Annotated[AtCase, Body()]) -> Others:
        case_file(commands, case)
        others, called = commands.editing(actor_of(request), case, data.what).get(case, []), commands.names()
        return Others(case=case, editing=others, names=[called.get(one, one) for one in others])

    @reads("/api/v1/presence", action="see_cases", summary="Who is at which case now")
    def presence(what: Doing = "editing") -> Presence:
        return Presence(cases=commands.presence(what))

    @reads("/api/v1/cases/{case:str}/notes", action="see_cases", summary="The internal notes on a case", missing=True)
    def notes(request: Call, case: CaseId) -> Notes:
        case_file(commands, case)
        return Notes(notes=commands.notes(actor_of(request), case))

    @does("/api/v1/cases/{case:str}/notes", action="note_case", summary="Write an internal note")
    def note(request: Call, case: CaseId, data: Annotated[NoteText, Body()]) -> Note:
        case_file(commands, case)
        return commands.note(actor_of(request), case, data.text)

    @reads("/api/v1/cases/{case:str}/macros", action="see_cases", summary="Ready-made answers that fit a case, filled in", missing=True)
    def macros(request: Call, case: CaseId, language: Tongue = None) -> Macros:
        case_file(commands, case)
        return Macros(macros=commands.macros(actor_of(request), case, language or ""))

    @reads("/api/v1/corrections", action="see_cases", summary="What the desk drafted and people sent instead")
    def corrections(request: Call, limit: Most = 100) -> Corrections:
        return Corrections(corrections=commands.corrections(actor_of(request), limit))

    return [undo, reopen, assignment, at_case, presence, notes, note, macros, corrections, *_files(panel)]


def _files(panel: Panel) -> list[Any]:
    commands = panel.commands

    def kept(request: Call, case: str, index: int) -> File:
        message = case_file(commands, case).message
        if message is None or index >= len(message.attachments) or not message.attachments[index].kept:
            raise not_found("attachment")
        return commands.attachment(actor_of(request), case, index)

    @reads(
        "/api/v1/cases/{case:str}/attachments/{index:int}", action="see_cases", summary="An attachment, to be saved", missing=True,
        media_type="application/octet-stream",
    )  # fmt: skip
    def attachment(request: Call, case: CaseId, index: Place) -> Response[bytes]:
        return saved(kept(request, case, index))

    @reads("/api/v1/cases/{case:str}/attachments/{index:int}/picture", action="see_cases", summary="An attached picture", missing=True)
    def attached_picture(request: Call, case: CaseId, index: Place) -> Response[bytes]:
        return picture(kept(request, case, index))

    return [attachment, attached_picture]
