"""What people do in the mailbox itself: they answer from there, and take or leave the drafts that lie there."""

from appliance.records.events import AnsweredElsewhere, DraftRemoved
from appliance.store.effects.tables import CLOSE, RETIRE, Tables, case_no, delivery_no

ANSWERED = "answered_in_mailbox"

#: Ends a case whose reply was under way when something made it needless: a person's own answer, else a newer message.
CLOSE_OVERTAKEN = f"""UPDATE cases SET state = 'closed', changed_at = ?,
    reason = CASE reason WHEN '{ANSWERED}' THEN reason ELSE 'superseded' END WHERE no = ?"""


def answered_elsewhere(to: Tables, event: AnsweredElsewhere) -> None:
    """The case is closed, or closes with the reply that is under way."""
    no = case_no(event.case)
    to.execute(RETIRE, (event.at, ANSWERED, no))
    if event.leaving:
        to.execute("UPDATE deliveries SET overtaken = 1 WHERE no = ?", (delivery_no(event.leaving),))
        to.execute("UPDATE cases SET reason = ? WHERE no = ?", (ANSWERED, no))
    else:
        to.execute(CLOSE, (event.at, ANSWERED, no))
    to.line(no)


def draft_queued(to: Tables, no: int) -> None:
    """The entry queues a draft of this case for the Drafts folder: from now on it may lie there."""
    to.execute("INSERT INTO drafts (delivery_no, case_no, mailbox) SELECT ?, no, mailbox FROM cases WHERE no = ?", (to.position, no))


def draft_removed(to: Tables, event: DraftRemoved) -> None:
    """Nothing of it is left in the folder; the delivery keeps how it got there."""
    to.execute("DELETE FROM drafts WHERE delivery_no = ?", (delivery_no(event.delivery),))
    to.line(case_no(event.case))
