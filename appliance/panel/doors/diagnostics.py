"""What the panel asks about the machine."""

from typing import Any, Protocol

from appliance.care.diagnostics import Diagnostics
from appliance.records.person import Actor


class DiagnosticsDoor(Protocol):
    """How the machine is, and what can be done about it at a button."""

    def machine(self) -> dict[str, Any]:
        """``started_at`` (None: it does not run), ``disk`` (``free_bytes, total_bytes, state``), and ``verified``.

        That is None or ``at, ok, entries, problems``.
        """
        ...

    def check_journal(self, actor: Actor) -> dict[str, Any]: ...

    def diagnostics(self, actor: Actor, with_hosts: bool = False) -> Diagnostics: ...

    def refresh(self) -> list[dict[str, Any]]:
        """Look at every source of knowledge now; one mapping for each that changed."""
        ...

    def test_mailbox(self, actor: Actor, mailbox: str) -> list[dict[str, Any]]:
        """Sign in to the mailbox's servers now: ``name, state, detail, remedy`` of each."""
        ...
