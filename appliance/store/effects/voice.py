"""Clips: what is to be heard, who is at it, what was heard, and the case that waits for it."""

from appliance.records.events import ClipClaimed, ClipClaimRenewed, ClipHeard, ClipReleased, HearingAsked, MessageReceived
from appliance.store.effects.desk import STOPPING
from appliance.store.effects.tables import RETIRE, Tables, case_no
from appliance.store.prints import print_number

_CLIP = """INSERT INTO clips (case_no, place, slot, print, size_bytes, state, received_at, changed_at)
    VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?)"""
_CLAIM = """UPDATE clips SET state = 'claimed', claim = ?, claimed_until = ?, attempts = attempts + 1, changed_at = ?
    WHERE case_no = ? AND place = ?"""
_BACK = """UPDATE clips SET state = 'waiting', attempts = attempts - ?, not_before = ?, changed_at = ?
    WHERE case_no = ? AND place = ?"""
_GIVEN_UP = """UPDATE clips SET state = 'failed', trouble = ?, changed_at = ? WHERE case_no = ? AND ? IN (place, -1)
    AND state IN ('waiting', 'claimed')"""
_NUMBERS = """words = ?, confidence = ?, language = ?, seconds = ?, speech_seconds = ?, took_seconds = ?, ear = ?, changed_at = ?, heard = ?
    WHERE case_no = ? AND place = ?"""
_FIRST = f"UPDATE clips SET first = ?, {_NUMBERS}"
_HEARD = f"UPDATE clips SET state = 'heard', trouble = '', final = ?, transcript = ?, {_NUMBERS}"
_ANEW = """UPDATE clips SET state = 'waiting', attempts = 0, not_before = 0, claimed_until = 0, trouble = '', received_at = ?,
    changed_at = ? WHERE case_no = ?"""


def clips_came(to: Tables, event: MessageReceived) -> None:
    """A message with something to be heard."""
    for clip in event.clips:
        numbers = (to.position, clip.place, event.slot, print_number(clip.print), clip.size_bytes, event.received_at, event.at)
        to.execute(_CLIP, numbers)


def clip_claimed(to: Tables, event: ClipClaimed) -> None:
    """The position of the entry says which claim it is."""
    no = case_no(event.case)
    to.execute(_CLAIM, (to.position, event.until, event.at, no, event.place))
    to.line(no)


def clip_claim_renewed(to: Tables, event: ClipClaimRenewed) -> None:
    """Only the claim that is meant goes on."""
    still = "UPDATE clips SET claimed_until = ? WHERE case_no = ? AND place = ? AND state = 'claimed' AND claim = ?"
    to.execute(still, (event.until, case_no(event.case), event.place, event.claim))


def clip_released(to: Tables, event: ClipReleased) -> None:
    """Back among those that wait, or given up. The body beside it is the message with the words of the other clips, if any."""
    no = case_no(event.case)
    if event.gave_up:
        to.execute(_GIVEN_UP, (event.reason.code, event.at, no, event.place))
        _move(to, event, no, 0)
    else:
        to.execute(_BACK, (int(event.reason.code == STOPPING), event.not_before, event.at, no, event.place))
    to.line(no)


def clip_heard(to: Tables, event: ClipHeard) -> None:
    """The bodies beside it are the transcript and, when it was the case's last clip, the message with what was said."""
    no, said = case_no(event.case), to.body(0)
    numbers = (
        event.words, event.confidence, event.language, event.seconds, event.speech_seconds, event.took_seconds, event.ear, event.at,
        to.position, no, event.place,
    )  # fmt: skip
    if event.last:
        to.execute(_HEARD, (int(event.final), said, *numbers))
        _move(to, event, no, 1)
    else:
        to.execute(_FIRST, (said, *numbers))
    to.line(no)


def _move(to: Tables, event: ClipReleased | ClipHeard, no: int, message_place: int) -> None:
    """The case goes on, once its last clip is done."""
    if event.body:
        to.execute("UPDATE cases SET words = ? WHERE no = ?", (to.body(message_place), no))
    if event.becomes:
        to.execute("UPDATE cases SET state = ?, changed_at = ?, reason = ? WHERE no = ?", (event.becomes, event.at, event.code, no))


def hearing_asked(to: Tables, event: HearingAsked) -> None:
    """Every clip waits again as if it had come in now, and nothing that was drafted leaves. What was heard first is not believed again."""
    no = case_no(event.case)
    to.execute(_ANEW, (event.at, event.at, no))
    to.execute("UPDATE clips SET first = 0 WHERE case_no = ?", (no,))
    to.execute("UPDATE cases SET state = 'listening', changed_at = ?, reason = '', attempts = 0 WHERE no = ?", (event.at, no))
    to.execute(RETIRE, (event.at, "heard_again", no))
    to.line(no)
