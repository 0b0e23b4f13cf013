"""What a heartbeat or the witness's answer changes in what a node knows."""

from msgspec.structs import replace

from appliance.pair.leading import lead
from appliance.pair.messages import Beat, Heard, Hears, Look, Note, Own, Reply, Take
from appliance.pair.standing import Standing, as_standby, lease_end, peer_agrees, rules_differ


def hear_peer(standing: Standing, beat: Beat, own: Own, now: float) -> Standing:
    """Take in a heartbeat. One that is older than the last, or not the peer's, says nothing."""
    last = standing.beat
    if beat.sender != standing.peer or (last is not None and (beat.boot, beat.sent_at) < (last.boot, last.sent_at)):
        return standing
    standing = _stand_back(replace(standing, beat=beat, heard_at=now))
    if beat.phase == "leader":
        standing = _hear_leader(standing, beat, now)
    elif beat.phase == "stands":
        standing = _hear_candidate(standing, beat, own, now)
    else:
        standing = _hear_standby(standing, beat)
    if rules_differ(standing):
        return standing
    return _count(_learn_what_was_led(standing, beat), beat.hears, now)


def _stand_back(standing: Standing) -> Standing:
    """The peer is heard, so a person's word that it is switched off holds no more: the wish ends, and so does standing by it.

    Both are there now, and of two that hear each other the longer journal leads; nothing has to be left behind. Nor does a node go on
    standing against one with other rules.
    """
    if standing.wish == "takeover":
        standing = replace(standing, wish=None)
    return as_standby(standing) if standing.phase == "stands" and (standing.forced or rules_differ(standing)) else standing


def _learn_what_was_led(standing: Standing, beat: Beat) -> Standing:
    """The peer has the same rules: it leads by them, or knows up to which term others held; and a longer lease is over.

    That lease was promised, or held, by the rules that the peer had in an earlier life.
    """
    pace, kept = standing.pace, standing.kept
    if standing.phase != "leader" and beat.led_otherwise > kept.led_otherwise:
        kept = replace(kept, led_otherwise=beat.led_otherwise)
    if kept.lease_seconds > pace.lease_seconds >= standing.promise_left:
        kept = replace(kept, lease_seconds=pace.lease_seconds)
    return standing if kept is standing.kept else replace(standing, kept=kept)


def _hear_leader(standing: Standing, beat: Beat, now: float) -> Standing:
    """Follow the leader of this or a later term; one of an earlier term is told at once that its time is over."""
    if beat.term < standing.kept.term or (beat.term == standing.kept.term and standing.phase == "leader"):
        return replace(standing, beat_due=now)
    if rules_differ(standing):
        standing = _adopt(standing, beat.term)
        return replace(standing, kept=replace(standing.kept, led_otherwise=max(standing.kept.led_otherwise, beat.term)))
    standing = _support(standing, beat, now)
    if standing.kept.led_otherwise > beat.led_otherwise:
        # It leads this term by these rules, whatever this node was set to meanwhile.
        standing = replace(standing, kept=replace(standing.kept, led_otherwise=beat.led_otherwise))
    return standing


def _hear_candidate(standing: Standing, beat: Beat, own: Own, now: float) -> Standing:
    """Support whoever stands by my rules with a journal no shorter than mine, unless I lead, or stand in this term myself.

    A leader that has stepped down supports nobody before its last mail is out: the next one may send at once.
    """
    standing = _adopt(standing, beat.term) if not _leads(standing, now) else standing
    kept = standing.kept
    free = not own.sending and not _leads(standing, now) and beat.term == kept.term and kept.supports in ("", standing.peer)
    if free and not rules_differ(standing) and beat.end >= own.end and (beat.joined or not kept.joined):
        return _support(standing, beat, now)
    if beat.term == kept.term and kept.supports == standing.peer:
        # It may lead by now, by my own word: these words may be older than that, and I may have forgotten it in a crash.
        return standing
    # A leader that hears of a later term cannot be countersigned any more: it stands anew, above that term.
    return _not_leading_against_me(_adopt(standing, beat.term), beat)


def _hear_standby(standing: Standing, beat: Beat) -> Standing:
    return _not_leading_against_me(_adopt(standing, beat.term), beat)


def _leads(standing: Standing, now: float) -> bool:
    return standing.phase == "leader" and (now < lease_end(standing) or standing.witness == "none")


def _support(standing: Standing, beat: Beat, now: float) -> Standing:
    """Promise the peer one full lease from now, and say so at once."""
    if standing.phase != "standby":
        standing = as_standby(standing)
    kept = standing.kept
    joined, forced = kept.joined or beat.in_sync, kept.forced and not beat.in_sync
    if (kept.term, kept.supports, kept.joined, kept.forced) != (beat.term, standing.peer, joined, forced):
        kept = replace(kept, term=beat.term, supports=standing.peer, joined=joined, forced=forced)
    return replace(standing, kept=kept, promise_left=max(standing.promise_left, standing.pace.lease_seconds), beat_due=now)


def _adopt(standing: Standing, term: int) -> Standing:
    """A later term exists: whoever led or stood in an earlier one is a standby now."""
    if term <= standing.kept.term:
        return standing
    return replace(as_standby(standing), kept=replace(standing.kept, term=term, supports=""))


def _not_leading_against_me(standing: Standing, beat: Beat) -> Standing:
    """The peer says that it leads no more, in a term no older than what I promised: the promise is done with.

    Not while the last mail of the peer is leaving: the promise was made so that nobody else sends meanwhile.
    """
    if beat.term < standing.kept.term or beat.sending:
        return standing
    return replace(standing, promise_left=0.0)


def _count(standing: Standing, hears: Hears | None, now: float) -> Standing:
    """Count a countersignature: the lease runs from before the countersigned words left this node."""
    if hears is None or standing.phase == "standby" or hears.boot != standing.kept.boot:
        return standing
    if hears.countersigns != standing.kept.term or not standing.counts_from <= hears.sent_at <= now:
        return standing
    standing = replace(standing, lease_from_peer=max(standing.lease_from_peer, hears.sent_at + standing.pace.lease_seconds))
    return lead(standing, by_witness=False) if standing.phase == "stands" else standing


def hear_witness(standing: Standing, reply: Reply, heard: Heard, now: float) -> Standing:
    """Take in an answer; one to any question but the last is too late to mean anything."""
    asked = standing.asked
    if asked is None or reply.number != asked.number:
        return standing
    standing = _adopt(replace(standing, asked=None, missed=0, record=reply.record, witness_at=now), reply.record.term)
    if isinstance(asked, Look):
        return _looked(standing)
    if asked.term != standing.kept.term:
        return standing
    if isinstance(asked, Take):
        return _took(standing, reply, heard.jitter, now) if standing.phase == "stands" else standing
    return _noted(standing, asked, heard.own, now) if reply.granted and standing.phase == "leader" else standing


def _looked(standing: Standing) -> Standing:
    """A leader whose note is gone (the witness was set up anew) writes it again."""
    record = standing.record
    says_so = record is not None and (record.holder, record.term, record.in_sync) == (standing.me, standing.kept.term, True)
    return replace(standing, noted=None) if standing.phase == "leader" and standing.noted and not says_so else standing


def _took(standing: Standing, reply: Reply, jitter: float, now: float) -> Standing:
    """The witness gave the term, or did not.

    Whoever once stood by a person's word waits in every term until it is in step again: the first answer, which said how long the
    other's lease may run, may have been lost, and from then on the record names this node as if nothing were in its way. It waits for
    the longest lease that the other may have, also where this node's was shortened meanwhile.
    """
    if not reply.granted:
        return replace(as_standby(standing), waits_until=now + standing.pace.pause_seconds * (1 + jitter))
    lease = standing.pace.lease_seconds
    wait = max(reply.wait_seconds, lease, standing.kept.lease_seconds) if standing.kept.forced else reply.wait_seconds
    return replace(standing, won=True, lease_from_witness=standing.asked_at + lease, promise_left=max(standing.promise_left, wait))


def _noted(standing: Standing, note: Note, own: Own, now: float) -> Standing:
    """The record says it now. Only then may a leader whose peer is lost commit alone; and it holds the lease by that record."""
    standing = replace(standing, noted=note.in_sync)
    if note.in_sync:
        return standing
    if standing.asked_at >= standing.counts_from:
        standing = replace(standing, lease_from_witness=standing.asked_at + standing.pace.lease_seconds)
    lost = not peer_agrees(standing, now) or own.waiting_seconds > standing.pace.solo_after_seconds
    return replace(standing, mode="solo", goal=None) if lost else standing
