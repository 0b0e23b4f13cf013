"""What waits for a person, the oldest first."""

from collections.abc import Mapping
from typing import Any

from appliance.panel.door import Commands
from appliance.records.case import CaseRow, CaseState

WAITING: tuple[CaseState, ...] = (CaseState.REVIEW, CaseState.UNCERTAIN)


def how_many_wait(status: Mapping[str, Any]) -> int:
    """How many cases wait for a person; kept by the store, not counted."""
    return int(status.get("queue", {}).get("review", 0))


def waiting_rows(commands: Commands, most: int, beyond: str = "", assigned: str | None = None) -> list[CaseRow]:
    """The oldest cases that wait for a person, going on beyond one; of this person, of nobody (""), or of anybody (None)."""
    return commands.rows(WAITING, limit=most, before=beyond or None, oldest_first=True, assigned=assigned)
