"""Conversations of the chat: who may go on with one, what was said in it, and when there is news.

A message of a chat is a case like a mail's, in the same queue. What is kept here besides is small: the keyed digest of the secret
by which a browser shows that a conversation is its own, whether the customer asked for a person, and where it ended.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from msgspec import structs

from appliance.ground.clock import Clock
from appliance.ground.ids import new_id, new_token
from appliance.records.answer import Draft
from appliance.records.base import Record
from appliance.records.case import CaseState
from appliance.records.events import (
    CaseClaimed,
    CaseReleased,
    CaseSettled,
    ChatAddressGiven,
    ChatClosed,
    ChatOpened,
    CustomerErased,
    DeliverySent,
    Event,
    MessageReceived,
    PersonWanted,
    ReviewDecided,
)
from appliance.records.message import Arrival, Receipt
from appliance.store import bodies as sealing
from appliance.store import cases, intake
from appliance.store.books import Books
from appliance.store.effects.chats import WANTED
from appliance.store.errors import ChatEnded, NoSuchCase, TooManyMessages, WrongState
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

CHAT = "chat"  # the channel, and the name that stands where a mail has its mailbox
ADDRESS_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3
HOUR_SECONDS, DAY_SECONDS, MINUTE_SECONDS = 3_600.0, 86_400.0, 60.0

_COLUMNS = "id, language, opened_at, person_at, closed_at, address"
_OF_SESSION = "FROM origins JOIN cases ON cases.no = origins.case_no WHERE origins.mailbox = 'chat' AND origins.folder = ?"
_SINCE = f"SELECT count(*) {_OF_SESSION} AND cases.received_at > ?"
_ORIGIN = "SELECT 1 FROM origins WHERE mailbox = ? AND folder = ? AND uid_validity = 0 AND uid = 0 AND name = ?"
_NEWEST = f"SELECT cases.id {_OF_SESSION} ORDER BY cases.no DESC LIMIT 1"
_REPLIES = """SELECT no, case_no, body, automatic, changed_at FROM deliveries
    WHERE case_no IN (SELECT value FROM json_each(?)) AND kind = 'reply' AND state = 'sent' ORDER BY no"""
_MARK = """SELECT chats.id, person_at, closed_at, address, max(cases.no), max(cases.changed_at), group_concat(cases.state, '') FROM chats
    LEFT JOIN origins ON origins.mailbox = 'chat' AND origins.folder = chats.id LEFT JOIN cases ON cases.no = origins.case_no
    WHERE chats.id IN (SELECT value FROM json_each(?)) GROUP BY chats.id"""

_NEWS: frozenset[type[Event]] = frozenset({
    MessageReceived, CaseClaimed, CaseReleased, CaseSettled, ReviewDecided, DeliverySent, PersonWanted, ChatClosed, ChatAddressGiven,
    CustomerErased,
})  # fmt: skip


class ChatLimits(Record):
    """How much one conversation may say, and how long it may be gone on with after it began."""

    messages_per_minute: int = 12
    messages_per_day: int = 200
    session_hours: int = 72

    @property
    def session_seconds(self) -> float:
        return self.session_hours * HOUR_SECONDS


class Chat(NamedTuple):
    """A conversation as the table keeps it. ``person_at`` and ``closed_at``: 0 when that has not happened; ``address``: a body."""

    id: str
    language: str
    opened_at: float
    person_at: float
    closed_at: float
    address: int


class Said(Record):
    """One thing that was said. ``who``: ``customer``, ``desk`` or ``person``; a reply has its draft, a message its words."""

    id: str
    case: str
    who: str
    at: float
    text: str = ""
    draft: Draft | None = None


class Standing(Record):
    """Where a conversation stands: its newest case and that case's state (None: nothing was said yet)."""

    session: str
    language: str
    opened_at: float
    wants_person: bool = False
    closed: bool = False
    has_address: bool = False
    case: str = ""
    state: CaseState | None = None
    reason: str = ""


class News:
    """Tells whoever waits that something about some chat may have changed. It carries nothing: whoever hears it looks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def tell(self, kinds: Iterable[type[Event]]) -> None:
        """On the writer's thread, after a commit of such events."""
        if not _NEWS.isdisjoint(kinds):
            with self._changed:
                self._count += 1
                self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """Return when there is more news than ``seen``, or after so many seconds; how much there is now."""
        with self._changed:
            self._changed.wait_for(lambda: self._count != seen, seconds)
            return self._count


class Chats:
    """The conversations of one home, as the store gives them out."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, books: Books, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._bodies = books.bodies
        self._prints = books.prints
        self._limits = books.limits
        self._clock = clock
        self.news = News()

    def open(self, language: str, *, term: int) -> tuple[str, str]:
        """A new conversation: its id, and its secret, which is told this once."""
        session, secret, now = new_id("s"), new_token(), self._clock.now()
        event = ChatOpened(at=now, by=CHAT, session=session, digest=self._prints.secret(secret), language=language)
        self._run(lambda books: books.append(event, term=term))
        return session, secret

    def session_of(self, secret: str, limits: ChatLimits) -> str:
        """Which open conversation this is the secret of; "" when none."""
        began = self._clock.now() - limits.session_seconds
        sql = "SELECT id FROM chats WHERE digest = ? AND closed_at = 0 AND opened_at > ?"
        row = self._readers.one(sql, (self._prints.secret(secret), began)) if secret else None
        return "" if row is None else str(row[0])

    def session_of_case(self, case: str) -> str:
        """Which conversation a case belongs to; "" when it is no chat's."""
        kept = self._readers.ask(lambda connection: cases.find(connection, case))
        return "" if kept is None else self._readers.ask(lambda connection: _session_of(connection, kept.no))

    def say(self, arrival: Arrival, limits: ChatLimits, *, term: int) -> Receipt:
        """Take in what the customer wrote; it waits for the desk when this returns. The same arrival twice adds nothing."""
        prepared, now = intake.prepare(arrival, self._prints, self._limits), self._clock.now()
        receipt: Receipt = self._run(lambda books: say(books, prepared, limits, term, now))
        return receipt

    def want_person(self, session: str, *, term: int) -> None:
        """From now on a person answers; what the desk has not answered yet goes to them."""
        now = self._clock.now()
        self._run(lambda books: want_person(books, session, term, now))

    def give_address(self, session: str, address: str, *, term: int) -> None:
        """Keep a mail address, sealed under the conversation's own key."""
        now = self._clock.now()
        self._run(lambda books: give_address(books, session, address, term, now))

    def close(self, session: str, by: str, *, term: int) -> None:
        """End a conversation. A repeat changes nothing."""
        now = self._clock.now()
        self._run(lambda books: close(books, session, by, term, now))

    def standing(self, session: str) -> Standing:
        """Where it stands. Refused when there is no such conversation."""
        return self._readers.ask(lambda connection: standing(connection, session))

    def transcript(self, session: str, most: int) -> list[Said]:
        """The newest ``most`` messages with the replies to them, in the order they were said. Erased words are left out."""
        return self._readers.ask(lambda connection: transcript(connection, self._bodies, session, most))

    def address(self, session: str) -> str:
        """The mail address that the customer left; "" when there is none."""
        return self._readers.ask(lambda connection: _address(connection, self._bodies, session))

    def marks(self, sessions: Iterable[str]) -> dict[str, str]:
        """Of each conversation a mark that changes whenever something about it does."""
        asked = sealing.encode_list(sessions)
        return {row[0]: "|".join(map(str, row[1:])) for row in self._readers.all(_MARK, (asked,))}


def must_be_open(connection: Connection, session: str) -> Chat:
    """The conversation; refused when it has ended or never was."""
    chat = _find(connection, session)
    if chat.closed_at:
        raise ChatEnded("This conversation has ended.", "Begin a new one.")
    return chat


def _find(connection: Connection, session: str) -> Chat:
    row = connection.execute(f"SELECT {_COLUMNS} FROM chats WHERE id = ?", (session,)).fetchone()
    if row is None:
        raise NoSuchCase("There is no such conversation.", "Begin a new one.")
    return Chat._make(row)


def must_be_heard(connection: Connection, case_no: int, began_after: float) -> None:
    """Refuse an answer into a conversation that has ended, or that began too long ago: nobody would see it."""
    session = _session_of(connection, case_no)
    chat = _find(connection, session) if session else None
    if chat is not None and (chat.closed_at or chat.opened_at <= began_after):
        raise ChatEnded("The conversation has ended: the customer would not see the answer.", "Reject the case, or write to the customer.")


def has_ended(connection: Connection, kept: cases.Kept) -> bool:
    """Whether the customer of this chat has gone, so that no answer would be seen. A mail's case has not."""
    session = _session_of(connection, kept.no) if kept.channel == CHAT else ""
    return bool(session) and _find(connection, session).closed_at > 0


def _session_of(connection: Connection, case_no: int) -> str:
    row = connection.execute("SELECT folder FROM origins WHERE mailbox = 'chat' AND case_no = ?", (case_no,)).fetchone()
    return "" if row is None else str(row[0])


def say(books: Books, prepared: intake.Prepared, limits: ChatLimits, term: int, now: float) -> Receipt:
    """Receive and acknowledge in one transaction, for there is no mailbox to be told in between."""
    books.check_term(term)
    origin = prepared.origin
    chat = must_be_open(books.connection, origin.folder)
    if books.connection.execute(_ORIGIN, (origin.mailbox, origin.folder, origin.name)).fetchone() is None:
        _must_be_within(books.connection, chat, limits, now)
    if chat.person_at:
        prepared = prepared._replace(arrival=structs.replace(prepared.arrival, hold=WANTED))
    receipts = intake.receive(books, [prepared], term, now)
    intake.acknowledge(books, receipts, None, (), term, now)
    return receipts[0]


def _must_be_within(connection: Connection, chat: Chat, limits: ChatLimits, now: float) -> None:
    for seconds, most in ((MINUTE_SECONDS, limits.messages_per_minute), (DAY_SECONDS, limits.messages_per_day)):
        if connection.execute(_SINCE, (chat.id, now - seconds)).fetchone()[0] >= most:
            raise TooManyMessages("Too many messages came in this conversation.", "Wait a little, then go on.")
    if now - chat.opened_at > limits.session_seconds:
        raise ChatEnded("This conversation began too long ago.", "Begin a new one.")


def want_person(books: Books, session: str, term: int, now: float) -> None:
    """What is on its way at this moment, or may have been, is left to take its course."""
    books.check_term(term)
    if must_be_open(books.connection, session).person_at:
        return
    newest = _newest(books.connection, session)
    raised = newest.id if newest is not None and not _out_of_hand(books, newest) else ""
    books.append(PersonWanted(at=now, by=CHAT, session=session, case=raised), term=term)


def _newest(connection: Connection, session: str) -> cases.Kept | None:
    row = connection.execute(_NEWEST, (session,)).fetchone()
    return cases.find(connection, row[0]) if row is not None else None


def _out_of_hand(books: Books, kept: cases.Kept) -> bool:
    """Whether a person could do nothing about it: its reply is leaving or may have left, or its words have been removed."""
    sending = "SELECT 1 FROM deliveries WHERE case_no = ? AND state = 'sending'"
    if kept.state in (CaseState.UNCERTAIN, CaseState.DEAD) or books.connection.execute(sending, (kept.no,)).fetchone() is not None:
        return True
    books.write_out()
    return cases.message_of(books.connection, books.bodies, kept.no) is None


def give_address(books: Books, session: str, address: str, term: int, now: float) -> None:
    """Refused before the first message: the key that it is sealed with comes with that."""
    books.check_term(term)
    must_be_open(books.connection, session)
    newest = _newest(books.connection, session)
    if newest is None:
        raise WrongState("Nothing was said in this conversation yet.", "Write a message first.")
    sealed = books.bodies.seal(newest.slot, "address", sealing.encode(address))
    event = ChatAddressGiven(at=now, by=CHAT, session=session, case=newest.id, address=sealed.digest.hex())
    books.append(event, term=term, bodies=[sealed])


def close(books: Books, session: str, by: str, term: int, now: float) -> None:
    books.check_term(term)
    if not _find(books.connection, session).closed_at:
        books.append(ChatClosed(at=now, by=by, session=session), term=term)


def standing(connection: Connection, session: str) -> Standing:
    """Where a conversation stands, without words."""
    chat = _find(connection, session)
    newest = _newest(connection, session)
    return Standing(
        session=chat.id,
        language=(newest.language if newest is not None else "") or chat.language,
        opened_at=chat.opened_at,
        wants_person=bool(chat.person_at),
        closed=bool(chat.closed_at),
        has_address=bool(chat.address),
        case=newest.id if newest is not None else "",
        state=CaseState(newest.state) if newest is not None else None,
        reason=newest.reason if newest is not None else "",
    )


def transcript(connection: Connection, bodies: sealing.Bodies, session: str, most: int) -> list[Said]:
    """Messages and the replies that left, oldest first."""
    sql = f"SELECT cases.no, cases.id, cases.received_at {_OF_SESSION} ORDER BY cases.no DESC LIMIT ?"
    rows = connection.execute(sql, (session, most)).fetchall()
    ids = {no: case for no, case, _ in rows}
    said = [
        Said(id=case, case=case, who="customer", at=at, text=words) for no, case, at in rows if (words := _words(connection, bodies, no))
    ]
    for no, case_no, body, automatic, at in connection.execute(_REPLIES, (sealing.encode_list(list(ids)),)).fetchall():
        draft = cases.draft_of(connection, bodies, body)
        if draft is not None:
            who = "desk" if automatic else "person"
            said.append(Said(id=f"r-{no}", case=ids[case_no], who=who, at=at, text=draft.text, draft=draft))
    return sorted(said, key=lambda one: one.at)


def _words(connection: Connection, bodies: sealing.Bodies, number: int) -> str:
    message = cases.message_of(connection, bodies, number)
    return "" if message is None else message.text


def _address(connection: Connection, bodies: sealing.Bodies, session: str) -> str:
    chat = _find(connection, session)
    found = cases.sealed_words(connection, bodies, chat.address) if chat.address else None
    return "" if found is None else sealing.decode_text(found[1])
