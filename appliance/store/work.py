"""What people do with a case besides deciding it: take a decision back, take care of it, note something, open it again."""

from collections.abc import Callable

import msgspec

from appliance.ground.clock import Clock
from appliance.records.answer import Draft
from appliance.records.case import CaseState
from appliance.records.events import CaseAssigned, CaseNoted, CaseReopened, DecisionUndone, ReviewDecided
from appliance.records.work import Correction, File, Note
from appliance.store import bodies as sealing
from appliance.store import cases, enclosed, journal
from appliance.store.bodies import Bodies
from appliance.store.books import Books
from appliance.store.effects.tables import body_number
from appliance.store.errors import WrongState
from appliance.store.names import delivery_number
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

NOTES_MOST = 500  # of a case
PERSON_CHARACTERS = 100
_STATE_AFTER = {"approve": CaseState.REPLYING, "reject": CaseState.CLOSED, "route": CaseState.ROUTED}
_MAY_REOPEN = (CaseState.CLOSED, CaseState.REPLIED)

_LAST_DECISION = """SELECT payload FROM lines JOIN journal USING (position) WHERE case_no = ? AND kind = 'review_decided'
    ORDER BY position DESC LIMIT 1"""
_STARTED = "SELECT 1 FROM deliveries WHERE no = ? AND agent <> ''"
_NOTES = """SELECT journal.payload, bodies.slot, bodies.role, bodies.sealed FROM lines JOIN journal USING (position)
    JOIN bodies ON bodies.id = lines.position * 8 WHERE case_no = ? AND kind = 'case_noted' ORDER BY lines.position DESC LIMIT ?"""
_CORRECTED = f"SELECT {cases.COLUMNS} FROM cases WHERE draft <> 0 AND draft <> settled * 8 ORDER BY no DESC LIMIT ?"


class Work:
    """The store's side of it. ``run`` puts a job before the writer."""

    def __init__(self, run: Callable[[Callable[[Books], object]], object], readers: Readers, bodies: Bodies, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._bodies = bodies
        self._clock = clock

    def undo(self, case: str, by: str, *, term: int) -> CaseState:
        """Take the last decision back while nothing has left by it; the case is in review as it was."""
        now = self._clock.now()
        self._run(lambda books: undo(books, case, by, term, now))
        return CaseState.REVIEW

    def undo_until(self, case: str) -> float:
        """Until when the last decision can be taken back, in Unix seconds; 0.0 when it cannot."""
        now = self._clock.now()
        return self._readers.ask(lambda reader: _undo_until(reader, self._bodies, case, now))

    def must_exist(self, case: str) -> None:
        """Refuse a case that is not here."""
        self._readers.ask(lambda reader: cases.must_find(reader, case))

    def assign(self, case: str, person: str, by: str, *, term: int) -> None:
        """Somebody takes care of the case; "": nobody in particular. A repeat adds nothing."""
        now = self._clock.now()
        self._run(lambda books: assign(books, case, person, by, term, now))

    def note(self, case: str, text: str, by: str, *, term: int) -> Note:
        """Write an internal note, sealed with the case's words."""
        now = self._clock.now()
        self._run(lambda books: note(books, case, text, by, term, now))
        return Note(case=case, at=now, by=by, text=text)

    def notes(self, case: str) -> tuple[Note, ...]:
        """The notes of a case, oldest first; at most the newest 500."""
        return self._readers.ask(lambda reader: notes_of(reader, self._bodies, case))

    def reopen(self, case: str, by: str, *, term: int) -> CaseState:
        """A case that was closed or answered by mistake is in review again."""
        now = self._clock.now()
        self._run(lambda books: reopen(books, case, by, term, now))
        return CaseState.REVIEW

    def attachment(self, case: str, index: int) -> File:
        """An attachment of the case's message with its bytes; refused when it was not kept."""
        return self._readers.ask(lambda reader: enclosed.attachment_of(reader, self._bodies, case, index))

    def corrections(self, limit: int) -> tuple[Correction, ...]:
        """What the desk drafted and people sent instead, newest cases first."""
        return self._readers.ask(lambda reader: corrections(reader, self._bodies, limit))


# Undoing


def undo(books: Books, case: str, by: str, term: int, now: float) -> None:
    """The decision's own delivery is retired before it starts; whoever comes too late is told why."""
    books.check_term(term)
    books.write_out()
    kept = cases.must_find(books.connection, case)
    decided = _last_decision(books.connection, kept.no)
    if decided is None:
        raise WrongState(f"Nobody has decided case {case}.", "There is nothing to undo.")
    code = _too_late(books.connection, books.bodies, kept, decided, now)
    if code:
        told = f"The decision about case {case} cannot be undone: {_WHY[code]}."
        raise WrongState(told, "Its history shows what became of it.", code=code)
    books.append(DecisionUndone(at=now, by=by, case=kept.id, delivery=decided.delivery, before=decided.before), term=term)


def _undo_until(connection: Connection, bodies: Bodies, case: str, now: float) -> float:
    kept = cases.must_find(connection, case)
    decided = _last_decision(connection, kept.no)
    return 0.0 if decided is None or _too_late(connection, bodies, kept, decided, now) else decided.undo_until


def _last_decision(connection: Connection, number: int) -> ReviewDecided | None:
    row = connection.execute(_LAST_DECISION, (number,)).fetchone()
    event = journal.decode(row[0]) if row is not None else None
    return event if isinstance(event, ReviewDecided) else None


#: Why a decision holds for good, by the code of its words.
_WHY = {
    "undo_changed": "something newer has happened to the case",
    "undo_left": "its mail is leaving or has left",
    "undo_over": "the time to do so is over",
    "words_gone": "the customer's words have been removed",
}


def _too_late(connection: Connection, bodies: Bodies, kept: cases.Kept, decided: ReviewDecided, now: float) -> str:
    """Why the decision holds for good, as a code; "" while it does not. A clock that was set back gives nobody more time."""
    if decided.delivery and _has_started(connection, decided.delivery):
        return "undo_left"
    if kept.state != _STATE_AFTER[decided.decision] or kept.changed_at != decided.at:
        return "undo_changed"
    if not decided.at <= now < decided.undo_until:
        return "undo_over"
    return "words_gone" if cases.message_of(connection, bodies, kept.no) is None else ""


def _has_started(connection: Connection, delivery: str) -> bool:
    """Whether it was ever tried: then somebody's name stands at it."""
    return connection.execute(_STARTED, (delivery_number(delivery),)).fetchone() is not None


# Taking care, noting, opening again


def assign(books: Books, case: str, person: str, by: str, term: int, now: float) -> None:
    books.check_term(term)
    if len(person) > PERSON_CHARACTERS or not person.isprintable():
        raise WrongState("This is no person's name.", f"Give a name of at most {PERSON_CHARACTERS} characters, or none.")
    kept = cases.must_find(books.connection, case)
    if kept.assigned != person:
        books.append(CaseAssigned(at=now, by=by, case=kept.id, person=person), term=term)


def note(books: Books, case: str, text: str, by: str, term: int, now: float) -> None:
    books.check_term(term)
    if not text.strip():
        raise WrongState("The note is empty.", "Write something.")
    if len(text) > books.limits.note_characters:
        raise WrongState(f"The note is longer than {books.limits.note_characters} characters.", "Shorten it.")
    books.write_out()
    kept = _with_words(books, case)
    sealed = books.bodies.seal(kept.slot, "note", sealing.encode(text))
    books.append(CaseNoted(at=now, by=by, case=kept.id, note=sealed.digest.hex()), term=term, bodies=[sealed])


def notes_of(connection: Connection, bodies: Bodies, case: str) -> tuple[Note, ...]:
    """What people noted; what was erased is left out."""
    kept = cases.must_find(connection, case)
    found = []
    for payload, slot, role, sealed in reversed(connection.execute(_NOTES, (kept.no, NOTES_MOST)).fetchall()):
        words, event = bodies.open(slot, role, sealed), journal.decode(payload)
        if words is not None:
            found.append(Note(case=case, at=event.at, by=event.by, text=msgspec.json.decode(words, type=str)))
    return tuple(found)


def reopen(books: Books, case: str, by: str, term: int, now: float) -> None:
    books.check_term(term)
    books.write_out()
    kept = cases.must_find(books.connection, case)
    if kept.state not in _MAY_REOPEN:
        raise WrongState(
            f"Case {case} is {kept.state}; it has not ended.",
            "Only a case that was closed or answered can be opened again.",
            code="not_ended",
        )
    _with_words(books, case)
    books.append(CaseReopened(at=now, by=by, case=kept.id, was=kept.state), term=term)


def _with_words(books: Books, case: str) -> cases.Kept:
    kept = cases.must_find(books.connection, case)
    if cases.message_of(books.connection, books.bodies, kept.no) is None:
        raise WrongState(f"The words of case {case} have been removed.", "Nothing can be added to it.", code="words_gone")
    return kept


# Learning


def corrections(connection: Connection, bodies: Bodies, limit: int) -> tuple[Correction, ...]:
    """Cases that the desk had drafted and that a person answered in other words."""
    found = []
    for kept in map(cases.Kept._make, connection.execute(_CORRECTED, (limit,)).fetchall()):
        before = cases.draft_of(connection, bodies, body_number(kept.settled, 0))
        after = cases.draft_of(connection, bodies, kept.draft)
        if before is not None and after is not None and before.text != after.text:
            found.append(_correction(connection, kept, before, after))
    return tuple(found)


def _correction(connection: Connection, kept: cases.Kept, before: Draft, after: Draft) -> Correction:
    decided = _last_decision(connection, kept.no)
    at, by = (decided.at, decided.by) if decided is not None else (kept.changed_at, "")
    return Correction(case=kept.id, at=at, by=by, language=after.language, before=before.text, after=after.text)
