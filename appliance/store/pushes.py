"""What the CRM is told: an outbox beside the one for mail.

A push is sent at least once. From ``push_started`` on it counts as under way until its time is up or another term begins; then it is
sent again under the same id with the same bytes, for nobody knows whether it arrived. The id is what the CRM knows it by.

Of each case the last document and the five before it are kept; older ones are removed in the transaction that queues a newer one.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from appliance.ground.clock import Clock
from appliance.records.events import (
    DemoPushesReset,
    Event,
    PushDied,
    PushQueued,
    PushRetried,
    PushScrubbed,
    PushStarted,
    PushSynced,
    PushTried,
)
from appliance.records.policy import Switches
from appliance.records.push import KEPT_BEFORE, Push, PushCounts, PushOutcome, PushResult, PushState
from appliance.store import cases
from appliance.store.bodies import Bodies
from appliance.store.books import Books
from appliance.store.effects.tables import body_number
from appliance.store.errors import NoSuchCase, WrongState
from appliance.store.limits import StoreLimits
from appliance.store.names import case_number, push_id, push_number
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

LISTED_MOST = 500
LOT = 200  # pushes that one entry scrubs or resets
ROLE = "push"

_COLUMNS = """pushes.no, pushes.id, cases.id, pushes.state, demo, pushes.attempts, spent, not_before, until, queued_at,
    pushes.changed_at, code, pushes.reason, crm_error, by, scrubbed_at"""
_FROM = f"SELECT {_COLUMNS} FROM pushes JOIN cases ON cases.no = case_no"
_BY_NUMBER = f"{_FROM} WHERE pushes.no = ? AND pushes.id = ?"
_OF_CASE = f"{_FROM} WHERE case_no = ? ORDER BY pushes.no DESC LIMIT ?"
_NEWEST = f"{_FROM} ORDER BY pushes.no DESC LIMIT ?"
_IN_STATE = f"{_FROM} WHERE pushes.state = ? ORDER BY pushes.no DESC LIMIT ?"
_DUE = f"{_FROM} WHERE pushes.state = 'queued' AND not_before BETWEEN ? AND ? ORDER BY not_before, pushes.no LIMIT 1"
_UNHEARD = f"{_FROM} WHERE pushes.state = 'sending' AND NOT until BETWEEN ? AND ? ORDER BY until, pushes.no LIMIT 1"
_NEWER = "SELECT 1 FROM pushes JOIN cases ON cases.no = case_no WHERE cases.id = ? AND pushes.no > ? AND pushes.state <> 'withdrawn'"
_TO_REPLACE = "SELECT id FROM pushes WHERE case_no = ? AND state IN ('queued', 'dead') ORDER BY no"
_TO_TRIM = """SELECT no, id FROM pushes WHERE case_no = ? AND scrubbed_at = 0 AND state NOT IN ('queued', 'sending') AND no NOT IN
    (SELECT no FROM pushes WHERE case_no = ? ORDER BY no DESC LIMIT ?) LIMIT ?"""
_TO_SCRUB = """SELECT pushes.no, pushes.id FROM pushes JOIN cases ON cases.no = case_no WHERE scrubbed_at = 0
    AND pushes.state NOT IN ('queued', 'sending') AND (? = '' OR cases.id = ?) ORDER BY pushes.no LIMIT ?"""
_TO_RESET = "SELECT no, id FROM pushes WHERE demo = 1 AND state <> 'sending' AND no > ? ORDER BY no LIMIT ?"
_STATES = "SELECT state, attempts > 0, count(*), min(queued_at), max(changed_at) FROM pushes GROUP BY state, attempts > 0"
_LAST_ERROR = """SELECT reason, code, crm_error FROM pushes WHERE reason NOT IN ('', 'replaced', 'scrubbed', 'words_gone', 'lever_closed')
    AND state IN ('queued', 'sending', 'dead') ORDER BY changed_at DESC LIMIT 1"""
_NEVER = 1e18


class Row(NamedTuple):
    """A push as the table keeps it."""

    no: int
    id: str
    case: str
    state: str
    demo: int
    attempts: int
    spent: int
    not_before: float
    until: float
    queued_at: float
    changed_at: float
    code: int
    reason: str
    crm_error: str
    by: str
    scrubbed_at: float


class Pushes:
    """The store's side of it. ``run`` puts a job before the writer; ``empty_log`` has removed words leave the file's log too."""

    def __init__(
        self,
        run: Callable[[Callable[[Books], Any]], Any],
        readers: Readers,
        bodies: Bodies,
        clock: Clock,
        limits: StoreLimits,
        switches: Callable[[], Switches],
        empty_log: Callable[[], None],
    ) -> None:
        self._run = run
        self._readers = readers
        self._bodies = bodies
        self._clock = clock
        self._limits = limits
        self._switches = switches
        self._empty_log = empty_log

    # Changing

    def queue(self, case: str, document: bytes, by: str, *, demo: bool = False, term: int) -> str:
        """Keep what the CRM is to be told of a case, sealed with the case's words; the push's id. It leaves when its turn comes."""
        now = self._clock.now()
        pushed: str = self._run(lambda books: queue(books, case, document, by, demo, term, now))
        return pushed

    def start_next(self, agent: str, *, term: int, seconds: float) -> Push | None:
        """The push that has been due longest, with its document, for so many seconds; None when there is none or the lever is closed."""
        now = self._clock.now()
        if not self._may_be_due(now):
            return None
        started: Push | None = self._run(lambda books: start_next(books, agent, self._switches(), term, now, seconds))
        return started

    def _may_be_due(self, now: float) -> bool:
        """Looks without a transaction, since a loop asks often and mostly there is nothing."""
        return outbound_open(self._switches()) and self._readers.ask(lambda reader: _due(reader, self._limits, now)) is not None

    def finish(self, push: Push, result: PushResult, attempts_most: int, *, term: int) -> PushState:
        """What became of a try; the state the push came to. A repeat, or what came too late, changes nothing."""
        now = self._clock.now()
        state: PushState = self._run(lambda books: finish(books, push, result, attempts_most, term, now))
        return state

    def retry(self, push: str, by: str, *, term: int) -> None:
        """A person asks for another round of tries, beginning now."""
        now = self._clock.now()
        self._run(lambda books: retry(books, push, by, term, now))

    def scrub(self, case: str, by: str, *, term: int) -> int:
        """Remove the documents of pushes that do not wait any more, of one case or ("") of all; how many."""
        scrubbed = 0
        while written := self._run(lambda books: scrub(books, case, by, term, self._clock.now())):
            scrubbed += written
        self._empty_log()
        return scrubbed

    def reset_demo(self, keep: bool, by: str, *, term: int) -> int:
        """Remove the pushes of demonstrations, or ``keep`` them as if they had never been tried; how many."""
        reset, after = 0, 0
        while lot := self._run(partial(reset_demo, keep=keep, after=after, by=by, term=term, now=self._clock.now())):
            reset, after = reset + len(lot), lot[-1]
        self._empty_log()
        return reset

    # Looking

    def of_case(self, case: str, most: int = KEPT_BEFORE + 1) -> tuple[Push, ...]:
        """The last push of a case and those before it, newest first, each with its document while that is kept."""

        def look(reader: Connection) -> tuple[Push, ...]:
            kept = cases.must_find(reader, case)
            rows = map(Row._make, reader.execute(_OF_CASE, (kept.no, most)).fetchall())
            return tuple(opened(reader, self._bodies, row) for row in rows)

        return self._readers.ask(look)

    def rows(self, state: PushState | None, limit: int) -> tuple[Push, ...]:
        """The newest pushes in a state, or of all, with whom they are about and without their documents."""
        most = max(0, min(limit, LISTED_MOST))
        found = self._readers.all(_NEWEST, (most,)) if state is None else self._readers.all(_IN_STATE, (state, most))
        return self._readers.ask(lambda reader: tuple(listed(reader, self._bodies, Row._make(row)) for row in found))

    def find(self, push: str) -> Push:
        """One push with its document; refused when there is none of that id."""
        return self._readers.ask(lambda reader: opened(reader, self._bodies, must_find(reader, push)))

    def counts(self) -> PushCounts:
        """The queue at a glance."""
        return self._readers.ask(counts)


def outbound_open(switches: Switches) -> bool:
    """Whether anything may leave for the CRM: by the same lever as mail. What cannot be read counts as closed."""
    return switches.readable and switches.outbound_enabled


# Queueing


def queue(books: Books, case: str, document: bytes, by: str, demo: bool, term: int, now: float) -> str:
    """One entry with the sealed document, and one more where that makes an older document too many."""
    books.check_term(term)
    if len(document) > books.limits.push_bytes:
        raise WrongState(f"The document for the CRM is larger than {books.limits.push_bytes} bytes.", "Shorten the draft or the quote.")
    books.write_out()
    kept = cases.must_find(books.connection, case)
    if cases.message_of(books.connection, books.bodies, kept.no) is None:
        raise WrongState(f"The words of case {case} have been removed.", "There is nothing left to push.", code="words_gone")
    sealed = books.bodies.seal(kept.slot, ROLE, document)
    push = push_id(books.position + 1, kept.id)
    replaces = tuple(row[0] for row in books.connection.execute(_TO_REPLACE, (kept.no,)).fetchall())
    event = PushQueued(at=now, by=by, push=push, case=kept.id, payload=sealed.digest.hex(), demo=demo, replaces=replaces)
    books.append(event, term=term, bodies=[sealed])
    _trim(books, kept.no, by, term, now)
    return push


def _trim(books: Books, case_no: int, by: str, term: int, now: float) -> None:
    """Remove documents beyond the last one and the five before it."""
    books.write_out()
    _scrub(books, books.connection.execute(_TO_TRIM, (case_no, case_no, KEPT_BEFORE + 1, LOT)).fetchall(), by, term, now)


# Sending


def start_next(books: Books, agent: str, switches: Switches, term: int, now: float, seconds: float) -> Push | None:
    """One entry; from it on the push counts as under way. The lever is asked here once more, in the transaction itself."""
    books.check_term(term)
    if not outbound_open(switches):
        return None
    books.write_out()
    while (row := _due(books.connection, books.limits, now)) is not None:
        push = opened(books.connection, books.bodies, row)
        if not push.payload:
            gone = PushDied(at=now, by=agent, push=row.id, case=row.case, attempt=row.attempts, reason="words_gone")
            books.append(gone, term=term)
            continue
        attempt, until = row.attempts + 1, now + min(seconds, books.limits.push_lease_seconds_max)
        books.append(PushStarted(at=now, by=agent, push=row.id, case=row.case, attempt=attempt, until=until), term=term)
        return _push(row._replace(state=PushState.SENDING, attempts=attempt), push.payload)
    return None


def _due(connection: Connection, limits: StoreLimits, now: float) -> Row | None:
    """Who waits, or was sent and never heard of again. What lies further ahead than any pause was set by a clock since put back."""
    ahead = now + max(limits.push_backoff_seconds_max, limits.push_lease_seconds_max) + 1.0
    row = connection.execute(_UNHEARD, (now, ahead)).fetchone()
    for span in ((0.0, now), (ahead, _NEVER)) if row is None else ():
        row = row or connection.execute(_DUE, span).fetchone()
    return None if row is None else Row._make(row)


def finish(books: Books, push: Push, result: PushResult, attempts_most: int, term: int, now: float) -> PushState:
    """One entry, unless somebody else has had it since."""
    books.check_term(term)
    found = books.connection.execute(_BY_NUMBER, (push_number(push.id) or 0, push.id)).fetchone()
    if found is None:  # of a demonstration, withdrawn while it was under way and removed since
        return PushState.WITHDRAWN
    row = Row._make(found)
    if row.state != PushState.SENDING or row.attempts != push.attempts:
        return PushState(row.state)
    books.append(_after(books, row, result, attempts_most, now), term=term)
    return PushState(must_find(books.connection, push.id).state)


def _after(books: Books, row: Row, result: PushResult, attempts_most: int, now: float) -> Event:
    common: dict[str, Any] = {"at": now, "by": "push", "push": row.id, "case": row.case, "attempt": row.attempts}
    if result.outcome == PushOutcome.SYNCED:
        return PushSynced(**common, response_code=result.response_code)
    told: dict[str, Any] = {"reason": result.reason, "response_code": result.response_code, "crm_error": result.crm_error}
    if result.outcome == PushOutcome.HELD:
        return PushTried(**common, **told, not_before=now, uncounted=True)
    tries = row.attempts - row.spent
    if result.outcome == PushOutcome.REFUSED or tries >= attempts_most:
        return PushDied(**common, **told)
    newer = books.connection.execute(_NEWER, (row.case, row.no)).fetchone() is not None
    return PushTried(**common, **told, not_before=now + _pause(books.limits, tries, result), withdrawn=newer)


def _pause(limits: StoreLimits, tries: int, result: PushResult) -> float:
    """Seconds before the next try: doubling up to a limit, and no less than the CRM asked for, up to the same limit."""
    doubled = limits.push_backoff_seconds * 2.0 ** min(max(tries - 1, 0), 30)
    return float(min(max(doubled, result.retry_after_seconds or 0.0), limits.push_backoff_seconds_max))


# People


def retry(books: Books, push: str, by: str, term: int, now: float) -> None:
    """Of one that waits for its next try, or that was given up."""
    books.check_term(term)
    books.write_out()
    row = must_find(books.connection, push)
    if row.state not in (PushState.QUEUED, PushState.DEAD):
        raise WrongState(f"Push {push} is {row.state}; it does not wait.", "Push the case anew.", code="push_not_waiting")
    if not opened(books.connection, books.bodies, row).payload:
        raise WrongState(f"The document of push {push} has been removed.", "Push the case anew.", code="words_gone")
    books.append(PushRetried(at=now, by=by, push=row.id, case=row.case), term=term)


def scrub(books: Books, case: str, by: str, term: int, now: float) -> int:
    """One lot; how many."""
    books.check_term(term)
    books.write_out()
    if case:
        cases.must_find(books.connection, case)
    return _scrub(books, books.connection.execute(_TO_SCRUB, (case, case, LOT)).fetchall(), by, term, now)


def _scrub(books: Books, found: Sequence[tuple[int, str]], by: str, term: int, now: float) -> int:
    if found:
        entries, pushes = tuple(row[0] for row in found), tuple(row[1] for row in found)
        books.append(PushScrubbed(at=now, by=by, pushes=pushes, entries=entries), term=term)
    return len(found)


def reset_demo(books: Books, keep: bool, after: int, by: str, term: int, now: float) -> list[int]:
    """One lot beyond a number; the numbers of those that were reset. One that is being sent is left for the next time."""
    books.check_term(term)
    books.write_out()
    found = books.connection.execute(_TO_RESET, (after, LOT)).fetchall()
    if found:
        entries, pushes = tuple(row[0] for row in found), tuple(row[1] for row in found)
        event = DemoPushesReset(at=now, by=by, pushes=pushes, entries=() if keep else entries, kept=keep)
        books.append(event, term=term)
    return [row[0] for row in found]


# Looking


def must_find(connection: Connection, push: str) -> Row:
    """The push of this id; refused when there is none."""
    row = connection.execute(_BY_NUMBER, (push_number(push) or 0, push)).fetchone()
    if row is None:
        raise NoSuchCase(f"There is no push {push}.", "`tandem crm list` shows them.")
    return Row._make(row)


def opened(connection: Connection, bodies: Bodies, row: Row) -> Push:
    """The push with its document, "" when that was removed."""
    found = cases.sealed_words(connection, bodies, body_number(row.no, 0))
    return _push(row, found[1].decode() if found is not None and found[0] == ROLE else "")


def listed(connection: Connection, bodies: Bodies, row: Row) -> Push:
    """The push as a list shows it."""
    words = cases.glance(connection, bodies, case_number(row.case) or 0)
    subject = words.subject if words.subject.strip() else cases.beginning(words.text)
    return msgspec.structs.replace(_push(row), sender=words.sender.name or words.sender.address, subject=subject)


def _push(row: Row, payload: str = "") -> Push:
    return Push(
        id=row.id,
        case=row.case,
        state=PushState(row.state),
        demo=bool(row.demo),
        attempts=row.attempts,
        queued_at=row.queued_at,
        changed_at=row.changed_at,
        not_before=row.not_before,
        response_code=row.code,
        reason=row.reason,
        crm_error=row.crm_error,
        by=row.by,
        scrubbed_at=row.scrubbed_at,
        payload=payload,
    )


def counts(connection: Connection) -> PushCounts:
    """How many stand where, since when the oldest waits, when the last one went through, and what failed last."""
    found: Iterable[tuple[str, int, int, float, float]] = connection.execute(_STATES).fetchall()
    number, oldest, last = dict.fromkeys(("cached", "retrying", "synced", "failed", "withdrawn"), 0), 0.0, 0.0
    for state, tried, count, queued_at, changed_at in found:
        name = {"synced": "synced", "dead": "failed", "withdrawn": "withdrawn"}.get(state, "retrying" if tried else "cached")
        number[name] += count
        if state in ("queued", "sending"):
            oldest = min(oldest or queued_at, queued_at)
        if state == "synced":
            last = max(last, changed_at)
    error = connection.execute(_LAST_ERROR).fetchone() or ("", 0, "")
    demo = int(connection.execute("SELECT count(*) FROM pushes WHERE demo = 1").fetchone()[0])
    depth = number["cached"] + number["retrying"]
    return PushCounts(
        **number,
        demo=demo,
        depth=depth,
        oldest_at=oldest,
        last_success_at=last,
        last_error=error[0],
        response_code=error[1],
        crm_error=error[2],
    )
