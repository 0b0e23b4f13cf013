"""Changing what the company knows over HTTP: a file is handed in, its difference looked at, then it is activated or thrown away."""

import base64
from typing import Annotated, Any

from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta

from appliance.knowledge.browse import A_PAGE_MOST, Leaf
from appliance.knowledge.compare import Disagreement
from appliance.knowledge.earlier import Earlier
from appliance.knowledge.staged import Staged
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.problems import not_found
from appliance.panel.routes import destroys, does, reads
from appliance.records.base import Record
from appliance.records.knowledge import SourceState
from appliance.records.language import Code

CHANGE = "change_knowledge"
BODY_BYTES_MOST = 28 * 1024 * 1024  # 20 MB in base64, and the rest
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\xad\u2028\u2029]*$"
StagedId = Annotated[str, PathParameter(description="The id of what was staged.")]
SourceWish = Annotated[str, QueryParameter(name="source", max_length=300, description="The name of a source.")]
TextWish = Annotated[str, QueryParameter(name="text", max_length=200, description="Words that a passage must have, all of them.")]
Start = Annotated[int, QueryParameter(ge=0, le=1_000_000, description="How many to pass over.")]
Most = Annotated[int, QueryParameter(ge=1, le=A_PAGE_MOST, description="How many at most.")]


class NewFile(Record, forbid_unknown_fields=True):
    """A file in base64 for a source of that name; without a source it becomes a new one, in this language."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]
    content: Annotated[str, Meta(pattern=_BASE64)]
    source: Annotated[str, Meta(max_length=300, pattern=_PLAIN)] = ""
    language: Code = "en"


class NewFact(Record, forbid_unknown_fields=True):
    """One more thing to know, for the sheet of such facts."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    language: Code


class Version(Record, forbid_unknown_fields=True):
    """A source, and which of its earlier versions; the newest by default."""

    source: Annotated[str, Meta(min_length=1, max_length=300, pattern=_PLAIN)]
    version: Annotated[str, Meta(max_length=200, pattern=_PLAIN)] = ""


class Waiting(Record):
    """Newest first."""

    staged: list[Staged]


class Versions(Record):
    """Newest first."""

    versions: list[Earlier]


class Disagreements(Record):
    disagreements: list[Disagreement]


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/knowledge/passages", action="search_knowledge", summary="The passages of a source, in their order")
    def passages(source: SourceWish, text: TextWish = "", start: Start = 0, limit: Most = 50) -> Leaf:
        return commands.source_page(source, text, start, limit)

    @reads("/api/v1/knowledge/disagreements", action="search_knowledge", summary="Facts that one language tells in several ways")
    def disagreements() -> Disagreements:
        return Disagreements(disagreements=commands.disagreements())

    @reads("/api/v1/knowledge/versions", action="search_knowledge", summary="The versions of a source that were in use before")
    def versions(source: SourceWish) -> Versions:
        return Versions(versions=commands.earlier_versions(source))

    @reads("/api/v1/knowledge/staged", action="search_knowledge", summary="What waits to be activated")
    def staged() -> Waiting:
        return Waiting(staged=commands.staged_knowledge())

    @does("/api/v1/knowledge/staged", action=CHANGE, summary="Hand in a file and see its difference", request_max_body_size=BODY_BYTES_MOST)
    def stage(request: Call, data: Annotated[NewFile, Body()]) -> Staged:
        return commands.stage_knowledge(actor_of(request), data.name, base64.b64decode(data.content), data.source, data.language)

    @reads("/api/v1/knowledge/staged/{staged:str}", action="search_knowledge", summary="What one version would change", missing=True)
    def one(staged: StagedId) -> Staged:
        return _there(panel, staged)

    @does("/api/v1/knowledge/staged/{staged:str}/activate", action=CHANGE, summary="Answer from this version from now on")
    def activate(request: Call, staged: StagedId) -> SourceState:
        return commands.activate_knowledge(actor_of(request), _there(panel, staged).id)

    @destroys("/api/v1/knowledge/staged/{staged:str}", action=CHANGE, summary="Throw a version away")
    def discard(request: Call, staged: StagedId) -> Staged:
        return commands.discard_knowledge(actor_of(request), _there(panel, staged).id)

    @does("/api/v1/knowledge/facts", action=CHANGE, summary="Write one more fact, and see its difference")
    def fact(request: Call, data: Annotated[NewFact, Body()]) -> Staged:
        return commands.stage_fact(actor_of(request), data.title, data.text, data.language)

    @does("/api/v1/knowledge/back", action=CHANGE, summary="Propose an earlier version of a source")
    def back(request: Call, data: Annotated[Version, Body()]) -> Staged:
        return commands.stage_earlier(actor_of(request), data.source, data.version)

    return [passages, disagreements, versions, staged, stage, one, activate, discard, fact, back]


def _there(panel: Panel, name: str) -> Staged:
    found = next((one for one in panel.commands.staged_knowledge() if one.id == name), None)
    if found is None:
        raise not_found("staged version of that id")
    return found
