"""What a person does with the clips of a case, from the page of the case or of the call."""

from typing import Annotated, Any

from litestar import Response

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.forms import FORM, Short, notice, redirect
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form
from appliance.records.base import Record


class AgainForm(Record):
    """``then``: the page it is asked from, ``case`` or ``call``."""

    then: Short = "case"
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    @form("/cases/{case:str}/hear-again", action="hear_again")
    def hear_again(request: Call, case: CaseId, data: Annotated[AgainForm, FORM]) -> Response[bytes]:
        case_file(panel.commands, case)
        panel.commands.hear_again(actor_of(request), case)
        notice(request, "done.heard_again")
        return redirect(f"/call/{case}" if data.then == "call" else f"/cases/{case}")

    return [hear_again]
