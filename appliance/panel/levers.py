"""The levers as people name them, and pulling one."""

from appliance.panel.door import Commands
from appliance.panel.problems import Problem, forbidden
from appliance.policy import roles
from appliance.records.person import Actor
from appliance.records.policy import SWITCH_NAMES

_SHORT = {"automation": "automation_enabled", "outbound": "outbound_enabled", "intake": "intake_enabled"}


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
