"""Shadow mode's record: what a candidate was asked, and how its outcomes compare. Its budget is counted here, in the journal, so that it
holds however many processes ask and whichever node leads."""

from collections.abc import Callable
from typing import Any

from appliance.ground.clock import Clock
from appliance.records.candidate import CandidateRow, ShadowSummary, Weighed
from appliance.records.events import CandidateAnswered, CandidateAsked
from appliance.store import bodies as sealing
from appliance.store import cases
from appliance.store.bodies import Bodies, Sealed
from appliance.store.books import Books
from appliance.store.reading import Readers

LISTED_MOST = 500
_COLUMNS = """candidates.no, cases.id, asked_at, answered_at, candidates.writer, candidates.prompt, decision, candidates.reason,
    candidates.score, alike, seconds, tokens, failure, decided, cases.score"""
_LIST = f"SELECT {_COLUMNS} FROM candidates JOIN cases ON cases.no = case_no ORDER BY candidates.no DESC LIMIT ?"
_SUMMARY = """SELECT count(*) FILTER (WHERE answered_at > 0 AND failure = ''), count(*) FILTER (WHERE failure <> ''),
    count(*) FILTER (WHERE decision = decided AND decision <> ''), count(*) FILTER (WHERE decision = 'send'),
    count(*) FILTER (WHERE decision = 'send' AND decided <> 'send'),
    count(*) FILTER (WHERE decision NOT IN ('send', '') AND decided = 'send'), avg(alike), avg(seconds) FILTER (WHERE failure = '')
    FROM candidates WHERE asked_at >= ?"""
_ASKED = "SELECT count(*) FROM candidates WHERE asked_at >= ?"


class Candidates:
    """The store's side of it. ``run`` puts a job before the writer."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, bodies: Bodies, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._bodies = bodies
        self._clock = clock

    def reserve(self, case: str, writer: str, decided: str, since: float, most: int, *, term: int) -> int:
        """Take one of the budget's ``most`` since a moment; the number of this look, 0 when the budget is used up or the words are gone."""
        now = self._clock.now()
        number: int = self._run(lambda books: _reserve(books, case, writer, decided, since, most, term, now))
        return number

    def answered(self, number: int, case: str, weighed: Weighed, *, term: int) -> None:
        """Put down what came of a look."""
        now = self._clock.now()
        self._run(lambda books: _answered(books, number, case, weighed, term, now))

    def list(self, limit: int = LISTED_MOST) -> list[CandidateRow]:
        """The newest looks first."""
        names = CandidateRow.__struct_fields__
        rows = self._readers.all(_LIST, (min(limit, LISTED_MOST),))
        return [CandidateRow(**dict(zip(names, row, strict=True))) for row in rows]

    def summary(self, since: float, today: float, per_day: int) -> ShadowSummary:
        """Numbers since a moment; ``today`` is when the budget's day began."""
        names = ("answered", "failed", "same_decision", "would_send", "sends_more", "sends_less", "alike", "seconds")
        found = dict(zip(names, self._readers.all(_SUMMARY, (since,))[0], strict=True))
        return ShadowSummary(asked_today=self._readers.all(_ASKED, (today,))[0][0], per_day=per_day, **found)


def _reserve(books: Books, case: str, writer: str, decided: str, since: float, most: int, term: int, now: float) -> int:
    books.check_term(term)
    books.write_out()  # another look may have been reserved in this very transaction
    if int(books.connection.execute(_ASKED, (since,)).fetchone()[0]) >= most:
        return 0
    kept = cases.must_find(books.connection, case)
    if cases.message_of(books.connection, books.bodies, kept.no) is None:
        return 0
    return int(books.append(CandidateAsked(at=now, by="shadow", case=case, writer=writer, decided=decided), term=term))


def _answered(books: Books, number: int, case: str, weighed: Weighed, term: int, now: float) -> None:
    books.check_term(term)
    kept = cases.must_find(books.connection, case)
    sealed: list[Sealed] = []
    if weighed.draft is not None and cases.message_of(books.connection, books.bodies, kept.no) is not None:
        encoded = sealing.encode(weighed.draft)
        if len(encoded) <= books.limits.reply_bytes:
            sealed.append(books.bodies.seal(kept.slot, "candidate", encoded))
    books.append(
        CandidateAnswered(
            at=now,
            by="shadow",
            case=case,
            asked=number,
            writer=weighed.writer,
            prompt=weighed.prompt,
            decision=str(weighed.decision),
            reason=weighed.reason,
            score=weighed.score,
            alike=weighed.alike,
            usage=weighed.usage,
            failure=weighed.failure,
            draft=sealed[0].digest.hex() if sealed else "",
        ),
        term=term,
        bodies=sealed,
    )
