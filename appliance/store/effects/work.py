"""What people do with a case besides deciding it."""

from appliance.records.events import CaseAssigned, CaseNoted, CaseReopened, DecisionUndone
from appliance.store.effects.tables import Tables, case_no, delivery_no

REOPENED = "reopened"

_TAKE_BACK = "UPDATE deliveries SET state = 'retired', changed_at = ?, reason = 'undone' WHERE no = ?"
_STANDS_AGAIN = "UPDATE cases SET state = 'review', changed_at = ?, reason = ?, team = ?, draft = ? WHERE no = ?"


def decision_undone(to: Tables, event: DecisionUndone) -> None:
    """The case stands as it did, and what the decision let out does not leave."""
    no, before = case_no(event.case), event.before
    if event.delivery:
        to.execute(_TAKE_BACK, (event.at, delivery_no(event.delivery)))
    to.execute(_STANDS_AGAIN, (event.at, before.reason, before.team, before.draft, no))
    to.line(no)


def case_assigned(to: Tables, event: CaseAssigned) -> None:
    no = case_no(event.case)
    to.execute("UPDATE cases SET assigned = ? WHERE no = ?", (event.person, no))
    to.line(no)


def case_noted(to: Tables, event: CaseNoted) -> None:
    """The note itself is the body beside the entry."""
    to.line(case_no(event.case))


def case_reopened(to: Tables, event: CaseReopened) -> None:
    no = case_no(event.case)
    to.execute("UPDATE cases SET state = 'review', changed_at = ?, reason = ?, archived = 0 WHERE no = ?", (event.at, REOPENED, no))
    to.line(no)
