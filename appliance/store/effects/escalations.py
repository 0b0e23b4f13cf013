"""A case was escalated; somebody said that they look after it."""

from appliance.records.events import CaseEscalated, EscalationSeen
from appliance.store.effects.tables import Tables, case_no

_RAISED = "INSERT INTO escalations (no, case_no, level, code, by, raised_at, seen_at, seen_by) VALUES (?, ?, ?, ?, ?, ?, 0, '')"


def case_escalated(to: Tables, event: CaseEscalated) -> None:
    """Its number is the position of the entry. A lower one that nobody has seen gives way to it."""
    no = case_no(event.case)
    to.execute("DELETE FROM escalations WHERE case_no = ? AND seen_at = 0", (no,))
    to.execute(_RAISED, (to.position, no, event.level, event.code, event.by, event.at))
    to.execute("UPDATE cases SET escalated = ? WHERE no = ?", (event.level, no))
    to.line(no)


def escalation_seen(to: Tables, event: EscalationSeen) -> None:
    no = case_no(event.case)
    to.execute("UPDATE escalations SET seen_at = ?, seen_by = ? WHERE case_no = ? AND seen_at = 0", (event.at, event.by, no))
    to.line(no)
