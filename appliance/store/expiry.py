"""Words that are kept no longer: of cases that ended long ago, and of those that a person archives.

What is ready is found by a reader, lot by lot, and looked at once more in the transaction that writes the lot's entry: a case
that has changed since is left. The entry names every journal entry whose words go, so a standby deletes the same, and a
verification knows which words may be missing. Rows, decisions and numbers stay.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from appliance.records.events import CasesReplaced, MessageReceived, WordsExpired
from appliance.store import journal
from appliance.store.books import Books
from appliance.store.cases import COLUMNS, Kept, find
from appliance.store.sqlite import Connection

CASES_PER_ENTRY = 200  # a lot is one transaction: nobody waits long for it

#: What a person archives. A dead letter still waits for somebody who looks at it; its words go by age alone.
ARCHIVED = ("replied", "closed", "routed")
ENDED = (*ARCHIVED, "dead")

_UNDER_WAY = "SELECT 1 FROM deliveries WHERE case_no = cases.no AND state IN ('queued', 'sending', 'uncertain')"
_DUE = f"""FROM cases WHERE state IN ('replied', 'closed', 'routed', 'dead') AND words_removed_at = 0 AND changed_at <= ?
    AND NOT EXISTS ({_UNDER_WAY}) AND NOT EXISTS (SELECT 1 FROM erasures WHERE slot = cases.slot)"""
_WITH_WORDS = """SELECT position, payload FROM journal WHERE bodies > 0 AND position IN
    (SELECT ?1 UNION SELECT position FROM lines WHERE case_no = ?1) ORDER BY position"""


class Seen(NamedTuple):
    """A case as somebody saw it. Whoever decides about it later finds out by this whether it is still the same."""

    case: str
    changed_at: float


def due(connection: Connection, ended_before: float) -> list[Kept]:
    """The next lot of cases that ended before a moment and still have their words, the oldest first."""
    rows = connection.execute(f"SELECT {COLUMNS} {_DUE} ORDER BY changed_at, no LIMIT ?", (ended_before, CASES_PER_ENTRY)).fetchall()
    return [Kept._make(row) for row in rows]


def due_by_state(connection: Connection, ended_before: float) -> dict[str, int]:
    """How many cases are due, by the state they ended in."""
    return dict(connection.execute(f"SELECT state, count(*) {_DUE} GROUP BY state ORDER BY state", (ended_before,)).fetchall())


def to_archive(connection: Connection, seen: Iterable[Seen]) -> list[Kept]:
    """Of these cases those that ended, are as they were seen, and are not archived yet."""
    found = (kept for case, changed_at in seen if (kept := find(connection, case)) is not None and kept.changed_at == changed_at)
    return [kept for kept in found if not kept.archived and _has_ended(connection, kept, ARCHIVED)]


def expire(books: Books, lot: Sequence[Kept], days: int, by: str, term: int, now: float) -> int:
    """Write one lot down as far as it is still as it was found; how many cases. ``days`` 0: a person archives them."""
    books.check_term(term)
    books.write_out()
    same = [kept for kept in lot if _unchanged(books.connection, kept, ENDED)]
    if same:
        entries = tuple(position for kept in same for position in _with_words(books.connection, kept))
        cases = tuple(kept.id for kept in same)
        books.append(WordsExpired(at=now, by=by, cases=cases, entries=entries, days=days, archived=not days), term=term)
    return len(same)


def replace(books: Books, seen: Iterable[Seen], folder: str, by: str, term: int, now: float) -> int:
    """Close those of these cases that still wait for the desk or a person; how many.

    What came in by ``folder`` may come in once more: a table that is taken in again later brings its messages back.
    """
    books.check_term(term)
    books.write_out()
    found = (find(books.connection, case) for case, _ in seen)
    waiting = [kept for kept in found if kept is not None and _waits(books.connection, kept, now)]
    if waiting:
        received = (_received(books.connection, kept) for kept in waiting)
        forgotten = [event for event in received if event is not None and event.origin.folder == folder]
        books.append(
            CasesReplaced(
                at=now,
                by=by,
                cases=tuple(kept.id for kept in waiting),
                origins=tuple(event.origin for event in forgotten),
                prints=tuple(print_ for event in forgotten for print_ in _prints(event)),
            ),
            term=term,
        )
    return len(waiting)


def _with_words(connection: Connection, kept: Kept) -> list[int]:
    """The entries that brought words of this case. Its history also names those of the messages that overtook or repeated it."""
    rows = connection.execute(_WITH_WORDS, (kept.no,)).fetchall()
    return [position for position, payload in rows if getattr(journal.decode(payload), "case", "") == kept.id]


def _has_ended(connection: Connection, kept: Kept, states: tuple[str, ...]) -> bool:
    """In one of these states, and nothing of it is under way or unknown."""
    if kept.state not in states:
        return False
    return connection.execute(f"SELECT 1 FROM cases WHERE no = ? AND EXISTS ({_UNDER_WAY})", (kept.no,)).fetchone() is None


def _unchanged(connection: Connection, kept: Kept, states: tuple[str, ...]) -> bool:
    now = find(connection, kept.id)
    return now is not None and (now.state, now.changed_at) == (kept.state, kept.changed_at) and _has_ended(connection, now, states)


def _waits(connection: Connection, kept: Kept, now: float) -> bool:
    """For the desk or a person. A claim that has ended is nobody's; one that runs, and a mail that leaves, are under way."""
    if not (kept.state in ("listening", "waiting", "review") or (kept.state == "claimed" and kept.claimed_until <= now)):
        return False
    sending = "SELECT 1 FROM deliveries WHERE case_no = ? AND state IN ('sending', 'uncertain')"
    return connection.execute(sending, (kept.no,)).fetchone() is None


def _received(connection: Connection, kept: Kept) -> MessageReceived | None:
    entry = journal.at(connection, kept.no)
    event = journal.decode(entry.payload) if entry is not None else None
    return event if isinstance(event, MessageReceived) else None


def _prints(event: MessageReceived) -> Iterable[str]:
    return filter(None, (event.message_id_print, event.content_print, event.thread_print, *event.reference_prints))


def seen_from(pairs: Iterable[tuple[str, float]]) -> list[list[Seen]]:
    """Cases as somebody saw them, in lots of one entry each."""
    every = [Seen(case, changed_at) for case, changed_at in pairs]
    return [every[start : start + CASES_PER_ENTRY] for start in range(0, len(every), CASES_PER_ENTRY)]
