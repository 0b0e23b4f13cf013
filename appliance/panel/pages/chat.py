"""What a person does about the conversation that a case belongs to."""

from typing import Annotated, Any

from litestar import Response

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.forms import FORM, redirect
from appliance.panel.pages.work import CaseForm
from appliance.panel.problems import not_found
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form


def routes(panel: Panel) -> list[Any]:
    @form("/cases/{case:str}/end-chat", action="close_chat")
    def end_chat(request: Call, case: CaseId, data: Annotated[CaseForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        case_file(panel.commands, case)
        talk = panel.commands.chat_of(actor_of(request), case)
        if not talk:
            raise not_found("conversation")
        panel.commands.close_chat(actor_of(request), talk["session"])
        return redirect(f"/cases/{case}")

    return [end_chat]
