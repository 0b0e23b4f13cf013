"""What people did in the mailbox itself: whom they answered from there, and which of our drafts are to be taken out of it.

A mail in Sent is a person's answer when it is one of our drafts that was sent from there (known by our key, or by the Message-ID
that we gave it), or when it answers a case's message and goes to that customer: a forward to a colleague names the message as
well and answers nobody. What our own outbox sent is known by the same key and is no person's.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from appliance.ground.clock import Clock
from appliance.records.delivery import DeliveryKind
from appliance.records.events import AnsweredElsewhere, DraftRemoved
from appliance.records.message import Cursor, Message
from appliance.store import cases, intake
from appliance.store.books import Books
from appliance.store.effects.elsewhere import ANSWERED
from appliance.store.names import case_number, delivery_id, delivery_number, our_case
from appliance.store.prints import Prints, normal_address, print_number
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

_OPEN = ("arrived", "listening", "waiting", "claimed", "review", "routed", "replying", "dead")
_LEAVING = "SELECT no, overtaken FROM deliveries WHERE case_no = ? AND kind = 'reply' AND state = 'sending'"
_PRINT = "SELECT case_no FROM prints WHERE print = ? AND content <> 0"
# A reply's own try takes its case's draft out, so that it can tell whether somebody took it first.
_LYING = """SELECT deliveries.id, cases.id, deliveries.message_id FROM drafts JOIN cases ON cases.no = drafts.case_no
    JOIN deliveries ON deliveries.no = delivery_no WHERE drafts.mailbox = ? AND cases.state NOT IN ('review', 'replying')
    AND deliveries.state <> 'sending' AND cases.changed_at NOT BETWEEN ? AND ? ORDER BY delivery_no LIMIT ?"""


class Lying(NamedTuple):
    """A draft that is to be taken out of Drafts: its delivery, its case, its X-Tandem-Key."""

    delivery: str
    case: str
    key: str


def answered(books: Books, mailbox: str, mails: Sequence[Message], cursor: Cursor | None, term: int, now: float) -> tuple[str, ...]:
    """Close the cases that these mails from Sent answer, and move the cursor; the cases' ids."""
    books.check_term(term)
    books.write_out()
    closed = []
    for mail in mails:
        kept = _answered_by(books, mail)
        if kept is not None and (event := _answer(books.connection, kept, mailbox, now)) is not None:
            books.append(event, term=term)
            closed.append(kept.id)
    intake.acknowledge(books, (), cursor, (), term, now)
    return tuple(closed)


def _answer(connection: Connection, kept: cases.Kept, mailbox: str, now: float) -> AnsweredElsewhere | None:
    """The event, unless the case has ended already or ends with what is under way."""
    leaving, overtaken = connection.execute(_LEAVING, (kept.no,)).fetchone() or (0, 0)
    if kept.state not in _OPEN or overtaken:
        return None
    return AnsweredElsewhere(at=now, by=mailbox, case=kept.id, mailbox=mailbox, leaving=delivery_id(leaving, kept.id) if leaving else "")


def _answered_by(books: Books, mail: Message) -> cases.Kept | None:
    """The case that this mail answers; None when it answers none, or is our own."""
    ours = _own_id(books.prints, mail)
    if ours:
        return _case_of_draft(books.connection, ours)
    for reference in (*mail.in_reply_to, *reversed(mail.references)):
        kept = _case_named(books, reference)
        if kept is not None:
            return kept if _goes_to_customer(books, kept, mail) else None
    return None


def _own_id(prints: Prints, mail: Message) -> str:
    """The Message-ID that we gave this mail: the one in our key, since some servers rewrite the header; "" for a stranger's."""
    if prints.case_of_key(mail.tandem_key):
        return f"<{mail.tandem_key.strip().split('.', 2)[2]}>"
    return mail.message_id if our_case(mail.message_id) else ""


def _case_of_draft(connection: Connection, message_id: str) -> cases.Kept | None:
    """The case whose draft has this Message-ID; None when a mail that we sent ourselves has it."""
    kept = cases.find(connection, our_case(message_id))
    if kept is None:
        return None
    rows = connection.execute("SELECT kind FROM deliveries WHERE case_no = ? AND message_id = ?", (kept.no, message_id)).fetchall()
    return kept if {row[0] for row in rows} == {DeliveryKind.DRAFT} else None


def _case_named(books: Books, reference: str) -> cases.Kept | None:
    """The case whose message, or whose reply, has this Message-ID. A mere mention in somebody's References is none."""
    ours = our_case(reference)
    if ours:
        return cases.find(books.connection, ours)
    row = books.connection.execute(_PRINT, (print_number(books.prints.message_id(reference)),)).fetchone()
    return None if row is None else cases.by_number(books.connection, row[0])


def _goes_to_customer(books: Books, kept: cases.Kept, mail: Message) -> bool:
    message = cases.message_of(books.connection, books.bodies, kept.no)
    if message is None:
        return False
    customer = {normal_address(address.address) for address in (message.sender, *message.reply_to) if address.address}
    return any(normal_address(address.address) in customer for address in (*mail.to, *mail.cc))


def forget_draft(books: Books, case_no: int, *, gone: bool, term: int, now: float) -> None:
    """The drafts of this case do not lie in Drafts any more."""
    sql = "SELECT deliveries.id FROM drafts JOIN deliveries ON deliveries.no = delivery_no WHERE drafts.case_no = ? ORDER BY delivery_no"
    rows = books.connection.execute(sql, (case_no,)).fetchall()
    for (delivery,) in rows:
        books.append(
            DraftRemoved(at=now, by="outbox", delivery=delivery, case=cases.id_of(books.connection, case_no), gone=gone), term=term
        )


class Elsewhere:
    """The store's door for what people do in the mailbox itself. See ``Store.elsewhere``."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, prints: Prints, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._prints = prints
        self._clock = clock

    def answered(self, mailbox: str, mails: Sequence[Message], cursor: Cursor | None, *, term: int) -> tuple[str, ...]:
        """Close the cases that these mails from Sent answer, and remember how far Sent was read; the cases' ids."""
        now = self._clock.now()
        closed: tuple[str, ...] = self._run(lambda books: answered(books, mailbox, mails, cursor, term, now))
        return closed

    def was_answered(self, case: str) -> bool:
        """Whether a person answered this case from the mailbox."""
        row = self._readers.one("SELECT reason FROM cases WHERE no = ?", (case_number(case) or 0,))
        return row is not None and row[0] == ANSWERED

    def to_take_out(self, mailbox: str, undo_seconds: float = 0.0, most: int = 50) -> tuple[Lying, ...]:
        """Drafts in this mailbox whose cases have ended or gone elsewhere, and not just now: a decision may still be undone."""
        now = self._clock.now()
        just_now = (now - undo_seconds, now) if undo_seconds else (1.0, 0.0)
        rows = self._readers.all(_LYING, (mailbox, *just_now, most))
        return tuple(Lying(delivery, case, self._prints.delivery_key(case, message_id)) for delivery, case, message_id in rows)

    def removed(self, lying: Lying, *, gone: bool, term: int) -> None:
        """That draft does not lie in Drafts any more. A repeat changes nothing."""
        now = self._clock.now()
        event = DraftRemoved(at=now, by="mailbox", delivery=lying.delivery, case=lying.case, gone=gone)

        def write(books: Books) -> None:
            books.check_term(term)
            sql = "SELECT 1 FROM drafts WHERE delivery_no = ?"
            if books.connection.execute(sql, (delivery_number(lying.delivery) or 0,)).fetchone() is not None:
                books.append(event, term=term)

        self._run(write)
