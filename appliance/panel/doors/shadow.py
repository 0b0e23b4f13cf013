"""What the panel asks about shadow mode."""

from typing import Protocol

from appliance.records.candidate import CandidateRow, ShadowSummary
from appliance.records.person import Actor


class ShadowDoor(Protocol):
    """A candidate that answers unseen."""

    def shadow(self, past_days: int = 7) -> ShadowSummary:
        """The candidate in numbers over so many days, today included."""
        ...

    def candidates(self, actor: Actor, limit: int = 50) -> list[CandidateRow]:
        """What it was asked, the newest first."""
        ...
