"""The machine of a node that lives in memory: two days up, enough room, its journal never verified yet."""

from typing import Any

from appliance.care.diagnostics import Diagnostics, Listed
from appliance.ground.clock import Clock
from appliance.ground.errors import ChannelError, Refused
from appliance.policy import roles
from appliance.records.person import Actor


class TwinDiagnostics:
    """A test may put another disk or another journal there."""

    clock: Clock
    done: list[Any]
    disk: dict[str, Any] = {"free_bytes": 212_400_000_000, "total_bytes": 494_000_000_000, "state": "good"}
    journal_holds = True
    verified: dict[str, Any] | None = None

    def machine(self) -> dict[str, Any]:
        started = self.clock.now() - 2 * 86_400 - 7_000
        return {"started_at": started, "disk": self.disk, "clock_jumped_seconds": 0.0, "verified": self.verified}

    def check_journal(self, actor: Actor) -> dict[str, Any]:
        self.done.append((actor, "verify"))
        self.verified = {"at": self.clock.now(), "ok": self.journal_holds, "entries": 4_211, "problems": 0 if self.journal_holds else 2}
        return self.verified

    def diagnostics(self, actor: Actor, with_hosts: bool = False) -> Diagnostics:
        if not roles.may(actor.role, "make_diagnostics"):
            raise Refused("Your role does not allow this.", "Ask an admin.")
        self.done.append((actor, f"diagnostics {with_hosts}"))
        return Diagnostics(name="tandem-diagnostics.zip", data=b"PK", files=(Listed(name="README.txt", size_bytes=2),))

    def refresh(self) -> list[dict[str, Any]]:
        self.done.append("refresh")
        return [{"source": "en.xlsx"}]

    def test_mailbox(self, actor: Actor, mailbox: str) -> list[dict[str, Any]]:
        self.done.append((actor, f"try {mailbox}"))
        if mailbox != "support":
            raise ChannelError(f"There is no mailbox {mailbox}.", "The known one is support.")
        refused = {"state": "failed", "detail": "imap.pumput.example refuses the sign-in.", "remedy": "Check the password.", "seconds": 0.2}
        return [{"name": "imap support", **refused}, {"name": "smtp support", "state": "good", "detail": "signed in", "remedy": ""}]
