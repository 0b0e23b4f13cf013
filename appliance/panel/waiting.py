"""What waits for a person, the oldest first."""

from appliance.panel.door import Commands
from appliance.records.case import CaseRow, CaseState

WAITING: tuple[CaseState, ...] = (CaseState.REVIEW, CaseState.UNCERTAIN)
LOOKED_AT_MOST = 500


def waiting_rows(commands: Commands, most: int) -> list[CaseRow]:
    """The oldest cases that wait for a person. With over 500 of them, the oldest of the newest 500."""
    rows = commands.rows(WAITING, limit=LOOKED_AT_MOST)
    return sorted(rows, key=lambda row: (row.received_at, row.id))[:most]
