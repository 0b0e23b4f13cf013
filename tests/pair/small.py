"""A world small enough to try everything in it.

Two nodes and a witness, time in whole seconds, a lease of two. Each line holds one word, the newest; a word that is never
delivered is lost, and one that is delivered late is late, so partitions need no event of their own. A crash is followed by a start
at once, and a node may be paused while time passes for the other.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from appliance.pair.lease import step
from appliance.pair.messages import Ask, AskWitness, Beat, End, Heard, Kept, Own, Reply, Send, WitnessKind, WitnessRecord
from appliance.pair.permission import holds, may_acknowledge, may_send
from appliance.pair.standing import NEVER, Pace, Standing, start
from appliance.pair.witness_record import answer

PACE = Pace(
    lease_seconds=2.0, margin_seconds=0.5, tick_seconds=1.0, beat_seconds=1.0, suspect_seconds=0.9, gap_seconds=1.5,
    counted_seconds_most=1.0, solo_after_seconds=0.5, renew_seconds=1.0, patience_seconds=1.0, look_seconds=100.0, stand_seconds=2.0,
    pause_seconds=1.0, handover_seconds=2.0,
)  # fmt: skip

NOW = 0.0
LONG_PAST = -3.0
MOMENTS = (
    "at", "heard_at", "beat_due", "lease_from_peer", "lease_from_witness", "counts_from", "asked_at", "witness_at", "stood_at",
    "waits_until", "wished_at",
)  # fmt: skip

T = TypeVar("T")
Journal = tuple[int, ...]
"""The term of each entry."""


class State(NamedTuple):
    """Everything there is. Index 0 is node a, 1 is node b. It is always second 0: when time passes, everything else grows older."""

    nodes: tuple[Standing, Standing]
    journals: tuple[Journal, Journal] = ((1,), (1,))
    beats: tuple[Beat | None, Beat | None] = (None, None)
    asks: tuple[Ask | None, Ask | None] = (None, None)
    replies: tuple[Reply | None, Reply | None] = (None, None)
    record: WitnessRecord = WitnessRecord()
    acknowledged: Journal = (1,)
    leaders: frozenset[tuple[int, int, int]] = frozenset()
    restarts_left: int = 2
    pauses_left: int = 2
    wishes_left: int = 0


class SmallRules:
    """The real rules, for a variant to bend."""

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[object, ...]]:
        return step(standing, heard, now)

    def restarted(self, standing: Standing, now: float) -> Standing:
        return start(
            standing.me, standing.peer, kept=standing.kept, now=now, witness=standing.witness, pace=PACE, rules=standing.rules
        )  # fmt: skip


def _put(pair: tuple[T, T], place: int, value: T) -> tuple[T, T]:
    return (value, pair[1]) if place == 0 else (pair[0], value)


def formed(witness: WitnessKind) -> State:
    """A pair in its usual state: a leads term 1, b stands by in step."""
    kept = Kept(term=1, supports="a", joined=True)
    a = start("a", "b", kept=kept, now=0.0, witness=witness, pace=PACE)
    b = start("b", "a", kept=kept, now=0.0, witness=witness, pace=PACE)
    a = replace(a, phase="leader", mode="pair", noted=True, lease_from_peer=PACE.lease_seconds, promise_left=0.0, counts_from=0.0)
    state = State(nodes=(a, b), record=WitnessRecord(holder="a", term=1, in_sync=True), leaders=frozenset({(1, 0, 1)}))
    # One exchange of heartbeats, so that each has heard the other.
    for place in (0, 1, 0, 1):
        state = delivered(SmallRules(), _heard(SmallRules(), state, place, Heard(own=own(state, place))), 1 - place)
    a, b = (replace(node, asked=None) for node in state.nodes)
    return state._replace(nodes=(a, b), asks=(None, None))


def apart(*, told: bool) -> State:
    """a leads and has no witness; b was started anew with the one that both had. ``told``: each says so."""
    state = formed("none")
    a, b = state.nodes
    if told:
        a = replace(a, rules="none", kept=replace(a.kept, rules="none"))
    b = start("b", "a", kept=b.kept, now=NOW, witness="tcp", pace=PACE, rules="tcp" if told else "")
    record = WitnessRecord(holder="a", term=1, in_sync=True)
    return state._replace(nodes=(a, b), beats=(None, None), record=record)


def own(state: State, place: int) -> Own:
    """What a node sees of itself; the peer's flush is known at once when both journals are the same."""
    mine, other = state.journals[place], state.journals[1 - place]
    shipped = len(mine) if mine == other else 0
    return Own(end=End(term=mine[-1], position=len(mine)), written=len(mine), shipped=shipped)


def events(rules: SmallRules, state: State) -> Iterator[tuple[str, State]]:
    """Everything that may happen next."""
    yield "time passes", _tick(rules, state, (0, 1))
    for place, name in enumerate("ab"):
        if state.pauses_left:
            yield f"time passes, {name} is paused", _tick(rules, state, (1 - place,))._replace(pauses_left=state.pauses_left - 1)
        if state.restarts_left:
            yield f"{name} starts anew", _restarted(rules, state, place)
        if state.beats[1 - place] is not None:
            yield f"{name} hears its peer", delivered(rules, state, place)
        if state.asks[place] is not None:
            yield f"the witness hears {name}", _answered(state, place)
        if state.replies[place] is not None:
            yield f"{name} hears the witness", _replied(rules, state, place)
        if state.wishes_left:
            yield f"a person asks {name} to take over", _wished(rules, state, place)
        if state.nodes[place].phase == "leader":
            yield from _journal_events(state, place, name)


def _tick(rules: SmallRules, state: State, places: tuple[int, ...]) -> State:
    state = _aged(state)
    for place in places:
        state = _heard(rules, state, place, Heard(own=own(state, place)))
    return state


def _aged(state: State) -> State:
    """Everything as it is a second later."""
    a, b = state.nodes
    beat_a, beat_b = state.beats
    return state._replace(nodes=(_older(a), _older(b)), beats=(beat_a and _older_beat(beat_a), beat_b and _older_beat(beat_b)))


def _older(standing: Standing) -> Standing:
    beat, giving_up = standing.beat, standing.giving_up_since
    return replace(
        standing,
        beat=beat and _older_beat(beat),
        giving_up_since=None if giving_up is None else giving_up - 1,
        **{name: _before(getattr(standing, name)) for name in MOMENTS},
    )


def _older_beat(beat: Beat) -> Beat:
    hears = beat.hears and replace(beat.hears, sent_at=_before(beat.hears.sent_at))
    return replace(beat, sent_at=_before(beat.sent_at), hears=hears)


def _before(moment: float) -> float:
    """A second earlier; what is long past is as good as never."""
    return moment - 1 if moment > LONG_PAST else NEVER


def _heard(rules: SmallRules, state: State, place: int, heard: Heard) -> State:
    standing, actions = rules.step(state.nodes[place], heard, NOW)
    state = state._replace(nodes=_put(state.nodes, place, standing))
    if standing.phase == "leader":
        state = state._replace(leaders=state.leaders | {(standing.kept.term, place, standing.kept.boot)})
    for action in actions:
        if isinstance(action, Send):
            state = state._replace(beats=_put(state.beats, place, action.beat))
        elif isinstance(action, AskWitness):
            state = state._replace(asks=_put(state.asks, place, action.ask))
    return state


def _restarted(rules: SmallRules, state: State, place: int) -> State:
    nodes = _put(state.nodes, place, rules.restarted(state.nodes[place], NOW))
    return state._replace(nodes=nodes, restarts_left=state.restarts_left - 1)


def _wished(rules: SmallRules, state: State, place: int) -> State:
    state = state._replace(wishes_left=state.wishes_left - 1)
    return _heard(rules, state, place, Heard(own=own(state, place), wish="takeover"))


def delivered(rules: SmallRules, state: State, place: int) -> State:
    beat = state.beats[1 - place]
    state = state._replace(beats=_put(state.beats, 1 - place, None))
    return _heard(rules, state, place, Heard(own=own(state, place), beat=beat))


def _answered(state: State, place: int) -> State:
    ask = state.asks[place]
    assert ask is not None
    record, reply = answer(state.record, ask, PACE.lease_seconds)
    return state._replace(record=record, asks=_put(state.asks, place, None), replies=_put(state.replies, place, reply))


def _replied(rules: SmallRules, state: State, place: int) -> State:
    reply = state.replies[place]
    state = state._replace(replies=_put(state.replies, place, None))
    return _heard(rules, state, place, Heard(own=own(state, place), reply=reply))


def _journal_events(state: State, place: int, name: str) -> Iterator[tuple[str, State]]:
    """The leader commits; the standby that follows it takes over the leader's journal, whatever stood there before."""
    standing, other = state.nodes[place], state.nodes[1 - place]
    follows = other.phase == "standby" and (other.kept.term, other.kept.supports) == (standing.kept.term, standing.me)
    mine = state.journals[place]
    if follows and mine != state.journals[1 - place]:
        yield f"{name} ships", state._replace(journals=(mine, mine))
    longer = (*mine, standing.kept.term)
    if len(longer) <= 3 and may_acknowledge(standing, NOW, peer_holds=False):
        yield f"{name} commits alone", state._replace(journals=_put(state.journals, place, longer), acknowledged=longer)
    elif len(longer) <= 3 and follows and mine == state.journals[1 - place] and may_acknowledge(standing, NOW, peer_holds=True):
        yield f"{name} commits with its peer", state._replace(journals=(longer, longer), acknowledged=longer)


def broken(state: State) -> str:
    """Which law is broken, if any."""
    if all(may_send(node, NOW) for node in state.nodes):
        return "both may send"
    if len({term for term, _, _ in state.leaders}) < len(state.leaders):
        return "two leaders in one term"
    for node, journal in zip(state.nodes, state.journals, strict=True):
        if holds(node, NOW) and not node.kept.forced and journal[: len(state.acknowledged)] != state.acknowledged:
            return f"{node.me} leads without what was acknowledged"
    return ""


class Found(NamedTuple):
    """The outcome of a search: how many states, how deep, and the first history that breaks a law."""

    states: int
    depth: int
    law: str = ""
    history: tuple[str, ...] = ()


def search(rules: SmallRules, begin: State, states_most: int) -> Found:
    """Breadth first, until so many states were seen; the depth is that of the last level that was finished."""
    seen: dict[State, tuple[State | None, str]] = {begin: (None, "")}
    level, depth = [begin], 0
    while level and len(seen) < states_most:
        following = []
        for state in level:
            for name, after in events(rules, state):
                if after in seen:
                    continue
                seen[after] = (state, name)
                law = broken(after)
                if law:
                    return Found(len(seen), depth + 1, law, _history(seen, after))
                following.append(after)
            if len(seen) >= states_most:
                return Found(len(seen), depth)
        level, depth = following, depth + 1
    return Found(len(seen), depth)


def _history(seen: dict[State, tuple[State | None, str]], state: State | None) -> tuple[str, ...]:
    names: list[str] = []
    while state is not None:
        state, name = seen[state]
        names.append(name)
    return tuple(reversed(names))[1:]


def after(state: State, *names: str) -> State:
    """The state to which these events lead."""
    for name in names:
        state = dict(events(SmallRules(), state))[name]
    return state
