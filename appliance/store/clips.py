"""Clips of sound: the store's door for taking them in, hearing them, and looking at what was heard."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from appliance.ground.clock import Clock
from appliance.records.base import Record
from appliance.records.case import CaseState
from appliance.records.events import ClipReleased, Event, HearingAsked, IntakeAcknowledged, TermBegan
from appliance.records.message import Arrival, Receipt
from appliance.records.policy import Reason
from appliance.records.voice import HeardClip, Transcript
from appliance.store import cases, enclosed, hearing, intake
from appliance.store.books import Books
from appliance.store.errors import NoSuchCase
from appliance.store.hearing import Claimed, Kept
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

_MAKES_CLIPS_WAIT: frozenset[type[Event]] = frozenset({IntakeAcknowledged, ClipReleased, HearingAsked, TermBegan})
_DAY = """SELECT count(*), coalesce(sum(words), 0), coalesce(sum(seconds), 0), coalesce(sum(took_seconds), 0), avg(confidence)
    FROM clips WHERE heard > 0 AND state = 'heard' AND changed_at >= ?"""
_QUEUE = """SELECT count(*), min(clips.received_at) FROM cases JOIN clips ON case_no = cases.no
    WHERE cases.state = 'listening' AND clips.state IN ('waiting', 'claimed')"""


class ToHear(NamedTuple):
    """A clip that an ear has: its sound, what it was called, what the quick stage heard in it, and what it was said to be spoken in."""

    claimed: Claimed
    name: str
    data: bytes
    first: Transcript | None
    language: str

    @property
    def case(self) -> str:
        return self.claimed.case


class ClipNumbers(Record):
    """What was heard since a moment, and what waits: numbers only."""

    queue: int = 0
    oldest_seconds: float = 0.0
    heard: int = 0
    failed: int = 0
    words: int = 0
    seconds: float = 0.0
    took_seconds: float = 0.0
    confidence: float | None = None


class Clips:
    """The clips of one home. ``wake`` is set when something may have to be heard."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, books: Books, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._books = books
        self._bodies = books.bodies
        self._clock = clock
        self.wake = threading.Event()

    def committed(self, kinds: set[type[Event]]) -> None:
        """On the writer's thread, after a commit of such events."""
        if kinds & _MAKES_CLIPS_WAIT:
            self.wake.set()

    # Taking in

    def take(self, arrival: Arrival, *, again: bool, listens: bool, term: int) -> Receipt:
        """Take a clip in as a case. Raises ``SameAudio`` when the same sound came in before, unless it is wanted ``again``.

        ``listens`` False: no ear is at work, so a person gets the case.
        """
        prepared, now = intake.prepare(arrival, self._books.prints, self._books.limits), self._clock.now()
        compared = None if again else self._compare(prepared)
        receipt: Receipt = self._run(lambda books: hearing.take(books, prepared, compared, listens, term, now))
        return receipt

    def _compare(self, prepared: intake.Prepared) -> int:
        """Look for the same sound outside the writer's thread, which then looks at what has come since alone."""
        position = self._books.on_disk.position
        if self._readers.one(intake.KNOWN, intake.origin_key(prepared)) is not None:
            return position
        for sound in prepared.sounds:
            digest = sound.digest
            earlier = self._readers.ask(lambda connection: hearing.same_sound(connection, self._bodies, digest))  # noqa: B023
            if earlier:
                raise hearing.refuse_same(earlier)
        return position

    # Hearing

    def claim(self, agent: str, *, term: int, seconds: float) -> ToHear | None:
        """The oldest clip that nobody has, for so many seconds; None when there is none."""
        if not self.numbers(0.0).queue:
            return None
        now = self._clock.now()
        claimed: Claimed | None = self._run(lambda books: hearing.claim(books, agent, term, seconds, now))
        return None if claimed is None else self._readers.ask(lambda connection: self._opened(connection, claimed))

    def _opened(self, connection: Connection, claimed: Claimed) -> ToHear:
        kept = claimed.kept
        file = enclosed.attachment_of(connection, self._bodies, claimed.case, kept.place)
        first = hearing.transcript_of(connection, self._bodies, kept.first)
        return ToHear(claimed, file.name, file.data, first, hearing.told_language(connection, self._bodies, kept))

    def renew(self, clip: ToHear, agent: str, *, term: int, seconds: float) -> bool:
        """The ear goes on having the clip for so long from now; False when somebody else has it by now, or nobody needs it."""
        now = self._clock.now()
        went_on: bool = self._run(lambda books: hearing.renew(books, clip.claimed, agent, term, seconds, now))
        return went_on

    def heard(self, clip: ToHear, transcript: Transcript, agent: str, *, last: bool, term: int) -> CaseState:
        """Put down what was heard; what the case came to. ``last`` False: the quick stage's words, and the clip stays claimed.

        Raises ``ClaimLost`` when somebody else has the clip by now, or its case went on without it.
        """
        now = self._clock.now()
        return CaseState(self._run(lambda books: hearing.heard(books, clip.claimed, transcript, agent, term, now, last=last)))

    def release(self, clip: ToHear, reason: Reason, *, term: int) -> str:
        """Give the claim back without words: tried again after a pause, three times in all. ``stopping`` counts as no try."""
        now = self._clock.now()
        state: str = self._run(lambda books: hearing.release(books, clip.claimed, reason, term, now))
        return state

    def give_up(self, clip: ToHear, reason: Reason, *, term: int) -> None:
        """Trying again does not help: a person listens."""
        now = self._clock.now()

        def write(books: Books) -> None:
            books.check_term(term)
            hearing.give_up(books, clip.case, hearing.must_hold(books, clip.claimed), reason, term, now)

        self._run(write)

    def leave_to_people(self, *, term: int) -> int:
        """No ear is at work: what waits for one goes to people; how many cases."""
        waiting = list(self._readers.ask(lambda connection: hearing.listening(connection, self._books.limits)))
        now, reason = self._clock.now(), Reason(code=hearing.OFF)
        return sum(
            bool(self._run(lambda books, case=case: hearing.give_up_case(books, case, reason, term, now)))  # type: ignore[misc]
            for case in waiting
        )

    def hear_again(self, case: str, by: str, *, term: int) -> CaseState:
        """Have the clips of a case in review heard once more."""
        now = self._clock.now()
        state: CaseState = self._run(lambda books: hearing.ask_again(books, case, by, term, now))
        return state

    # Looking

    def of_case(self, case: str) -> list[HeardClip]:
        """The clips of a case with what was heard, by their places; without words where these are gone."""
        return self._readers.ask(lambda connection: self._of_case(connection, case))

    def _of_case(self, connection: Connection, case: str) -> list[HeardClip]:
        kept = cases.find(connection, case)
        message = None if kept is None else cases.message_of(connection, self._bodies, kept.no)
        if kept is None or message is None:
            return []
        return [self._shown(connection, clip, message.attachments[clip.place]) for clip in hearing.clips_of(connection, case)]

    def _shown(self, connection: Connection, clip: Kept, named: Any) -> HeardClip:
        return HeardClip(
            place=clip.place,
            name=named.name,
            media_type=named.media_type,
            size_bytes=clip.size_bytes,
            seconds=clip.seconds,
            state=clip.state,
            attempts=clip.attempts,
            transcript=hearing.transcript_of(connection, self._bodies, clip.transcript),
            first=hearing.transcript_of(connection, self._bodies, clip.first),
            trouble=clip.trouble,
            waited_seconds=max(0.0, clip.changed_at - clip.received_at),
        )

    def audio(self, case: str, place: int) -> bytes:
        """The sound of a clip. Refused when there is none in this place, or its words are gone."""
        if not any(clip.place == place for clip in self._readers.ask(lambda connection: hearing.clips_of(connection, case))):
            raise NoSuchCase(f"Case {case} has no clip {place}.", "Its page lists those that it has.")
        return self._readers.ask(lambda connection: enclosed.attachment_of(connection, self._bodies, case, place)).data

    def numbers(self, since: float) -> ClipNumbers:
        """What waits now, and what was heard since a moment."""
        queue, oldest = self._readers.one(_QUEUE)
        heard, words, seconds, took, confidence = self._readers.one(_DAY, (since,))
        failed = self._readers.one("SELECT count(*) FROM clips WHERE state = 'failed' AND changed_at >= ?", (since,))[0]
        waited = max(0.0, self._clock.now() - oldest) if oldest is not None else 0.0
        return ClipNumbers(
            queue=queue, oldest_seconds=waited, heard=heard, failed=failed, words=words, seconds=seconds, took_seconds=took,
            confidence=confidence,
        )  # fmt: skip
