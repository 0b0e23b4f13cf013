"""The part of a step for a node that does not lead: it waits, and stands when it should."""

from msgspec.structs import replace

from appliance.pair.leading import lead
from appliance.pair.messages import Heard
from appliance.pair.standing import Standing, as_standby, ask, eligible, may_ask, peer_here, preferred, rules_differ

TERMS_PER_LEAP = 1000
"""A take-over by a person's word leaps to the next thousand, and each node to a term of its own: no other leader can have had it."""


def standing_by(standing: Standing, heard: Heard, now: float) -> Standing:
    """What a standby does at each step."""
    if not standing.kept.joined or now < standing.waits_until:
        return standing
    if rules_differ(standing) and (standing.wish != "takeover" or peer_here(standing, now)):
        return _look_now_and_then(standing, now)
    if _peer_follows_or_leads(standing, now):
        return _stand(standing, now) if _my_turn(standing, heard, now) else _look_now_and_then(standing, now)
    if standing.promise_left > 0:
        return standing
    if standing.witness == "none":
        # Led from the next step on: by then the term is on disk.
        return replace(_stand(standing, now, forced=True), won=True) if standing.wish == "takeover" else standing
    return _ask_for_the_term(standing, now)


def _peer_follows_or_leads(standing: Standing, now: float) -> bool:
    """The peer is here, and it leads or can hear me. A peer that I hear but that is deaf to me cannot make me leader."""
    beat = standing.beat
    if beat is None or not peer_here(standing, now):
        return False
    hears = beat.hears
    hears_me = hears is not None and hears.boot == standing.kept.boot and now - hears.sent_at < 2 * standing.pace.suspect_seconds
    return beat.phase == "leader" or hears_me


def _my_turn(standing: Standing, heard: Heard, now: float) -> bool:
    """The peer does not lead, and of the two this node is the one to."""
    beat = standing.beat
    if beat is None or beat.phase == "leader" or standing.promise_left > 0:
        return False
    return preferred(standing, heard.own.end, heard.own.healthy, now)


def _ask_for_the_term(standing: Standing, now: float) -> Standing:
    """The peer is silent: look what the witness says, and stand if it names this node.

    A node that has not heard its peer since its start waits for it, or for a person, whatever the witness says. And beside a peer
    with other rules, which may have led by another witness or none, this one's record is no word that nothing is lacking.
    """
    by_person = standing.wish == "takeover"
    record = standing.record
    if standing.beat is None and not by_person:
        return _look_now_and_then(standing, now)
    if standing.witness_at == now and record is not None and record.term > 0:
        if eligible(standing, record) and not rules_differ(standing):
            return ask(_stand(standing, now), now, take=True)
        if by_person:
            return ask(_stand(standing, now, forced=True), now, take=True)
    if may_ask(standing, now) and now - standing.asked_at >= standing.pace.renew_seconds:
        return ask(standing, now, look=True)
    return standing


def _look_now_and_then(standing: Standing, now: float) -> Standing:
    overdue = now - standing.asked_at >= standing.pace.look_seconds
    return ask(standing, now, look=True) if overdue and may_ask(standing, now) else standing


def _stand(standing: Standing, now: float, *, forced: bool = False) -> Standing:
    """Stand for a new term. It is written down before anybody is asked."""
    known = max(standing.kept.term, standing.record.term if standing.record else 0)
    term = _leap(standing, known) if forced else known + 1
    kept = replace(standing.kept, term=term, supports=standing.me, forced=forced or standing.kept.forced)
    return replace(standing, kept=kept, phase="stands", forced=forced, stood_at=now, counts_from=now, beat_due=now, asked=None, won=False)


def _leap(standing: Standing, known: int) -> int:
    return (known // TERMS_PER_LEAP + 1) * TERMS_PER_LEAP + (standing.me > standing.peer)


def standing_up(standing: Standing, heard: Heard, now: float) -> Standing:
    """What a node does while it stands: wait for one voice, and give up in time."""
    pace = standing.pace
    if standing.won:
        return lead(standing, by_witness=True) if standing.promise_left <= 0 else standing
    if _both_stand(standing) and preferred(standing, heard.own.end, heard.own.healthy, now):
        return _stand(standing, now)
    if now - standing.stood_at > pace.stand_seconds:
        return replace(as_standby(standing), waits_until=now + pace.pause_seconds * (1 + heard.jitter))
    return standing


def _both_stand(standing: Standing) -> bool:
    """Both stand in one term, and in it neither can support the other: the better one goes on to the next."""
    beat = standing.beat
    return beat is not None and beat.phase == "stands" and beat.term == standing.kept.term
