"""``/v1/models``: what can be asked for by name, for this key."""

from typing import Annotated, Any, Literal

from litestar.params import PathParameter

from appliance.panel.doors.v1 import V1Door
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.v1.declared import looks
from appliance.panel.v1.failures import no_such_model
from appliance.policy import roles
from appliance.records.asking import EngineNames
from appliance.records.base import Record
from appliance.records.person import Actor

TANDEM, RAW = "tandem", "tandem-raw"
MADE_AT = 1_735_689_600  # 1 January 2025: clients want a time, and a model here has none
ANY_EAR = "whisper-1"  # what many clients ask for and do not let anybody change


class Model(Record):
    """A name that can be asked for. ``does``: which kind of request takes it."""

    id: str
    does: Literal["chat", "embeddings", "transcriptions"]
    object: Literal["model"] = "model"
    created: int = MADE_AT
    owned_by: str = "tandem"


class Models(Record):
    data: list[Model]
    object: Literal["list"] = "list"


def models_for(actor: Actor, names: EngineNames) -> list[Model]:
    """The models that this actor may use, of those that are configured."""
    found = [Model(id=TANDEM, does="chat")]
    if names.raw and roles.may(actor.role, "use_raw_model"):
        found.append(Model(id=RAW, does="chat"))
    if names.embedder and roles.may(actor.role, "embed"):
        found.append(Model(id=names.embedder, does="embeddings"))
    if names.ear and roles.may(actor.role, "transcribe"):
        found.append(Model(id=names.ear, does="transcriptions"))
    return found


def must_be(model: str, known: str, commands: V1Door) -> None:
    """Raises a problem unless the model is the one that does this."""
    if model == known:
        return
    names = commands.engine_names()
    raise no_such_model(model) if model not in (TANDEM, RAW, names.embedder, names.ear) else no_such_model_for_this(model)


def no_such_model_for_this(model: str) -> Exception:
    problem = no_such_model(model)
    problem.message = f"The model {model} does something else."
    return problem


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @looks("/v1/models", action="ask", summary="What can be asked for by name")
    def models(request: Call) -> Models:
        return Models(data=models_for(actor_of(request), commands.engine_names()))

    @looks("/v1/models/{model:str}", action="ask", summary="One of them")
    def model(request: Call, model: Annotated[str, PathParameter(description="Its name.")]) -> Model:
        found = [one for one in models_for(actor_of(request), commands.engine_names()) if one.id == model]
        if not found:
            raise no_such_model(model)
        return found[0]

    return [models, model]
