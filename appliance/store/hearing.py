"""What is written down while clips are heard: claims on them, transcripts, and what becomes of their case.

A clip is claimed like a case: for a while, by one ear, again when the claim has ended, three times at most. Once the last clip of a
case is done, the case's message is sealed anew with what was said as its text, and the case goes on: to the desk, or to a person.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import structs

from appliance.ground.errors import StoreError
from appliance.records.case import CaseState
from appliance.records.events import ClipClaimed, ClipClaimRenewed, ClipHeard, ClipReleased, HearingAsked
from appliance.records.message import Message, Receipt
from appliance.records.policy import Reason
from appliance.records.voice import Spoken, Transcript
from appliance.store import bodies as sealing
from appliance.store import cases, intake
from appliance.store.bodies import Bodies, Sealed, decode
from appliance.store.books import Books
from appliance.store.effects.desk import STOPPING
from appliance.store.effects.tables import body_number
from appliance.store.errors import ClaimLost, SameAudio, WrongState
from appliance.store.limits import StoreLimits
from appliance.store.names import case_number
from appliance.store.prints import print_number
from appliance.store.sqlite import Connection

UNREADABLE, SILENT, FAILED, OFF = "clip_unreadable", "nothing_said", "ear_failed", "ear_off"
WHOLE_CASE = -1
TRANSCRIPT = "transcript"
CUSTOMERS_COMPARED = 5_000  # the newest whose clips a new one is compared with
PAUSE_SECONDS = 2.0  # before the second try, doubled for each further one
_PAUSE_SECONDS_MOST = 600.0

COLUMNS = """case_no, place, slot, size_bytes, state, received_at, changed_at, attempts, claim, claimed_until, transcript, first, final,
    words, seconds, trouble"""
_NEXT = f"""SELECT {", ".join(f"clips.{name.strip()}" for name in COLUMNS.split(","))} FROM cases JOIN clips ON clips.case_no = cases.no
    WHERE cases.state = 'listening' AND (clips.state = 'waiting' AND not_before NOT BETWEEN ?1 AND ?1 + {_PAUSE_SECONDS_MOST}
    OR clips.state = 'claimed' AND (clips.claimed_until <= ?1 OR clips.claimed_until > ?2))
    ORDER BY cases.received_at, cases.no, place LIMIT 1"""
_ONE = f"SELECT {COLUMNS} FROM clips WHERE case_no = ? AND place = ?"
_ALL = f"SELECT {COLUMNS} FROM clips WHERE case_no = ? ORDER BY place"
_CUSTOMERS = "SELECT DISTINCT slot FROM clips WHERE case_no > ? ORDER BY case_no DESC LIMIT ?"
_SAME = """SELECT cases.id FROM clips JOIN cases ON cases.no = case_no WHERE print = ? AND clips.slot = ? AND case_no > ?
    AND mailbox <> 'drill' ORDER BY case_no DESC LIMIT 1"""


class Kept(NamedTuple):
    """A clip as the table keeps it."""

    case_no: int
    place: int
    slot: int
    size_bytes: int
    state: str
    received_at: float
    changed_at: float
    attempts: int
    claim: int
    claimed_until: float
    transcript: int
    first: int
    final: int
    words: int
    seconds: float
    trouble: str


class Claimed(NamedTuple):
    """A clip that an ear has. ``claim`` says which claim it is."""

    case: str
    kept: Kept
    claim: int


class _End(NamedTuple):
    """What becomes of a case once its last clip is done: its message, its state and the code of why a person gets it."""

    message: tuple[Sealed, ...] = ()
    becomes: str = ""
    code: str = ""

    @property
    def digest(self) -> str:
        return self.message[0].digest.hex() if self.message else ""


_NOT_YET = _End()


# Taking in


def same_sound(connection: Connection, bodies: Bodies, digest: bytes, after: int = 0) -> str:
    """The newest case, after a number, with the same sound; "" for none. Of an erased customer nothing can be told any more."""
    for (slot,) in connection.execute(_CUSTOMERS, (after, CUSTOMERS_COMPARED)).fetchall():
        prints = bodies.prints(slot)
        found = None if prints is None else connection.execute(_SAME, (print_number(prints.sound(digest)), slot, after)).fetchone()
        if found is not None:
            return str(found[0])
    return ""


def refuse_same(earlier: str) -> SameAudio:
    error = SameAudio(f"The same sound came in before, as case {earlier}.", "Look at that case, or take the clip in once more.")
    error.gaps = {"case": earlier}
    return error


def take(books: Books, prepared: intake.Prepared, compared_to: int | None, listens: bool, term: int, now: float) -> Receipt:
    """Receive and acknowledge in one transaction, for there is nobody to be told in between.

    ``compared_to``: up to there the caller has looked for the same sound; None: it may be the same. Without an ear that
    ``listens`` a person gets the case at once.
    """
    books.check_term(term)
    if compared_to is not None:
        _must_be_new(books, prepared, compared_to)
    (receipt,) = intake.receive(books, [prepared], term, now)
    intake.acknowledge(books, [receipt], None, (), term, now)
    if not listens:
        give_up_case(books, receipt.case, Reason(code=OFF), term, now)
    return receipt


def _must_be_new(books: Books, prepared: intake.Prepared, compared_to: int) -> None:
    known = books.connection.execute(intake.KNOWN, intake.origin_key(prepared)).fetchone()
    if known is not None:
        return  # the very same arrival, after a crash
    for sound in prepared.sounds:
        earlier = same_sound(books.connection, books.bodies, sound.digest, compared_to)
        if earlier:
            raise refuse_same(earlier)


# Claims


def claim(books: Books, agent: str, term: int, seconds: float, now: float) -> Claimed | None:
    """The oldest clip that waits, or whose claim has ended. One that was tried too often is given up on the way."""
    books.check_term(term)
    latest = now + books.limits.claim_seconds_max + 1.0
    while (row := books.connection.execute(_NEXT, (now, latest)).fetchone()) is not None:
        kept = Kept._make(row)
        case = cases.id_of(books.connection, kept.case_no)
        if kept.attempts >= books.limits.claims_per_case:
            give_up(books, case, kept, Reason(code=FAILED, numbers={"attempts": float(kept.attempts)}), term, now)
            continue
        until = now + min(seconds, books.limits.claim_seconds_max)
        position = books.append(ClipClaimed(at=now, by=agent, case=case, place=kept.place, until=until), term=term)
        return Claimed(case, kept._replace(attempts=kept.attempts + 1, claim=position), position)
    return None


def renew(books: Books, claimed: Claimed, agent: str, term: int, seconds: float, now: float) -> bool:
    """The claim goes on, when it is still the same one."""
    books.check_term(term)
    if _still(books.connection, claimed) is None:
        return False
    until = now + min(seconds, books.limits.claim_seconds_max)
    event = ClipClaimRenewed(at=now, by=agent, case=claimed.case, place=claimed.kept.place, claim=claimed.claim, until=until)
    books.append(event, term=term)
    return True


def _still(connection: Connection, claimed: Claimed) -> Kept | None:
    """The clip, as long as this claim on it holds and its case waits for it."""
    row = connection.execute(_ONE, (claimed.kept.case_no, claimed.kept.place)).fetchone()
    kept = None if row is None else Kept._make(row)
    case = cases.by_number(connection, claimed.kept.case_no)
    if kept is None or case is None or case.state != CaseState.LISTENING:
        return None
    return kept if kept.state == "claimed" and kept.claim == claimed.claim else None


def must_hold(books: Books, claimed: Claimed) -> Kept:
    """The clip; ``ClaimLost`` when somebody else has it by now, or its case went on without it."""
    kept = _still(books.connection, claimed)
    if kept is None:
        raise ClaimLost(f"The claim on a clip of case {claimed.case} has ended.", "Nothing to do: it is heard once.")
    return kept


def release(books: Books, claimed: Claimed, reason: Reason, term: int, now: float) -> str:
    """Give a claim back without words; the clip's state. After too many tries a person gets the case, but for what was heard first."""
    books.check_term(term)
    kept = must_hold(books, claimed)
    if reason.code != STOPPING and kept.attempts >= books.limits.claims_per_case:
        return give_up(books, claimed.case, kept, structs.replace(reason, code=FAILED), term, now)
    pause = 0.0 if reason.code == STOPPING else min(_PAUSE_SECONDS_MOST, PAUSE_SECONDS * 2.0 ** max(0, kept.attempts - 1))
    event = ClipReleased(at=now, by="voice", case=claimed.case, place=kept.place, reason=reason, not_before=now + pause if pause else 0.0)
    books.append(event, term=term)
    return "waiting"


def give_up(books: Books, case: str, kept: Kept, reason: Reason, term: int, now: float) -> str:
    """The clip is not tried again. What the quick stage heard in it stands, when there is any; else a person listens."""
    first = _transcript(books, kept.first) if kept.first else None
    if first is not None and reason.code == FAILED:
        return settle(books, case, kept, structs.replace(first, final=False), "voice", term, now)
    end = _end(books, kept, None, reason.code)
    event = ClipReleased(
        at=now, by="voice", case=case, place=kept.place, reason=reason, gave_up=True, body=end.digest, becomes=end.becomes, code=end.code
    )
    books.append(event, term=term, bodies=end.message)
    return "failed"


def give_up_case(books: Books, case: str, reason: Reason, term: int, now: float) -> bool:
    """Every clip of the case that was not heard is left to a person; False when the case does not wait for any."""
    books.check_term(term)
    kept = cases.find(books.connection, case)
    if kept is None or kept.state != CaseState.LISTENING:
        return False
    event = ClipReleased(
        at=now, by="voice", case=case, place=WHOLE_CASE, reason=reason, gave_up=True, becomes=CaseState.REVIEW.value, code=reason.code
    )
    books.append(event, term=term)
    return True


# Transcripts


def heard(books: Books, claimed: Claimed, transcript: Transcript, agent: str, term: int, now: float, *, last: bool) -> str:
    """Put down what was heard; the state that the case came to. ``last``: nothing more is heard of this clip."""
    books.check_term(term)
    kept = must_hold(books, claimed)
    if last:
        settle(books, claimed.case, kept, transcript, agent, term, now)
    else:
        _enter(books, claimed.case, kept, transcript, _NOT_YET, agent, term, now, last=False)
    after = cases.must_find(books.connection, claimed.case)
    return after.state


def settle(books: Books, case: str, kept: Kept, transcript: Transcript, agent: str, term: int, now: float) -> str:
    """These words stand; with the last clip's the case goes on."""
    _enter(books, case, kept, transcript, _end(books, kept, transcript, ""), agent, term, now, last=True)
    return "heard"


def _enter(
    books: Books, case: str, kept: Kept, transcript: Transcript, end: _End, agent: str, term: int, now: float, *, last: bool
) -> None:
    sealed = books.bodies.seal(kept.slot, TRANSCRIPT, sealing.encode(transcript))
    books.append(
        ClipHeard(
            at=now,
            by=agent,
            case=case,
            place=kept.place,
            transcript=sealed.digest.hex(),
            last=last,
            final=transcript.final,
            words=len(said(transcript).split()),
            confidence=transcript.confidence,
            language=transcript.language,
            seconds=transcript.seconds,
            speech_seconds=transcript.speech_seconds,
            took_seconds=transcript.took_seconds,
            dropped=transcript.dropped,
            ear=transcript.ear,
            body=end.digest,
            becomes=end.becomes,
            code=end.code,
        ),
        term=term,
        bodies=[sealed, *end.message],
    )


def said(transcript: Transcript) -> str:
    """The words alone, a line a turn: what the desk reads."""
    if not transcript.segments:
        return transcript.text.strip()
    lines: list[str] = []
    speaker = None
    for segment in transcript.segments:
        if segment.speaker == speaker:
            lines[-1] += f" {segment.text.strip()}"
        else:
            lines.append(segment.text.strip())
        speaker = segment.speaker
    return "\n".join(lines).strip()


def _end(books: Books, done: Kept, transcript: Transcript | None, trouble: str) -> _End:
    """What becomes of the case when this clip is done, and the others are as they are."""
    books.write_out()
    every = [Kept._make(row) for row in books.connection.execute(_ALL, (done.case_no,)).fetchall()]
    others = [kept for kept in every if kept.place != done.place]
    if any(kept.state in ("waiting", "claimed") for kept in others):
        return _NOT_YET
    troubles = [*(kept.trouble for kept in others if kept.state == "failed"), *([trouble] if trouble else [])]
    found = {kept.place: heard for kept in others if (heard := _transcript(books, kept.transcript)) is not None}
    if transcript is not None:
        found[done.place] = transcript
    message = _with_words(books, done, found)
    code = troubles[0] if troubles else "" if message.text.strip() else SILENT
    sealed = books.bodies.seal(done.slot, "message", sealing.fit(message, books.limits.message_bytes)[1])
    return _End((sealed,), CaseState.REVIEW.value if code else CaseState.WAITING.value, code)


def _with_words(books: Books, clip: Kept, found: dict[int, Transcript]) -> Message:
    """The message as it came in, with what was said below its own text."""
    sealed = cases.sealed_words(books.connection, books.bodies, body_number(clip.case_no, 0))
    if sealed is None:
        raise StoreError("The words of the case have been removed.", "There is nothing left to answer; close it.")
    message = decode(sealed[1], Message)
    spoken = [words for _, transcript in sorted(found.items()) if (words := said(transcript))]
    return structs.replace(
        message,
        text="\n\n".join([text for text in (message.text.strip(), *spoken) if text]),
        full_text="\n\n".join([text for text in (message.full_text.strip(), *spoken) if text]),
        spoken=tuple(
            Spoken(place=place, confidence=one.confidence, language=one.language, final=one.final) for place, one in sorted(found.items())
        ),
    )


def _transcript(books: Books, body: int) -> Transcript | None:
    return transcript_of(books.connection, books.bodies, body)


def transcript_of(connection: Connection, bodies: Bodies, body: int) -> Transcript | None:
    """The transcript with this body number; None when there is none, or its words are gone."""
    found = cases.sealed_words(connection, bodies, body) if body else None
    return None if found is None else decode(found[1], Transcript)


# Once more


def ask_again(books: Books, case: str, by: str, term: int, now: float) -> CaseState:
    """Have every clip of a case that is in review heard once more."""
    books.check_term(term)
    books.write_out()
    kept = cases.must_find(books.connection, case)
    if books.connection.execute(_ALL, (kept.no,)).fetchone() is None:
        raise WrongState(f"Case {case} has no clip.", "There is nothing to be heard.")
    if kept.state != CaseState.REVIEW:
        told = f"Case {case} is {kept.state}, not in review."
        raise WrongState(told, "Only what waits for a person is heard again.", code="not_in_review")
    if cases.message_of(books.connection, books.bodies, kept.no) is None:
        raise WrongState(f"The words of case {case} have been removed.", "There is nothing left to be heard.", code="words_gone")
    books.append(HearingAsked(at=now, by=by, case=case), term=term)
    return CaseState.LISTENING


# Looking


def clips_of(connection: Connection, case: str) -> list[Kept]:
    """The clips of a case, by their places."""
    return [Kept._make(row) for row in connection.execute(_ALL, (case_number(case) or 0,)).fetchall()]


def told_language(connection: Connection, bodies: Bodies, kept: Kept) -> str:
    """The language that whoever brought the clip said it is spoken in; "" when they did not."""
    sealed = cases.sealed_words(connection, bodies, body_number(kept.case_no, 0))
    spoken = () if sealed is None else decode(sealed[1], Message).spoken
    return next((one.language for one in spoken if one.place == kept.place), "")


def listening(connection: Connection, limits: StoreLimits) -> Iterable[str]:
    """The cases that wait for their clips, the oldest first."""
    sql = "SELECT id FROM cases WHERE state = 'listening' ORDER BY received_at, no LIMIT ?"
    return [row[0] for row in connection.execute(sql, (limits.counted,)).fetchall()]
