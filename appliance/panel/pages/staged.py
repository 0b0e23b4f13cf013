"""Changing what the company knows: hand in a file, a fact or an earlier version, look at the difference, activate or throw away."""

from typing import Annotated, Any

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from appliance.ground.errors import Refused
from appliance.knowledge.staged import Staged
from appliance.knowledge.staging import UPLOAD_BYTES_MOST
from appliance.panel.downloads import saved
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.knowing import source_address, told
from appliance.panel.pages.forms import FORM, FORM_WITH_FILES, notice, redirect
from appliance.panel.pages.knowledge import addresses, shown, source_shown
from appliance.panel.problems import Problem
from appliance.panel.routes import form, hidden, page
from appliance.panel.troubles import Told
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.language import Code

CHANGE = "change_knowledge"
FORM_BYTES_MOST = UPLOAD_BYTES_MOST + 1024 * 1024
StagedId = Annotated[str, PathParameter(description="The id of what was staged.")]
LanguageChoice = Annotated[Code, QueryParameter(name="language", description="The language of the workbook.")]
SourceName = Annotated[str, Meta(max_length=300)]
SourceWish = Annotated[str, QueryParameter(name="source", max_length=300, description="The source to take the keys of.")]


class FileForm(Record):
    """A file for a source; for a new one in this language when none is chosen."""

    files: list[UploadFile] = []
    source: SourceName = ""
    language: Code = "en"
    csrf: str = ""


class FactForm(Record):
    """One more thing to know."""

    title: Annotated[str, Meta(max_length=1_000)]
    text: Annotated[str, Meta(max_length=20_000)]
    language: Code
    csrf: str = ""


class BackForm(Record):
    source: SourceName
    version: Annotated[str, Meta(max_length=200)] = ""
    csrf: str = ""


class Nothing(Record):
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    def words(request: Call, error: Refused, name: str) -> Told:
        return told(error, name, panel.voice(panel.language_of(request)))

    @form("/knowledge/upload", action=CHANGE, most_bytes=FORM_BYTES_MOST)
    def upload(request: Call, data: Annotated[FileForm, FORM_WITH_FILES]) -> Response[bytes]:
        file = next((one for one in data.files if one.filename), None)
        if file is None:
            chosen = Refused("No file was chosen.", "Choose one, then press the button again.", code="no_file")
            return shown(panel, request, code=400, wrong=words(request, chosen, ""))
        try:
            staged = commands.stage_knowledge(actor_of(request), file.filename, file.file.read(), data.source, data.language)
        except Refused as error:
            return shown(panel, request, code=409, wrong=words(request, error, file.filename))
        return redirect(f"/knowledge/staged/{staged.id}")

    @form("/knowledge/fact", action=CHANGE)
    def fact(request: Call, data: Annotated[FactForm, FORM]) -> Response[bytes]:
        try:
            staged = commands.stage_fact(actor_of(request), data.title, data.text, data.language)
        except Refused as error:
            return shown(panel, request, code=409, wrong=words(request, error, data.title), draft=data)
        return redirect(f"/knowledge/staged/{staged.id}")

    @form("/knowledge/back", action=CHANGE)
    def back(request: Call, data: Annotated[BackForm, FORM]) -> Response[bytes]:
        try:
            staged = commands.stage_earlier(actor_of(request), data.source, data.version)
        except Refused as error:
            return source_shown(panel, request, data.source, code=409, wrong=words(request, error, data.source))
        return redirect(f"/knowledge/staged/{staged.id}")

    @page("/knowledge/staged/{staged:str}", action="search_knowledge", summary="What a new version of a source would change")
    def staged_page(request: Call, staged: StagedId) -> Response[bytes]:
        try:
            return _compared(request, commands.staged_one(staged))
        except Refused as error:
            raise Problem(404, error.code, error.message, error.remedy) from error

    @form("/knowledge/staged/{staged:str}/activate", action=CHANGE)
    def activate(request: Call, staged: StagedId, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        try:
            state = commands.activate_knowledge(actor_of(request), staged)
        except Refused as error:
            return _refused(request, staged, error)
        is_here = any((one.name, one.digest) == (state.name, state.digest) for one in commands.sources())
        notice(request, "done.knowledge_activated" if is_here else "done.knowledge_activated_there", name=state.name)
        return redirect(source_address(state.name) if is_here else "/knowledge")

    @form("/knowledge/staged/{staged:str}/discard", action=CHANGE)
    def discard(request: Call, staged: StagedId, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        try:
            gone = commands.discard_knowledge(actor_of(request), staged)
        except Refused as error:
            return shown(panel, request, code=409, wrong=words(request, error, ""))
        notice(request, "done.knowledge_discarded", name=gone.source)
        return redirect("/knowledge")

    @hidden("/knowledge/skeleton", action="search_knowledge")
    def skeleton(language: LanguageChoice, source: SourceWish = "") -> Response[bytes]:
        return saved(commands.skeleton(language, source))

    def _refused(request: Call, staged: str, error: Refused) -> Response[bytes]:
        """The comparison as it is now, with the reason above it; it is gone when nothing is staged any more."""
        waiting = next((one for one in commands.staged_knowledge() if one.id == staged), None)
        if waiting is None:
            return shown(panel, request, code=409, wrong=words(request, error, ""))
        return _compared(request, waiting, words(request, error, waiting.source), 409)

    def _compared(request: Call, staged: Staged, wrong: Told | None = None, code: int = 200) -> Response[bytes]:
        may_change = roles.may(actor_of(request).role, CHANGE)
        return panel.page(
            request,
            "knowledge_staged.html",
            code=code,
            staged=staged,
            wrong=wrong,
            may_change=may_change,
            path=f"/knowledge/staged/{staged.id}",
            **addresses(),
        )

    return [upload, fact, back, staged_page, activate, discard, skeleton]
