"""The commands about drills."""

from typing import Any

from appliance.node import drill_records, drills
from appliance.node.control import command
from appliance.node.forward import leads
from appliance.node.topic import Topic
from appliance.policy import roles
from appliance.records.person import Actor


class DrillCommands(Topic):
    """Rehearse a fault, and see how the last ones went; part of ``Commands``."""

    @command
    @leads
    def pair_drill(self, actor: Actor, kind: str, sandbox: bool = False) -> dict[str, Any]:
        """Begin a drill: ``handover``, ``kill``, ``pause`` or ``cut``; ``started``, its id. Its record shows in ``drills`` when it ended.

        ``sandbox``: on processes of its own on the machine that leads, nothing of the pair is touched.
        """
        self._allow(actor, "drill")
        return {"started": self._node.drills.begin(kind, actor.name, sandbox)}

    @command
    @leads
    def switch_drill(self, actor: Actor) -> dict[str, Any]:
        """Close outbound and automation, wait until both machines know, put them back as they were; the record."""
        self._allow(actor, "drill")
        for lever in drills.LEVERS:
            for on in (False, True):
                self._allow(actor, roles.lever_action(lever, on))
        return self._node.drills.close_levers(actor.name)

    @command
    def drills(self) -> dict[str, Any]:
        """The newest drills (``last``), each with whether its signature holds; ``overdue``, and ``every_days`` of the settings."""
        return drill_records.told(self._node)
