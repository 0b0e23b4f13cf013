"""What a person does with a case besides deciding it: take it, give it away, take a decision back, write a note, open it again."""

from typing import Annotated, Any

from litestar import Response
from msgspec import Meta

from appliance.ground.errors import Refused
from appliance.panel.frame import Call, Panel, actor_of, session_of
from appliance.panel.pages.forms import COMMENT_LENGTH_MOST, FORM, Short, notice, redirect
from appliance.panel.problems import problem_of
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form
from appliance.records.base import Record


class AssignForm(Record):
    """Whose case it becomes: a person's id, "" nobody's. ``me``: the one who presses."""

    person: Short = ""
    me: bool = False
    csrf: str = ""


class NoteForm(Record):
    text: Annotated[str, Meta(max_length=COMMENT_LENGTH_MOST)] = ""
    csrf: str = ""


class CaseForm(Record):
    """A button that needs no more than to be pressed."""

    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @form("/cases/{case:str}/undo", action="undo_decision")
    def undo(request: Call, case: CaseId, data: Annotated[CaseForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        case_file(commands, case)
        commands.undo(actor_of(request), case)
        session = session_of(request)
        if session is not None:
            session.decided = ""
        notice(request, "done.undone")
        return redirect(f"/review?case={case}")

    @form("/cases/{case:str}/reopen", action="reopen_case")
    def reopen(request: Call, case: CaseId, data: Annotated[CaseForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        case_file(commands, case)
        commands.reopen(actor_of(request), case)
        notice(request, "done.reopened")
        return redirect(f"/review?case={case}")

    @form("/cases/{case:str}/assign", action="assign_case")
    def assign(request: Call, case: CaseId, data: Annotated[AssignForm, FORM]) -> Response[bytes]:
        case_file(commands, case)
        actor = actor_of(request)
        commands.assign(actor, case, actor.name if data.me else data.person)
        return redirect(f"/review?case={case}")

    @form("/cases/{case:str}/note", action="note_case")
    def note(request: Call, case: CaseId, data: Annotated[NoteForm, FORM]) -> Response[bytes]:
        case_file(commands, case)
        if data.text.strip():
            try:
                commands.note(actor_of(request), case, data.text.strip())
            except Refused as refused:
                return panel.problem(request, problem_of(refused), then=f"/cases/{case}", written=data.text)
        return redirect(f"/cases/{case}#notes" if data.text.strip() else f"/cases/{case}")

    return [undo, reopen, assign, note]
