"""What people ask about the machine: how it is, whether its journal holds, and a file for somebody who helps from outside."""

from typing import Any

from appliance.care.diagnostics import Diagnostics
from appliance.ground.log import Log
from appliance.node import diagnostics
from appliance.node.control import command
from appliance.node.topic import Topic
from appliance.records.person import Actor

log = Log("diagnostics")


class DiagnosticsCommands(Topic):
    """The commands about the machine; part of ``Commands``."""

    @command
    def machine(self) -> dict[str, Any]:
        """``started_at, disk, clock_jumped_seconds``, and ``verified``: when the journal was last verified here and what was found."""
        return diagnostics.machine(self._node)

    @command
    def check_journal(self, actor: Actor) -> dict[str, Any]:
        """Walk the chain now and remember when; ``at, ok, entries, problems`` (how many)."""
        self._allow(actor, "verify_journal")
        found = self._node.store.verify()
        self._node.verified = {
            "at": self._node.clock.now(), "ok": found.ok, "entries": found.entries, "problems": len(found.problems),
        }  # fmt: skip
        log.info("journal_verified", ok=found.ok, entries=found.entries)
        return self._node.verified

    @command
    def diagnostics(self, actor: Actor, with_hosts: bool = False) -> Diagnostics:
        """One zip for a helper, without anybody's words or secrets. It goes nowhere by itself."""
        self._allow(actor, "make_diagnostics")
        made = diagnostics.of_node(self._node, with_hosts)
        log.info("diagnostics_made", files=len(made.files), bytes=len(made.data))
        return made
