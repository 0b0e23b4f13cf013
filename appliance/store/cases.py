"""A case out of the tables: its row, its words, what is known around it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec

from appliance.ground.errors import StoreError
from appliance.records.answer import Draft
from appliance.records.base import Record
from appliance.records.case import Case, CaseRow, CaseState, History
from appliance.records.message import Address, Channel, Message
from appliance.store.bodies import Bodies, Letter, decode
from appliance.store.errors import NoSuchCase
from appliance.store.limits import StoreLimits
from appliance.store.names import case_number
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.sqlite import Connection

DAY_SECONDS = 86_400.0
HOUR_SECONDS = 3_600.0
_BEGINNING = 80  # characters of a message that stand for its subject in a list

COLUMNS = """no, id, channel, mailbox, state, thread, slot, kind, received_at, changed_at, hold, duplicate_of, about, overtook, attempts,
    agent, claim, claimed_until, language, tier, reason, team, score, settled, draft, words_removed_at, archived, assigned,
    escalated"""


_MESSAGE = f"""SELECT role, slot, sealed FROM bodies WHERE id =
    (SELECT CASE words WHEN 0 THEN no * {BODIES_PER_ENTRY} ELSE words END FROM cases WHERE no = ?)"""


class Kept(NamedTuple):
    """A case as the table keeps it."""

    no: int
    id: str
    channel: str
    mailbox: str
    state: str
    thread: int
    slot: int
    kind: str
    received_at: float
    changed_at: float
    hold: str
    duplicate_of: int
    about: int
    overtook: int
    attempts: int
    agent: str
    claim: int
    claimed_until: float
    language: str
    tier: int | None
    reason: str
    team: str
    score: float | None
    settled: int
    draft: int
    words_removed_at: float
    archived: int
    assigned: str
    escalated: int


class Waiting(Record):
    """Who waits: how long the one who wrote first has waited (0.0: nobody waits), and how many are late, counted up to a limit."""

    oldest_seconds: float = 0.0
    late: int = 0


class Glance(Record):
    """Of a message, what a list shows."""

    sender: Address = Address()
    subject: str = ""
    text: str = ""


def find(connection: Connection, case: str) -> Kept | None:
    """The case of this id."""
    number = case_number(case)
    if number is None:
        return None
    kept = by_number(connection, number)
    return kept if kept is not None and kept.id == case else None


def by_number(connection: Connection, number: int) -> Kept | None:
    """The case of this number."""
    row = connection.execute(f"SELECT {COLUMNS} FROM cases WHERE no = ?", (number,)).fetchone()
    return None if row is None else Kept._make(row)


def of_numbers(connection: Connection, numbers: Sequence[int]) -> list[Kept]:
    """The cases of these numbers, in no order; at most some hundreds in one question."""
    marks = ",".join("?" * len(numbers))
    return [Kept._make(row) for row in connection.execute(f"SELECT {COLUMNS} FROM cases WHERE no IN ({marks})", numbers)]


def must_find(connection: Connection, case: str) -> Kept:
    """The case of this id; refused when there is none."""
    kept = find(connection, case)
    if kept is None:
        raise NoSuchCase(f"There is no case {case}.", "`tandem cases list` shows them.")
    return kept


def id_of(connection: Connection, number: int) -> str:
    """The id of a case by its number; "" for 0."""
    row = connection.execute("SELECT id FROM cases WHERE no = ?", (number,)).fetchone() if number else None
    return "" if row is None else str(row[0])


def sealed_words(connection: Connection, bodies: Bodies, number: int) -> tuple[str, bytes] | None:
    """A body's role and its encoded words; None when they were erased."""
    row = connection.execute("SELECT role, slot, sealed FROM bodies WHERE id = ?", (number,)).fetchone()
    if row is None:
        return None
    words = bodies.open(row[1], row[0], row[2])
    return None if words is None else (row[0], words)


def message_words(connection: Connection, bodies: Bodies, number: int) -> bytes | None:
    """The encoded message of a case as it stands: with what was said, once that was heard. None when its words are gone."""
    row = connection.execute(_MESSAGE, (number,)).fetchone()
    return None if row is None else bodies.open(row[1], row[0], row[2])


def message_of(connection: Connection, bodies: Bodies, number: int) -> Message | None:
    """The message that a case is about."""
    found = message_words(connection, bodies, number)
    return None if found is None else decode(found, Message)


def draft_of(connection: Connection, bodies: Bodies, body: int) -> Draft | None:
    """The draft with this body number; None when there is none."""
    found = sealed_words(connection, bodies, body) if body else None
    return decode(found[1], Draft) if found is not None and found[0] == "draft" else None


def letter_of(connection: Connection, bodies: Bodies, body: int) -> Letter | None:
    """The letter with this body number; None when there is none."""
    found = sealed_words(connection, bodies, body) if body else None
    return decode(found[1], Letter) if found is not None and found[0] == "letter" else None


def glance(connection: Connection, bodies: Bodies, number: int) -> Glance:
    """Sender and subject; empty when they were erased, or cannot be read: whoever opens the case is told why."""
    try:
        found = message_words(connection, bodies, number)
        return Glance() if found is None else decode(found, Glance)
    except (StoreError, msgspec.DecodeError):
        return Glance()


def earlier_messages(connection: Connection, bodies: Bodies, kept: Kept, limits: StoreLimits) -> tuple[Message, ...]:
    """What the same customer wrote in the thread before, oldest first. Another person's words in it are left out."""
    rows = connection.execute(
        """SELECT no FROM cases WHERE thread = ? AND thread <> no AND no < ? AND slot = ? AND duplicate_of = 0
        ORDER BY no DESC LIMIT ?""",
        (kept.thread, kept.no, kept.slot, limits.thread_messages),
    ).fetchall()
    numbers = [row[0] for row in rows]
    root = by_number(connection, kept.thread) if kept.thread != kept.no and len(numbers) < limits.thread_messages else None
    if root is not None and root.slot == kept.slot:
        numbers.append(root.no)
    found = (message_of(connection, bodies, number) for number in reversed(numbers))
    return tuple(message for message in found if message is not None)


def history_of(connection: Connection, kept: Kept, now: float) -> History:
    """What counts against another automatic reply. A reply taken back before it left does not count."""
    return History(
        automatic_replies_to_sender=replies_to_sender(connection, kept.slot, now),
        automatic_replies_last_hour=replies_last_hour(connection, kept.channel, now),
        earlier_unanswered=kept.overtook,
    )


#: Those who wait for the desk and for a person; word for word what their indexes by age are for.
FOR_THE_DESK = "state = 'waiting'"
FOR_A_PERSON = "state IN ('review', 'uncertain')"


def waiting(connection: Connection, who: str, promised_seconds: float, now: float, most: int) -> Waiting:
    """How long those have waited since they wrote, and how many longer than promised (0: nothing is promised); at most ``most``."""
    oldest = connection.execute(f"SELECT received_at FROM cases WHERE {who} ORDER BY received_at, no LIMIT 1").fetchone()
    if oldest is None:
        return Waiting()
    late = f"SELECT count(*) FROM (SELECT 1 FROM cases WHERE {who} AND received_at < ? LIMIT ?)"
    number = int(connection.execute(late, (now - promised_seconds, most)).fetchone()[0]) if promised_seconds else 0
    return Waiting(oldest_seconds=max(0.0, now - oldest[0]), late=number)


def lost_drafts(connection: Connection, most: int) -> int:
    """Drafts that never came to our own mailbox, or perhaps not, and whose cases still wait; looked for among the newest ``most``."""
    row = connection.execute(
        """SELECT count(*) FROM (SELECT case_no FROM deliveries WHERE kind = 'draft' AND state IN ('uncertain', 'dead')
        ORDER BY no DESC LIMIT ?) JOIN cases ON cases.no = case_no WHERE cases.state = 'review'""",
        (most,),
    ).fetchone()
    return int(row[0])


def replies_to_sender(connection: Connection, slot: int, now: float) -> int:
    """Automatic replies to one customer within a day, queued ones included."""
    row = connection.execute(
        "SELECT count(*) FROM deliveries WHERE automatic = 1 AND slot = ? AND queued_at > ? AND state <> 'retired'",
        (slot, now - DAY_SECONDS),
    ).fetchone()
    return int(row[0])


def replies_last_hour(connection: Connection, channel: str, now: float) -> int:
    """Automatic replies to everybody within an hour, queued ones included. A busy chat does not use up what mail may send, nor a drill."""
    row = connection.execute(
        """SELECT count(*) FROM deliveries WHERE automatic = 1 AND queued_at > ? AND state <> 'retired'
        AND mailbox <> 'drill' AND (mailbox = 'chat') = (? = 'chat')""",
        (now - HOUR_SECONDS, channel),
    ).fetchone()
    return int(row[0])


def build(connection: Connection, bodies: Bodies, kept: Kept, history: History, limits: StoreLimits) -> Case:
    """The case as the desk takes it."""
    message = message_of(connection, bodies, kept.no)
    if message is None:
        raise StoreError(f"The words of case {kept.id} have been erased.", "There is nothing left to answer; close it.")
    return Case(
        id=kept.id,
        channel=cast(Channel, kept.channel),
        mailbox=kept.mailbox,
        state=CaseState(kept.state),
        received_at=kept.received_at,
        message=message,
        thread_id=id_of(connection, kept.thread),
        thread=earlier_messages(connection, bodies, kept, limits),
        hold=kept.hold,
        duplicate_of=id_of(connection, kept.duplicate_of),
        about=id_of(connection, kept.about),
        history=history,
        attempts=kept.attempts,
        claim=kept.claim,
    )


def row_of(kept: Kept, seen: Glance, duplicate_of: str) -> CaseRow:
    """The case as a list shows it."""
    return CaseRow(
        id=kept.id,
        channel=cast(Channel, kept.channel),
        mailbox=kept.mailbox,
        state=CaseState(kept.state),
        received_at=kept.received_at,
        changed_at=kept.changed_at,
        language=kept.language,
        tier=kept.tier,
        reason=kept.reason,
        team=kept.team,
        score=kept.score,
        agent=kept.agent,
        duplicate_of=duplicate_of,
        sender=seen.sender.address,
        sender_name=seen.sender.name,
        subject=seen.subject,
        begins="" if seen.subject.strip() else beginning(seen.text),
        words_removed_at=kept.words_removed_at,
        assigned=kept.assigned,
        escalated=kept.escalated,
    )


def beginning(text: str) -> str:
    """The first words of a text, on one line."""
    return " ".join(text[: 2 * _BEGINNING].split())[:_BEGINNING]


def rows(
    connection: Connection,
    bodies: Bodies,
    states: Sequence[CaseState],
    beyond: int,
    limit: int,
    oldest_first: bool = False,
    archived: bool = False,
    assigned: str | None = None,
) -> list[CaseRow]:
    """The newest cases in these states, below a number, newest first; or the oldest, above it, oldest first.

    Those that a person archived only when asked for. ``assigned``: those that this person takes care of; "" those of nobody.
    """
    side, values = _side(beyond, oldest_first, archived, assigned)
    found = [Kept._make(row) for row in _select(connection, states, side, values, limit, oldest_first)]
    return [shown(connection, bodies, kept) for kept in found]


def shown(connection: Connection, bodies: Bodies, kept: Kept) -> CaseRow:
    """The case as a list shows it, its subject and sender opened."""
    return row_of(kept, glance(connection, bodies, kept.no), id_of(connection, kept.duplicate_of))


def _side(beyond: int, oldest_first: bool, archived: bool, assigned: str | None) -> tuple[str, tuple[int | str, ...]]:
    """Which side of a number, of which cases there, and in which order; with the values that the question marks stand for."""
    beyond_it, order = ("no > ?", "no") if oldest_first else ("no < ?", "no DESC")
    ordinary = "" if archived else " AND archived = 0"
    whose = "" if assigned is None else " AND assigned = ? AND assigned <> ''" if assigned else " AND assigned = ?"
    return f"{beyond_it}{ordinary}{whose} ORDER BY {order}", (beyond,) if assigned is None else (beyond, assigned)


def _select(
    connection: Connection, states: Sequence[CaseState], side: str, values: tuple[int | str, ...], limit: int, oldest_first: bool
) -> list[Any]:
    """One question a state, each with the state as a literal, so that its partial index answers it."""
    if set(states) == set(CaseState):
        return connection.execute(f"SELECT {COLUMNS} FROM cases WHERE {side} LIMIT ?", (*values, limit)).fetchall()
    counts = dict(connection.execute("SELECT state, count FROM counters").fetchall())
    found: list[Any] = []
    for state in states:
        most = min(limit, counts.get(state.value, 0))  # known to be all there are: stop there instead of looking on
        if most:
            sql = f"SELECT {COLUMNS} FROM cases WHERE state = '{state.value}' AND {side} LIMIT ?"
            found += connection.execute(sql, (*values, most)).fetchall()
    found.sort(reverse=not oldest_first)
    return found[:limit]
