"""Words that are kept no longer, and a queue that is filled anew."""

from appliance.records.events import CasesReplaced, WordsExpired
from appliance.store.effects.pushes import forget_documents
from appliance.store.effects.tables import CLOSE, RETIRE, Tables, body_number, case_no
from appliance.store.prints import print_number
from appliance.store.schema import BODIES_PER_ENTRY

REPLACED = "replaced"

_FORGET = "DELETE FROM bodies WHERE id BETWEEN ? AND ?"
#: The first mark holds. Where the customer was erased, that is what became of the words.
_MARK = """UPDATE cases SET archived = max(archived, ?), words_removed_at = CASE
    WHEN words_removed_at = 0 AND NOT EXISTS (SELECT 1 FROM erasures WHERE slot = cases.slot) THEN ? ELSE words_removed_at END
    WHERE no = ?"""
_ORIGIN = "DELETE FROM origins WHERE mailbox = ? AND folder = ? AND uid_validity = ? AND uid = ? AND name = ?"


def words_expired(to: Tables, event: WordsExpired) -> None:
    """The words go; each case is marked, and stays where it stands."""
    for position in event.entries:
        to.execute(_FORGET, (body_number(position, 0), body_number(position, BODIES_PER_ENTRY - 1)))
    numbers = [case_no(case) for case in event.cases]
    to.executemany(_MARK, [(int(event.archived), event.at, no) for no in numbers])
    forget_documents(to, event.entries, event.at)
    to.lines(numbers)


def cases_replaced(to: Tables, event: CasesReplaced) -> None:
    """Closed, and nothing that was queued for them leaves. A print that another case has come to hold stays its own."""
    numbers = [case_no(case) for case in event.cases]
    to.executemany(CLOSE, [(event.at, REPLACED, no) for no in numbers])
    to.executemany(RETIRE, [(event.at, REPLACED, no) for no in numbers])
    for origin in event.origins:
        to.execute(_ORIGIN, (origin.mailbox, origin.folder, origin.uid_validity, origin.uid, origin.name))
    for number in map(print_number, event.prints):
        holder = to.execute("SELECT case_no FROM prints WHERE print = ?", (number,)).fetchone()
        if holder is not None and holder[0] in numbers:
            to.execute("DELETE FROM prints WHERE print = ?", (number,))
    to.lines(numbers)
