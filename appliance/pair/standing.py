"""What a node knows of the pair and of itself, as one frozen value."""

from typing import Literal

from msgspec.structs import replace

from appliance.pair.messages import Ask, Beat, End, Heard, Hears, Kept, Look, Note, Phase, Take, Wish, WitnessKind, WitnessRecord
from appliance.records.base import Record

Mode = Literal["solo", "joining", "pair"]
"""Who must have flushed an entry before it is acknowledged: ``solo`` the leader alone, ``joining`` and ``pair`` both.

In ``pair`` the peer holds everything that was ever acknowledged; in ``joining`` it is still catching up.
"""

NEVER = float("-inf")
NUMBERS_PER_BOOT = 1 << 32


class Pace(Record):
    """The measures of the lease, in seconds. Only ``lease_seconds`` is a setting; the others fit it and each other."""

    lease_seconds: float = 3.0
    margin_seconds: float = 0.3
    """A holder stops this long before the end: clocks that drift apart, and the last bytes of a mail."""
    tick_seconds: float = 0.1
    beat_seconds: float = 0.3
    suspect_seconds: float = 1.0
    gap_seconds: float = 1.0
    """A step that comes so late was paused: the lease is dropped and must be confirmed anew."""
    counted_seconds_most: float = 0.3
    """What one step may take off a promise. Time that the loop did not see does not shorten what was promised to the peer."""
    solo_after_seconds: float = 0.7
    renew_seconds: float = 1.0
    patience_seconds: float = 1.0
    look_seconds: float = 30.0
    stand_seconds: float = 1.0
    pause_seconds: float = 0.5
    handover_seconds: float = 2.0
    wish_seconds: float = 30.0
    entries_behind_most: int = 64
    """So close must the peer be before acknowledging waits for it again."""


class Standing(Record):
    """Everything one node knows. A step makes the next one; nothing else changes it."""

    me: str
    peer: str
    witness: WitnessKind = "none"
    rules: str = ""
    """Which witness, where, and how long the lease is, as a short code. Two nodes support each other only by the same rules: one that
    leads without a witness does not stop for one that takes over by it, nor does a lease of 10 s end when 3 s have been waited."""
    pace: Pace = Pace()
    kept: Kept
    phase: Phase = "standby"
    at: float
    stopped: str = ""

    promise_left: float
    """Seconds for which the peer may still lead by my word; it also runs from each start, for a promise before it is forgotten."""

    beat: Beat | None = None
    heard_at: float = NEVER
    beat_due: float = NEVER

    lease_from_peer: float = NEVER
    lease_from_witness: float = NEVER
    counts_from: float = NEVER
    """Only a countersignature of what was sent after this moment counts: before it the node was paused, or not yet leading."""
    mode: Mode = "joining"
    goal: int | None = None
    """The peer has caught up when it holds this position."""

    asked: Ask | None = None
    asked_at: float = NEVER
    number: int = 0
    missed: int = 0
    """How many questions before the open one got no answer in time."""
    record: WitnessRecord | None = None
    """The witness's record as last answered."""
    witness_at: float = NEVER
    noted: bool | None = None
    """What the witness's record surely says about the peer; None while a note is under way or none was made in this term."""

    stood_at: float = NEVER
    forced: bool = False
    """It stands by a person's word, against the witness's record."""
    won: bool = False
    """The witness (or a person, without one) gave me the term; somebody else's lease may still have to run out."""
    waits_until: float = NEVER
    """It does not stand before this moment: it has just handed over, or stood in vain."""
    wish: Wish | None = None
    wished_at: float = NEVER
    giving_up_since: float | None = None
    """A hand-over is under way: nothing new starts."""


def paced(lease_seconds: float) -> Pace:
    """The measures for a lease of this length. A witness far away (a hosted mailbox) is asked less often, and waited for longer."""
    third = max(Pace().patience_seconds, lease_seconds / 3)
    return Pace(lease_seconds=lease_seconds, patience_seconds=third, renew_seconds=third, stand_seconds=third)


def start(
    me: str, peer: str, *, kept: Kept, now: float, witness: WitnessKind = "none", pace: Pace | None = None, jitter: float = 0.0,
    rules: str = "",
) -> Standing:  # fmt: skip
    """The standing of a node that starts: always a standby that owes the peer one full lease, the longest that it may have promised.

    ``kept`` is as it lay on disk. The new boot is part of the one that is returned, and must be written down before the first step.
    ``rules``: a short code of which witness, where, and how long the lease is; equal on both nodes exactly when those are. To change
    any of them is to start anew.
    """
    pace = pace or Pace()
    kept = replace(kept, boot=kept.boot + 1, lease_seconds=max(kept.lease_seconds, pace.lease_seconds))
    if kept.rules != rules:
        kept = replace(kept, rules=rules, led_otherwise=kept.term)
    return Standing(
        me=me, peer=peer, witness=witness, rules=rules, pace=pace, kept=kept, at=now,
        promise_left=kept.lease_seconds, number=kept.boot * NUMBERS_PER_BOOT, waits_until=now + jitter * pace.pause_seconds,
    )  # fmt: skip


def peer_here(standing: Standing, now: float) -> bool:
    """A heartbeat came lately."""
    return now - standing.heard_at < standing.pace.suspect_seconds


def rules_differ(standing: Standing) -> bool:
    """The peer was last heard with other rules. Whom nobody has heard yet is not known to have any."""
    return standing.beat is not None and standing.beat.rules != standing.rules


def peer_agrees(standing: Standing, now: float) -> bool:
    """The peer countersigned something that I sent lately, and has the same rules."""
    return not rules_differ(standing) and standing.lease_from_peer - standing.pace.lease_seconds > now - standing.pace.suspect_seconds


def lease_end(standing: Standing) -> float:
    """Until when this leader holds the lease, by its own clock; without the margin."""
    return max(standing.lease_from_peer, standing.lease_from_witness)


def witness_seen(standing: Standing, now: float) -> bool:
    """The witness answered the last question, or may still do so in time."""
    if standing.witness_at == NEVER or standing.missed:
        return False
    return standing.asked is None or now - standing.asked_at < standing.pace.patience_seconds


def eligible(standing: Standing, record: WitnessRecord) -> bool:
    """By the witness's record this node holds every acknowledged entry. One from before somebody led by other rules says nothing."""
    return record.term > standing.kept.led_otherwise and (record.in_sync or record.holder == standing.me)


def preferred(standing: Standing, end: End, healthy: bool, now: float) -> bool:
    """Of two standbys that hear each other, whether this one is to lead. Both come to the same answer."""
    beat = standing.beat
    if beat is None:
        return False
    mine = (standing.kept.joined, now >= standing.waits_until, end, healthy, standing.peer)
    theirs = (beat.joined, not beat.yields, beat.end, beat.healthy, standing.me)
    return mine > theirs


def ask(standing: Standing, now: float, *, look: bool = False, take: bool = False, in_sync: bool = False) -> Standing:
    """The next question to the witness: a look, a take of the term this node stands for, or a note about the peer."""
    number, me, term = standing.number + 1, standing.me, standing.kept.term
    question: Ask = Note(number=number, node=me, term=term, in_sync=in_sync)
    if look:
        question = Look(number=number)
    elif take:
        question = Take(number=number, node=me, term=term, forced=standing.forced)
    missed = standing.missed + 1 if standing.asked is not None else 0
    return replace(standing, asked=question, asked_at=now, number=number, missed=missed)


def may_ask(standing: Standing, now: float) -> bool:
    """No question is open, or the open one was asked so long ago that it counts as lost."""
    if standing.witness == "none":
        return False
    return standing.asked is None or now - standing.asked_at >= standing.pace.patience_seconds


def as_standby(standing: Standing) -> Standing:
    """Leads no more, or stands no more: every lease is forgotten."""
    return replace(
        standing, phase="standby", lease_from_peer=NEVER, lease_from_witness=NEVER, counts_from=NEVER, mode="joining", goal=None,
        forced=False, asked=None, noted=None, won=False, giving_up_since=None,
    )  # fmt: skip


def make_beat(standing: Standing, heard: Heard, now: float) -> Beat:
    """What the node says of itself now."""
    kept, own = standing.kept, heard.own
    return Beat(
        sender=standing.me, boot=kept.boot, sent_at=now, term=kept.term, phase=standing.phase, end=own.end, healthy=own.healthy,
        joined=kept.joined, in_sync=standing.phase == "leader" and standing.mode == "pair",
        yields=standing.phase == "standby" and now < standing.waits_until, hears=_hears(standing), sending=own.sending,
        rules=standing.rules, led_otherwise=kept.led_otherwise,
    )  # fmt: skip


def _hears(standing: Standing) -> Hears | None:
    """The peer's newest heartbeat handed back, countersigned where this node supports it as leader."""
    beat, kept = standing.beat, standing.kept
    if beat is None:
        return None
    follows = standing.phase == "standby" and beat.phase != "standby" and not rules_differ(standing)
    supports = follows and beat.term == kept.term and kept.supports == standing.peer
    return Hears(boot=beat.boot, sent_at=beat.sent_at, countersigns=kept.term if supports else 0)
