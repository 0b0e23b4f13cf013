"""The leader's part of a step: who must hold an entry before it is acknowledged, what the witness is told, and handing over."""

from msgspec.structs import replace

from appliance.pair.messages import Heard, Note, Own
from appliance.pair.standing import NEVER, Standing, as_standby, ask, may_ask, peer_agrees, peer_here


def lead(standing: Standing, *, by_witness: bool) -> Standing:
    """Become leader of the term that this node stands for.

    The witness gives a term with the note that the peer is not in sync, so its leader may commit alone at once. Whom the peer
    chose acknowledges nothing that the peer does not hold, until the witness has noted otherwise.
    """
    alone = by_witness or standing.witness == "none"
    return replace(
        standing, phase="leader", mode="solo" if by_witness else "joining", goal=None, noted=False if alone else None,
        won=False, wish=None, waits_until=NEVER,
    )  # fmt: skip


def leading(standing: Standing, heard: Heard, now: float) -> Standing:
    """What a leader does at each step."""
    standing = _hand_over(standing, heard.own, now)
    if standing.phase != "leader":
        return standing
    if _lost(standing, heard.own, now):
        return _go_alone(standing, now)
    return _tell_in_sync(_join(standing, heard.own), now)


def _lost(standing: Standing, own: Own, now: float) -> bool:
    """The peer is silent, or does not flush what it is sent."""
    return not peer_agrees(standing, now) or own.waiting_seconds > standing.pace.solo_after_seconds


def _go_alone(standing: Standing, now: float) -> Standing:
    """Commit alone only once the witness has it in writing; keep the lease by renewing that note while the peer is silent."""
    if standing.noted is False and standing.mode != "solo":
        standing = replace(standing, mode="solo", goal=None)
    if standing.noted is False and (peer_agrees(standing, now) or now - standing.asked_at < standing.pace.renew_seconds):
        return standing
    waits_for_yes = isinstance(standing.asked, Note) and standing.asked.in_sync
    if not (waits_for_yes or may_ask(standing, now)):
        return standing
    return replace(ask(standing, now, in_sync=False), noted=False if standing.noted is False else None)


def _join(standing: Standing, own: Own) -> Standing:
    """Bring the peer back. From ``joining`` on nothing is acknowledged that it does not hold; in ``pair`` it holds all that ever was.

    The goal is set one step after the change of mode: entries that were acknowledged alone in between lie before it.
    """
    if standing.mode == "solo":
        close = own.written - own.shipped <= standing.pace.entries_behind_most
        return replace(standing, mode="joining", goal=None) if close else standing
    if standing.mode == "pair":
        return standing
    if standing.goal is None:
        return replace(standing, goal=own.written)
    if own.shipped < standing.goal:
        return standing
    return replace(standing, mode="pair", kept=replace(standing.kept, forced=False))


def _tell_in_sync(standing: Standing, now: float) -> Standing:
    """Have the witness note that the peer may take over. The lease by the witness is given up before that leaves."""
    if standing.mode == "pair" and not standing.noted and may_ask(standing, now):
        return replace(ask(standing, now, in_sync=True), noted=None, lease_from_witness=NEVER)
    overdue = now - standing.asked_at >= standing.pace.look_seconds
    return ask(standing, now, look=True) if overdue and may_ask(standing, now) else standing


def _hand_over(standing: Standing, own: Own, now: float) -> Standing:
    """Hand over when a person asks or this node is sick, to a peer that is able: stop starting things, drain, resign."""
    wanted = standing.wish == "handover" or not own.healthy
    if not (wanted and _able(standing, now)):
        return standing if standing.giving_up_since is None else replace(standing, giving_up_since=None)
    if standing.giving_up_since is None:
        return replace(standing, giving_up_since=now)
    late = now - standing.giving_up_since > standing.pace.handover_seconds
    # A sick disk may never drain; what it has not flushed was never acknowledged.
    if (own.drained and own.shipped >= own.written) or (late and not own.healthy and own.shipped >= own.end.position):
        return replace(as_standby(standing), wish=None, waits_until=now + standing.pace.lease_seconds, beat_due=now)
    return replace(standing, giving_up_since=None, wish=None) if late and own.healthy else standing


def _able(standing: Standing, now: float) -> bool:
    beat = standing.beat
    able = beat is not None and beat.healthy and beat.joined
    return able and standing.mode == "pair" and peer_agrees(standing, now) and peer_here(standing, now)
