"""The lease: what I know and what I heard, to what I know and what to do.

The rules in one breath. A term belongs to whom two of the three (node, peer, witness) support, and is on disk before it is used.
A leader acts while one of the other two has lately countersigned; whoever countersigned supports nobody else until that has run
out. The witness says who holds every acknowledged entry, and only such a node may lead without the other.
"""

from collections.abc import Callable

from msgspec.structs import replace

from appliance.pair.hearing import hear_peer, hear_witness
from appliance.pair.leading import leading
from appliance.pair.messages import Action, AskWitness, Heard, Keep, Phase, Send, Stop
from appliance.pair.standing import NEVER, Standing, as_standby, make_beat
from appliance.pair.standing_by import standing_by, standing_up

CLOCK_WENT_BACK = "clock_went_back"

PHASES: dict[Phase, Callable[[Standing, Heard, float], Standing]] = {
    "standby": standing_by,
    "stands": standing_up,
    "leader": leading,
}


def step(standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
    """One step. ``now`` is seconds on a clock that counts sleep and never goes back; call it at every tick and for all that is heard."""
    if standing.stopped:
        return standing, ()
    if now < standing.at:
        return replace(as_standby(standing), stopped=CLOCK_WENT_BACK), (Stop(reason=CLOCK_WENT_BACK),)
    after = _hear(_time_passes(standing, now), heard, now)
    return _speak(standing, PHASES[after.phase](after, heard, now), heard, now)


def _time_passes(standing: Standing, now: float) -> Standing:
    pace, gap = standing.pace, now - standing.at
    standing = replace(standing, at=now, promise_left=max(0.0, standing.promise_left - min(gap, pace.counted_seconds_most)))
    if standing.wish and now - standing.wished_at > pace.wish_seconds:
        standing = replace(standing, wish=None)
    if gap <= pace.gap_seconds:
        return standing
    # The process was paused, or the machine slept: what was agreed before may be over. It is asked for again.
    return replace(standing, lease_from_peer=NEVER, lease_from_witness=NEVER, counts_from=now, giving_up_since=None)


def _hear(standing: Standing, heard: Heard, now: float) -> Standing:
    if heard.wish is not None:
        standing = replace(standing, wish=heard.wish, wished_at=now)
    if heard.beat is not None:
        standing = hear_peer(standing, heard.beat, heard.own, now)
    if heard.reply is not None:
        standing = hear_witness(standing, heard.reply, heard, now)
    return standing


def _speak(before: Standing, after: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
    """What follows from the change. Writing down comes first: no word leaves that a crash could make untrue."""
    actions: list[Action] = []
    if after.kept != before.kept:
        actions.append(Keep(kept=after.kept))
    if now >= after.beat_due:
        after = replace(after, beat_due=now + after.pace.beat_seconds)
        actions.append(Send(beat=make_beat(after, heard, now)))
    if after.asked is not None and after.number != before.number:
        actions.append(AskWitness(ask=after.asked))
    return after, tuple(actions)
