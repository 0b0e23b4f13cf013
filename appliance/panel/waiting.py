"""What waits for a person, the oldest first."""

from collections.abc import Mapping
from typing import Any

from appliance.panel.door import Commands
from appliance.records.case import CaseRow, CaseState

WAITING: tuple[CaseState, ...] = (CaseState.REVIEW, CaseState.UNCERTAIN)
LOOKED_AT_MOST = 500
FEW = 50


def how_many_wait(status: Mapping[str, Any]) -> int:
    """How many cases wait for a person; kept by the store, not counted."""
    return int(status.get("queue", {}).get("review", 0))


def waiting_rows(commands: Commands, most: int) -> list[CaseRow]:
    """The oldest cases that wait for a person. With over 500 of them, the oldest of the newest 500."""
    return _oldest_first(commands.rows(WAITING, limit=LOOKED_AT_MOST))[:most]


def glanced_rows(commands: Commands, number: int, most: int) -> tuple[list[CaseRow], bool]:
    """A few of the ``number`` cases that wait, for a page that is asked for all the time; and whether they are the oldest.

    The store gives the newest first and opens each sealed row that it gives. So the oldest are looked for while few wait;
    when many do, the newest must serve.
    """
    if number <= FEW:
        return _oldest_first(commands.rows(WAITING, limit=FEW))[:most], True
    return commands.rows(WAITING, limit=most), False


def _oldest_first(rows: list[CaseRow]) -> list[CaseRow]:
    return sorted(rows, key=lambda row: (row.received_at, row.id))
