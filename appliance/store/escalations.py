"""Escalations: raising a case, who has seen it, what is still open."""

from collections.abc import Callable
from typing import Any, NamedTuple

from appliance.ground.clock import Clock
from appliance.records.case import CaseState
from appliance.records.escalation import BY_HAND, LEVELS, Escalation
from appliance.records.events import CaseEscalated, EscalationSeen
from appliance.store import cases
from appliance.store.bodies import Bodies
from appliance.store.books import Books
from appliance.store.errors import WrongState
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

LOOKED_AT_MOST = 2_000  # of those that wait for a person, the oldest
HANDED_OVER_MOST = 500
LISTED_MOST = 200
_STILL = "state IN ('listening', 'waiting', 'claimed', 'review', 'routed', 'uncertain', 'dead', 'replying')"
_WAITING = f"""SELECT id, tier, reason, received_at, escalated FROM cases WHERE {cases.FOR_A_PERSON}
    ORDER BY received_at, no LIMIT ?"""
_HANDED_OVER = """SELECT id, tier, reason, ?, escalated FROM cases WHERE state = 'routed' AND archived = 0 ORDER BY no DESC LIMIT ?"""
_OPEN = f"""SELECT cases.no, escalations.no, cases.id, level, code, by, raised_at, received_at, state, seen_at, seen_by
    FROM escalations JOIN cases ON cases.no = case_no WHERE {_STILL} AND NOT (state = 'routed' AND seen_at > 0)
    ORDER BY seen_at > 0, level DESC, raised_at LIMIT ?"""
_UNSEEN = f"""SELECT level, count(*), min(raised_at) FROM escalations JOIN cases ON cases.no = case_no
    WHERE seen_at = 0 AND {_STILL} GROUP BY level"""


class Candidate(NamedTuple):
    """A case that is with people, and the level it has been raised to (0: none). ``since``: from when on it has waited for them."""

    case: str
    tier: int | None
    reason: str
    since: float
    level: int


class Escalations:
    """The store's side of it. ``run`` puts a job before the writer."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, bodies: Bodies, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._bodies = bodies
        self._clock = clock

    def candidates(self) -> list[Candidate]:
        """The 2,000 cases that have waited for a person longest, and the newest that a team has: those do not wait here any more."""
        rows = self._readers.all(_WAITING, (LOOKED_AT_MOST,)) + self._readers.all(_HANDED_OVER, (self._clock.now(), HANDED_OVER_MOST))
        return [Candidate._make(row) for row in rows]

    def escalate(self, case: str, level: int, code: str, by: str, *, term: int) -> int:
        """Raise a case; the level at which it stands. To the level that it has, or a lower one, nothing happens; but a person asks
        anew once it has been seen."""
        now = self._clock.now()
        level_now: int = self._run(lambda books: escalate(books, case, level, code, by, term, now))
        return level_now

    def seen(self, case: str, by: str, *, term: int) -> None:
        """Somebody looks after it."""
        now = self._clock.now()
        self._run(lambda books: seen(books, case, by, term, now))

    def open(self, limit: int = LISTED_MOST) -> list[Escalation]:
        """Those of cases that have not ended: first what nobody has seen, the highest level first."""
        return self._readers.ask(lambda reader: _opened(reader, self._bodies, min(limit, LISTED_MOST)))

    def unseen(self) -> dict[int, tuple[int, float]]:
        """By level: how many nobody has seen, and since when the oldest of them."""
        return {level: (count, oldest) for level, count, oldest in self._readers.all(_UNSEEN)}


def escalate(books: Books, case: str, level: int, code: str, by: str, term: int, now: float) -> int:
    """One entry, unless the case stands as high already; the level at which it stands."""
    books.check_term(term)
    if level not in LEVELS:
        raise WrongState(f"There is no level {level}.", f"The levels are {', '.join(map(str, LEVELS))}.")
    kept = cases.must_find(books.connection, case)
    if kept.state in (CaseState.REPLIED, CaseState.CLOSED):
        raise WrongState(f"Case {case} has ended.", "Open it again first.")
    anew = code == BY_HAND and level == kept.escalated and not _is_unseen(books.connection, kept.no)
    if level > kept.escalated or anew:
        books.append(CaseEscalated(at=now, by=by, case=case, level=level, code=code), term=term)
    return max(level, kept.escalated)


def seen(books: Books, case: str, by: str, term: int, now: float) -> None:
    """One entry, when there is something that nobody has seen."""
    books.check_term(term)
    kept = cases.must_find(books.connection, case)
    if _is_unseen(books.connection, kept.no):
        books.append(EscalationSeen(at=now, by=by, case=case), term=term)


def _is_unseen(connection: Connection, number: int) -> bool:
    return connection.execute("SELECT 1 FROM escalations WHERE case_no = ? AND seen_at = 0", (number,)).fetchone() is not None


def _opened(connection: Connection, bodies: Bodies, limit: int) -> list[Escalation]:
    found = []
    names = ("id", "case", "level", "code", "by", "raised_at", "received_at", "state", "seen_at", "seen_by")
    for number, *values in connection.execute(_OPEN, (limit,)).fetchall():
        words = cases.glance(connection, bodies, number)
        sender = words.sender.name or words.sender.address
        found.append(Escalation(**dict(zip(names, values, strict=True)), subject=words.subject, sender=sender))
    return found
