"""The levers over HTTP."""

from typing import Annotated, Any

from litestar.params import Body, PathParameter

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.levers import lever_name, pull
from appliance.panel.problems import Problem
from appliance.panel.routes import does, reads, sets
from appliance.records.base import Record
from appliance.records.policy import SwitchState

Name = Annotated[str, PathParameter(description="safe-mode, automation, outbound or intake.")]


class Wanted(Record, forbid_unknown_fields=True):
    """What the lever is to be."""

    on: bool


class Levers(Record):
    switches: list[SwitchState]


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    def state_of(name: str) -> SwitchState:
        own = lever_name(name)
        for state in commands.switch_states():
            if state.name == own:
                return state
        raise Problem(404, "lever", f"There is no lever {name[:40]}.", "GET /api/v1/switches lists them.")

    def pulled(request: Call, name: str, wanted: Wanted) -> SwitchState:
        return state_of(pull(commands, actor_of(request), name, wanted.on))

    @reads("/api/v1/switches", action="see_status", summary="The levers, who pulled them and when")
    def switches() -> Levers:
        return Levers(switches=list(commands.switch_states()))

    @reads("/api/v1/switches/{name:str}", action="see_status", summary="One lever", missing=True)
    def switch(name: Name) -> SwitchState:
        return state_of(name)

    @sets("/api/v1/switches/{name:str}", action="see_status", summary="Pull a lever")
    def put_switch(request: Call, name: Name, data: Annotated[Wanted, Body()]) -> SwitchState:
        return pulled(request, name, data)

    @does("/api/v1/switches/{name:str}", action="see_status", summary="Pull a lever")
    def post_switch(request: Call, name: Name, data: Annotated[Wanted, Body()]) -> SwitchState:
        return pulled(request, name, data)

    return [switches, switch, put_switch, post_switch]
