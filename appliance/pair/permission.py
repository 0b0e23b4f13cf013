"""What a node may do at this moment, and why: PAIR's table of a lone node as a function."""

from typing import Literal

from appliance.pair.messages import WitnessKind
from appliance.pair.standing import Standing, lease_end, peer_agrees, peer_here, rules_differ, witness_seen
from appliance.records.base import Record

Loops = Literal["no", "provisional", "yes"]
Sends = Literal["nothing", "unclaimed", "everything"]

Claim = Literal["none", "mine", "other"]
"""The claim flag of a message as the mailbox shows it: nobody's; this node's, set in this very term; or anybody else's.

This node's own of an earlier term is ``other``: since then the peer may have answered.
"""
Turn = Literal["wait", "claim", "send", "hold"]
"""What is to be done with a message that is to be answered; ``hold`` leaves it to a person."""


class Leave(Record):
    """``loops``: whether it takes in and answers; ``provisional`` acknowledges nothing and comes to intake again afterwards.

    ``sends``: what may leave; ``unclaimed`` are messages that carry no claim but this node's of this term. ``reason`` is a code of
    ``reasons.SENTENCES``.
    """

    loops: Loops
    sends: Sends
    reason: str


def leave(standing: Standing, now: float) -> Leave:
    """What the node may do. ``now`` is read from the clock for the question: a standing outlives its lease."""
    if standing.stopped or now < standing.at:
        return Leave(loops="no", sends="nothing", reason="clock_went_back")
    if standing.phase != "leader":
        return Leave(loops="no", sends="nothing", reason=_why_not(standing, now))
    if standing.giving_up_since is not None:
        return Leave(loops="no", sends="nothing", reason="handing_over")
    if not holds(standing, now):
        return Leave(loops="provisional", sends="nothing", reason="lease_ended")
    return Leave(loops="yes", sends="unclaimed" if standing.kept.forced else "everything", reason=_how(standing, now))


def holds(standing: Standing, now: float) -> bool:
    """A leader whose lease has not ended, less the margin. Without a witness it leads on, once a pause is over and nobody objects."""
    if standing.phase != "leader" or standing.stopped or not 0 <= now - standing.at <= standing.pace.gap_seconds:
        return False
    if standing.witness == "none" and now - standing.counts_from >= standing.pace.suspect_seconds:
        return True
    return now < lease_end(standing) - standing.pace.margin_seconds


def may_act(standing: Standing, now: float) -> bool:
    """Asked before a claim and before a commit."""
    return leave(standing, now).loops == "yes"


def may_send(standing: Standing, now: float, *, claimed: bool = True) -> bool:
    """Asked last thing before the data of a mail leaves. ``claimed``: the claim that the message carries is not this node's of this term.

    A message that carries none at all is not asked about here; ``turn`` says that it is claimed first.
    """
    return turn(standing, now, "other" if claimed else "mine") == "send"


def turn(standing: Standing, now: float, claim: Claim) -> Turn:
    """What to do with a message before its reply is journalled as *sending*, by the claim that it carries.

    No reply leaves for a message without a claim, whoever leads and however it came in. The claim is all that a node sees which is
    made leader by a person and lacks the journal of the other: what was answered without one looks to it as if nobody had been there.
    """
    sends = leave(standing, now).sends
    if sends == "nothing":
        return "wait"
    if claim == "none":
        return "claim"
    return "send" if sends == "everything" or claim == "mine" else "hold"


def may_acknowledge(standing: Standing, now: float, *, peer_holds: bool) -> bool:
    """Whether an entry that is flushed here may be acknowledged. ``peer_holds``: the peer has flushed it too."""
    return holds(standing, now) and (peer_holds or standing.mode == "solo")


def _how(standing: Standing, now: float) -> str:
    if standing.kept.forced:
        return "forced"
    if not peer_agrees(standing, now):
        return "leads_unwitnessed" if standing.witness == "none" else "leads_solo"
    if standing.witness != "none" and not witness_seen(standing, now):
        return "witness_lost"
    return "leads" if standing.mode == "pair" else "peer_catches_up"


def _why_not(standing: Standing, now: float) -> str:
    if standing.phase == "stands":
        return "stands"
    if rules_differ(standing) and (peer_here(standing, now) or standing.witness != "none"):
        return "rules_differ"
    if peer_here(standing, now):
        beat = standing.beat
        return "follows" if beat is not None and beat.phase == "leader" else "no_leader_yet"
    if not standing.kept.joined:
        return "not_joined"
    if standing.beat is None:
        return "peer_never_seen"
    if standing.witness == "none":
        return "waits_for_person"
    if standing.promise_left > 0:
        return "promise_runs"
    return "not_in_sync" if witness_seen(standing, now) else "peer_and_witness_lost"


def witness_kind(wish: str, mailbox_race_passed: bool) -> WitnessKind:
    """What ``witness = "auto"`` comes to: the mailbox where its races had one winner each, else none."""
    if wish == "auto":
        return "mailbox" if mailbox_race_passed else "none"
    if wish.startswith("tcp://"):
        return "tcp"
    return "mailbox" if wish == "mailbox" else "none"
