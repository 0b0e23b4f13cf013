"""The models of this machine over HTTP. Work that takes long is begun, and looked at by asking again."""

from typing import Annotated, Any, Literal

from litestar.params import Body, PathParameter, QueryParameter

from appliance.node.model_desk import Job
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.problems import not_found
from appliance.panel.routes import destroys, does, reads
from appliance.records.base import Record

MANAGE = "manage_models"
Name = Annotated[str, PathParameter(description="The model's name, as its card has it.", max_length=80)]
Force = Annotated[bool, QueryParameter(name="force", description="Also when something works with it.")]
AskPeer = Annotated[bool, QueryParameter(name="peer", description="Also say which of them the other machine has.")]


class Pull(Record, forbid_unknown_fields=True):
    """``accept``: you accept the model's licence. ``source``: from where; ``any`` takes the nearest."""

    accept: bool = False
    source: Literal["any", "hub", "peer"] = "any"


class Removed(Record):
    model: str
    freed_bytes: int


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/models", action="see_status", summary="The models of this machine, and those it could have")
    def list_models(peer: AskPeer = False) -> dict[str, Any]:
        return commands.models(peer)

    @reads("/api/v1/models/{name:str}", action="see_status", summary="One model", missing=True)
    def one_model(name: Name) -> dict[str, Any]:
        return row_of(panel, name)

    @does("/api/v1/models/{name:str}/pull", action=MANAGE, summary="Begin to bring a model to this machine")
    def pull_model(request: Call, name: Name, data: Annotated[Pull, Body()]) -> Job:
        row_of(panel, name)
        return commands.pull_model(actor_of(request), name, data.accept, data.source)

    @does("/api/v1/models/{name:str}/verify", action=MANAGE, summary="Begin to compare each file of a model with its digest")
    def verify_model(request: Call, name: Name) -> Job:
        row_of(panel, name)
        return commands.verify_model(actor_of(request), name)

    @destroys("/api/v1/models/{name:str}", action=MANAGE, summary="Remove a model from this machine")
    def remove_model(request: Call, name: Name, force: Force = False) -> Removed:
        row_of(panel, name)
        done = commands.remove_model(actor_of(request), name, force)
        return Removed(model=str(done["model"]), freed_bytes=int(done["freed_bytes"]))

    return [list_models, one_model, pull_model, verify_model, remove_model]


def row_of(panel: Panel, name: str) -> dict[str, Any]:
    """One model as ``models`` tells it. Raises ``Problem`` when there is none of that name."""
    found = next((row for row in panel.commands.models()["models"] if row["name"] == name), None)
    if found is None:
        raise not_found("model of that name")
    return dict(found)
