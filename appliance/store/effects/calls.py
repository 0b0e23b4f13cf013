"""What an agent wrote at a call was kept. The words are the body beside the entry; the table says where the newest are."""

from appliance.records.events import CallKept
from appliance.store.effects.tables import Tables, case_no

_KEPT = """INSERT INTO calls (case_no, position, at, by) VALUES (?, ?, ?, ?)
    ON CONFLICT (case_no) DO UPDATE SET position = excluded.position, at = excluded.at, by = excluded.by"""


def call_kept(to: Tables, event: CallKept) -> None:
    """The line is what its words are found by when the case's words go."""
    no = case_no(event.case)
    to.execute(_KEPT, (no, to.position, event.at, event.by))
    to.line(no)
