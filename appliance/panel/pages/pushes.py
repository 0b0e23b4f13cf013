"""The CRM: what it was told, what waits, what failed, and one press to try again."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from appliance.ground.errors import Refused
from appliance.panel.frame import Call, Panel, actor_of, own_path
from appliance.panel.pages.forms import FORM, PlainForm, notice, redirect
from appliance.panel.problems import problem_of
from appliance.panel.pushed import SIGNS, TONES, shown
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form, page
from appliance.panel.troubles import of_dependency
from appliance.records.base import Record
from appliance.records.push import PushState

LISTED = 100
PushId = Annotated[str, PathParameter(description="The push's id.")]
TABS: tuple[tuple[str, str], ...] = (("", "all"), ("queued", "depth"), ("dead", "badge.failed"), ("synced", "badge.synced"))


class BackForm(Record):
    """``then``: the page that it was pressed on."""

    then: Annotated[str, Meta(max_length=200)] = ""
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/pushes", action="see_cases", summary="The page of pushes to the CRM")
    def pushes(request: Call, standing: Annotated[str, QueryParameter(max_length=20)] = "") -> Response[bytes]:
        voice = panel.voice(panel.language_of(request))
        chosen = standing if standing in tuple(PushState) else ""
        status = commands.push_status()
        told = of_dependency({"name": "crm", **status["trouble"]}, voice) if status["trouble"] else None
        rows = [shown(push, voice) for push in commands.push_rows(actor_of(request), chosen, LISTED)]
        look: dict[str, Any] = {"tones": TONES, "signs": SIGNS, "tabs": TABS, "chosen": chosen}
        return panel.page(request, "crm.html", rows=rows, counts=commands.push_counts(), told=status, fault=told, **look)

    @form("/cases/{case:str}/push", action="push_case")
    def push(request: Call, case: CaseId, data: Annotated[BackForm, FORM]) -> Response[bytes]:
        case_file(commands, case)
        then = own_path(data.then) if data.then else f"/cases/{case}"
        try:
            commands.push_call(actor_of(request), case)
        except Refused as refused:
            return panel.problem(request, problem_of(refused), then=then)
        notice(request, "done.pushed")
        return redirect(then)

    @form("/pushes/{push:str}/retry", action="push_case")
    def retry(request: Call, push: PushId, data: Annotated[BackForm, FORM]) -> Response[bytes]:
        then = own_path(data.then) if data.then else "/pushes"
        try:
            commands.retry_push(actor_of(request), push)
        except Refused as refused:
            return panel.problem(request, problem_of(refused), then=then)
        notice(request, "done.push_retried")
        return redirect(then)

    @form("/pushes/retry", action="push_case")
    def retry_all(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        notice(request, "done.pushes_retried", n=str(commands.retry_pushes(actor_of(request))))
        return redirect("/pushes")

    return [pushes, push, retry, retry_all]
