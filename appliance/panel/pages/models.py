"""The models of this machine: which there are, what they need, where they come from, and what is being done with one."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response
from litestar.params import PathParameter

from appliance.ground.errors import TandemError
from appliance.panel.api.models import MANAGE, row_of
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.forms import FORM, PlainForm, notice, redirect
from appliance.panel.routes import form, page
from appliance.panel.words import Voice
from appliance.records.base import Record

PAGE = "/models"
Name = Annotated[str, PathParameter(description="The model's name.", max_length=80)]
_TONES = {"built_in": "good", "here": "good", "damaged": "act", "partly": "look", "absent": "quiet"}
_TASKS = ("writer", "ear", "embedder", "judge")


class PullForm(Record):
    """The tick under the licence."""

    accept: bool = False
    csrf: str = ""


class RemoveForm(Record):
    sure: bool = False
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page(PAGE, action="see_status", summary="The page of the models")
    def models(request: Call) -> Response[bytes]:
        return shown(panel, request)

    @form("/models/{name:str}/pull", action=MANAGE)
    def pull(request: Call, name: Name, data: Annotated[PullForm, FORM]) -> Response[bytes]:
        return _tried(request, name, lambda: commands.pull_model(actor_of(request), name, data.accept))

    @form("/models/{name:str}/accept", action=MANAGE)
    def accept(request: Call, name: Name, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        return _tried(request, name, lambda: commands.accept_licence(actor_of(request), name))

    @form("/models/{name:str}/verify", action=MANAGE)
    def verify(request: Call, name: Name, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        return _tried(request, name, lambda: commands.verify_model(actor_of(request), name))

    @form("/models/{name:str}/remove", action=MANAGE)
    def remove(request: Call, name: Name, data: Annotated[RemoveForm, FORM]) -> Response[bytes]:
        return _tried(request, name, lambda: commands.remove_model(actor_of(request), name, data.sure), "done.model_removed")

    def _tried(request: Call, name: str, work: Any, said: str = "") -> Response[bytes]:
        row = row_of(panel, name)
        try:
            work()
        except TandemError as error:
            return shown(panel, request, code=409, wrong=(name, error))
        if said:
            notice(request, said, model=title_of(row))
        return redirect(PAGE)

    return [models, pull, accept, verify, remove]


def shown(panel: Panel, request: Call, *, code: int = 200, wrong: tuple[str, TandemError] | None = None) -> Response[bytes]:
    """The page. ``wrong``: which model could not be done what was asked, and why."""
    voice = panel.voice(panel.language_of(request))
    table = panel.commands.models()
    rows = sorted(table["models"], key=lambda row: (_TASKS.index(row["task"]) if row["task"] in _TASKS else len(_TASKS), row["name"]))
    return panel.page(
        request,
        "models.html",
        code=code,
        path=PAGE,
        table=table,
        rows=[row for row in rows if row["state"] != "built_in"],
        built_in=[row for row in rows if row["state"] == "built_in"],
        wrong=(wrong[0], told(voice, wrong[1])) if wrong is not None else None,
        tone=lambda row: "act" if row["missing"] else _TONES[row["state"]],
        title_of=title_of,
        size=lambda number: size(voice, number),
        percent=percent,
        failed=lambda job: told_job(voice, job),
    )


def title_of(row: Mapping[str, Any]) -> str:
    """What people call it."""
    return str(row["title"] or row["name"])


def size(voice: Voice, number: int) -> str:
    """Bytes as a person reads them."""
    megabytes = number / 1_000_000
    return f"{voice.number(megabytes / 1000, 1)} GB" if megabytes >= 1000 else f"{voice.number(megabytes)} MB"


def percent(job: Mapping[str, Any]) -> int:
    """How much of it is there, 0 to 100."""
    return min(100, 100 * int(job["done_bytes"]) // int(job["total_bytes"])) if job["total_bytes"] else 0


def told(voice: Voice, error: TandemError) -> dict[str, str]:
    """An error in the reader's language, where there are words for its code."""
    return _in_words(voice, error.code, error.message, error.remedy)


def told_job(voice: Voice, job: Mapping[str, Any]) -> dict[str, str]:
    """The same of work that failed."""
    return _in_words(voice, job["code"], job["message"], job["remedy"])


def _in_words(voice: Voice, code: str, message: str, remedy: str) -> dict[str, str]:
    return {
        "message": voice.known(f"models.trouble.{code}", "message", message),
        "remedy": voice.known(f"models.trouble.{code}", "remedy", remedy),
        "detail": message,
    }
