"""The levers as people name them, and pulling one."""

from collections.abc import Sequence

from appliance.panel.door import Commands
from appliance.panel.problems import Problem, forbidden
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.person import Actor, Role
from appliance.records.policy import SWITCH_NAMES, SwitchState

LEVERS: tuple[str, ...] = ("safe_mode", "automation_enabled", "outbound_enabled")
TAPS: tuple[str, ...] = ("intake_enabled",)  # what comes in; it allows nothing to leave, so it stands with the machine
_SHORT = {"automation": "automation_enabled", "outbound": "outbound_enabled", "intake": "intake_enabled"}


class Lever(Record):
    """A lever on a page. ``may``: whoever looks may pull it to its other side. ``normal``: it holds nothing back."""

    state: SwitchState
    may: bool
    normal: bool


def shown(commands: Commands, role: Role, names: Sequence[str]) -> list[Lever]:
    """These levers, in this order; one that was never pulled is left out."""
    states = {state.name: state for state in commands.switch_states()}
    return [_shown(states[name], role) for name in names if name in states]


def _shown(state: SwitchState, role: Role) -> Lever:
    may = roles.may(role, roles.lever_action(state.name, not state.on))
    return Lever(state=state, may=may, normal=state.on != (state.name == "safe_mode"))


def lever_name(spoken: str) -> str:
    """``safe-mode``, ``automation`` or ``automation_enabled``: the lever's own name, or "" when there is none such."""
    name = spoken.replace("-", "_")
    name = _SHORT.get(name, name)
    return name if name in SWITCH_NAMES else ""


def pull(commands: Commands, actor: Actor, spoken: str, on: bool) -> str:
    """Pull a lever, if the actor's role may pull it that way; returns its own name."""
    name = lever_name(spoken)
    if not name:
        raise Problem(404, "lever", f"There is no lever {spoken[:40]}.", f"The levers are {', '.join(SWITCH_NAMES)}.")
    if not roles.may(actor.role, roles.lever_action(name, on)):
        raise forbidden(actor.role.name.lower())
    commands.set_switch(actor, name, on)
    return name
