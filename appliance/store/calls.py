"""Calls: what an agent wrote and used at one, sealed with the case's words, and the list of them."""

from collections.abc import Callable

from appliance.ground.clock import Clock
from appliance.records.call import CallRow, CallState
from appliance.records.events import CallKept
from appliance.store import bodies as sealing
from appliance.store import cases
from appliance.store.bodies import Bodies
from appliance.store.books import Books
from appliance.store.effects.tables import body_number
from appliance.store.errors import WrongState
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

STATE_BYTES_MOST = 250_000
LISTED_MOST = 200
EARLIER_MOST = 5
_LOOKED_AT = 20_000  # cases, the newest, among which a customer's earlier ones are looked for

_KEPT = "SELECT position FROM calls WHERE case_no = ?"
_NAMES = ("case", "state", "received_at", "changed_at", "language", "reason", "kept_at")
_ROW = """cases.no, cases.id, cases.state, cases.received_at, cases.changed_at, cases.language, cases.reason, coalesce(calls.at, 0)
    FROM cases LEFT JOIN calls ON calls.case_no = cases.no"""
_LIST = f"SELECT {_ROW} WHERE cases.channel = 'voice' AND cases.archived = 0 ORDER BY cases.no DESC LIMIT ?"
_EARLIER = f"""SELECT {_ROW} WHERE cases.slot = ? AND cases.no < ? AND cases.no >= coalesce((SELECT min(no) FROM (
    SELECT no FROM cases WHERE no < ? ORDER BY no DESC LIMIT {_LOOKED_AT})), 0) ORDER BY cases.no DESC LIMIT ?"""


class Calls:
    """The store's side of it. ``run`` puts a job before the writer."""

    def __init__(self, run: Callable[[Callable[[Books], object]], object], readers: Readers, bodies: Bodies, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._bodies = bodies
        self._clock = clock

    def keep(self, case: str, state: CallState, by: str, *, term: int) -> None:
        """Keep what was written and used; the same once more adds nothing. Refused when the case's words are gone."""
        now = self._clock.now()
        self._run(lambda books: keep(books, case, state, by, term, now))

    def state(self, case: str) -> CallState:
        """What was kept last; an empty one when nothing was, or its words are gone."""
        return self._readers.ask(lambda reader: state_of(reader, self._bodies, cases.must_find(reader, case)))

    def rows(self, limit: int = LISTED_MOST) -> list[CallRow]:
        """The calls that nobody archived, newest first."""
        most = min(max(limit, 1), LISTED_MOST)
        return self._readers.ask(lambda reader: _opened(reader, self._bodies, _LIST, (most,)))

    def earlier(self, case: str) -> list[CallRow]:
        """This customer's last cases before this one, on any channel, newest first: at most five."""
        return self._readers.ask(lambda reader: _earlier(reader, self._bodies, cases.must_find(reader, case)))


def keep(books: Books, case: str, state: CallState, by: str, term: int, now: float) -> None:
    """One entry, unless the same is kept already."""
    books.check_term(term)
    words = sealing.encode(state)
    if len(words) > STATE_BYTES_MOST:
        raise WrongState("What was written at this call is too long to be kept.", "Shorten the draft or the quote.")
    books.write_out()
    kept = cases.must_find(books.connection, case)
    if cases.message_of(books.connection, books.bodies, kept.no) is None:
        raise WrongState(f"The words of case {case} have been removed.", "Nothing can be added to it.", code="words_gone")
    if state_of(books.connection, books.bodies, kept) == state:
        return
    sealed = books.bodies.seal(kept.slot, "call", words)
    books.append(CallKept(at=now, by=by, case=kept.id, call=sealed.digest.hex()), term=term, bodies=[sealed])


def state_of(connection: Connection, bodies: Bodies, kept: cases.Kept) -> CallState:
    """What was kept last of a case that was found."""
    row = connection.execute(_KEPT, (kept.no,)).fetchone()
    found = None if row is None else cases.sealed_words(connection, bodies, body_number(row[0], 0))
    return CallState() if found is None else sealing.decode(found[1], CallState)


def _earlier(connection: Connection, bodies: Bodies, kept: cases.Kept) -> list[CallRow]:
    return _opened(connection, bodies, _EARLIER, (kept.slot, kept.no, kept.no, EARLIER_MOST))


def _opened(connection: Connection, bodies: Bodies, sql: str, parameters: tuple[int, ...]) -> list[CallRow]:
    """The rows with their beginnings opened."""
    found = []
    for number, *values in connection.execute(sql, parameters).fetchall():
        words = cases.glance(connection, bodies, number)
        subject = words.subject or cases.beginning(words.text)
        found.append(CallRow(**dict(zip(_NAMES, values, strict=True)), sender=words.sender.name or words.sender.address, subject=subject))
    return found
