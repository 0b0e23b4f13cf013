"""What the panel asks about escalations."""

from typing import Protocol

from appliance.records.escalation import Escalation
from appliance.records.person import Actor


class EscalationDoor(Protocol):
    """Cases that somebody higher up must know of."""

    def escalations(self, actor: Actor) -> list[Escalation]:
        """Those of cases that have not ended: first what nobody has seen, the highest level first."""
        ...

    def unseen_escalations(self) -> dict[int, tuple[int, float]]:
        """By level: how many nobody has seen, and since when the oldest of them (Unix seconds)."""
        ...

    def escalate(self, actor: Actor, case: str, level: int, note: str = "") -> int:
        """The level at which the case stands, which is never lowered."""
        ...

    def see_escalation(self, actor: Actor, case: str) -> None: ...
