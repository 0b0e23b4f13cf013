"""The thread that drives the lease: two keepers on a wire in memory, and one whose world fails."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import TandemError
from appliance.pair.keeper import FAILED, NOT_KEPT, Keeper
from appliance.pair.messages import Ask, Beat, End, Kept, Own, Reply, WitnessRecord
from appliance.pair.standing import Pace, Standing, start

SECONDS = 20.0
QUICK = Pace(
    lease_seconds=0.6, margin_seconds=0.05, tick_seconds=0.02, beat_seconds=0.05, suspect_seconds=0.3, gap_seconds=5.0, pause_seconds=0.05,
    stand_seconds=0.3, patience_seconds=0.3, renew_seconds=0.1, handover_seconds=1.0,
)  # fmt: skip
KEPT = Kept(boot=1, term=4, joined=True)


class World:
    """One node's world: its disk, its end of the wire, and what a test says that it sees of itself."""

    def __init__(self) -> None:
        self.now_own = Own(end=End(term=4, position=10), written=10, shipped=10)
        self.kept: list[Kept] = []
        self.sent: list[Beat] = []
        self.asked: list[Ask] = []
        self.ends: list[str] = []
        self.order: list[str] = []
        self.over = threading.Event()
        self.to: Keeper | None = None
        self.fails: dict[str, Exception] = {}
        self.moved: list[tuple[str, int]] = []

    def _does(self, what: str) -> None:
        self.order.append(what)
        if what in self.fails:
            raise self.fails[what]

    def own(self, _: float) -> Own:
        if "own" in self.fails:
            raise self.fails["own"]
        return self.now_own

    def keep(self, kept: Kept) -> None:
        self._does("keep")
        self.kept.append(kept)

    def send(self, beat: Beat) -> None:
        self._does("send")
        self.sent.append(beat)
        if self.to is not None:
            self.to.hear_beat(beat)

    def ask(self, question: Ask) -> None:
        self._does("ask")
        self.asked.append(question)

    def end(self, reason: str) -> None:
        self.ends.append(reason)
        self.over.set()


def made(world: World, me: str = "a", peer: str = "b", clock: Clock | None = None, **first: Any) -> Keeper:
    clock = clock or SystemClock()
    standing: Standing = start(me, peer, kept=first.pop("kept", KEPT), now=clock.elapsed(), witness="tcp", pace=QUICK)
    return Keeper(replace(standing, **first), world, clock)


@pytest.fixture
def stopped() -> Iterator[Callable[[Keeper], Keeper]]:
    made_: list[Keeper] = []

    def later(keeper: Keeper) -> Keeper:
        made_.append(keeper)
        return keeper

    yield later
    for keeper in made_:
        keeper.stop()


Later = Callable[[Keeper], Keeper]


class Two:
    """Two keepers that hear each other while ``join`` holds."""

    def __init__(self, later: Later) -> None:
        self.worlds = {"a": World(), "b": World()}
        self.a, self.b = later(made(self.worlds["a"], "a", "b")), later(made(self.worlds["b"], "b", "a"))
        self.join()

    def join(self) -> None:
        self.worlds["a"].to, self.worlds["b"].to = self.b, self.a

    def cut(self) -> None:
        self.worlds["a"].to = self.worlds["b"].to = None

    def start(self) -> None:
        self.a.start()
        self.b.start()

    def leader(self) -> Keeper:
        for keeper in (self.a, self.b):
            if keeper.leads():
                return keeper
        raise AssertionError("nobody leads")


def test_the_boot_is_on_disk_before_the_first_word_leaves(stopped: Later) -> None:
    world = World()
    keeper = stopped(made(world))
    keeper.start()
    assert keeper.wait(lambda _: bool(world.sent), SECONDS)
    assert world.order[0] == "keep"
    assert world.kept[0].boot == world.sent[0].boot == 2


def test_a_node_whose_boot_cannot_be_written_does_not_start() -> None:
    world = World()
    world.fails["keep"] = TandemError("The disk is full.", "Make room.")
    with pytest.raises(TandemError, match="full"):
        made(world).start()
    assert world.sent == []


def test_two_that_hear_each_other_get_one_leader_in_a_new_term_and_it_may_act(stopped: Later) -> None:
    two = Two(stopped)
    two.start()
    assert two.a.wait(lambda _: two.a.may_act() or two.b.may_act(), SECONDS)
    assert [two.a.leads(), two.b.leads()].count(True) == 1
    assert two.leader().standing.kept.term > KEPT.term
    assert two.leader().leave().loops == "yes"


def test_a_term_is_on_disk_before_it_is_said(stopped: Later) -> None:
    two = Two(stopped)
    two.start()
    assert two.a.wait(lambda _: two.a.leads() or two.b.leads(), SECONDS)
    for world in two.worlds.values():
        terms = {kept.term for kept in world.kept}
        assert {beat.term for beat in list(world.sent)} <= terms


def test_a_leader_that_hears_nobody_ceases_to_act_by_itself(stopped: Later) -> None:
    two = Two(stopped)
    two.start()
    assert two.a.wait(lambda _: two.a.may_act() or two.b.may_act(), SECONDS)
    leader = two.leader()
    two.cut()
    assert leader.wait(lambda _: not leader.may_act(), SECONDS)
    assert leader.leads(), "it is the leader still, and may become able again"


def test_a_wish_to_hand_over_makes_the_other_one_leader(stopped: Later) -> None:
    two = Two(stopped)
    two.start()
    assert two.a.wait(lambda _: two.a.may_act() or two.b.may_act(), SECONDS)
    leader = two.leader()
    other = two.b if leader is two.a else two.a
    two.worlds[leader.standing.me].now_own = Own(end=End(term=leader.standing.kept.term, position=11), written=11, shipped=11)
    two.worlds[other.standing.me].now_own = Own(end=End(term=leader.standing.kept.term, position=11), written=11, shipped=0)
    assert leader.wait(lambda standing: standing.mode == "pair", SECONDS)
    leader.wish("handover")
    assert other.wait(lambda standing: standing.phase == "leader", SECONDS)
    assert not leader.leads()


def test_whoever_wants_to_know_is_told_of_each_move_and_of_a_peer_that_begins_to_lead(stopped: Later) -> None:
    two = Two(stopped)
    moved: list[tuple[str, str]] = []
    heard: list[tuple[str, bool]] = []
    for name, keeper in (("a", two.a), ("b", two.b)):
        keeper.moved = lambda _, after, name=name: moved.append((name, after.phase))  # type: ignore[misc]
        keeper.heard = lambda leads, name=name: heard.append((name, leads))  # type: ignore[misc]
    two.start()
    assert two.a.wait(lambda _: bool(heard), SECONDS)
    leader = two.leader().standing.me
    assert (leader, "leader") in moved
    assert heard[0] == ("b" if leader == "a" else "a", True)


def test_waiting_ends_with_the_wish_come_true_or_with_time(stopped: Later) -> None:
    keeper = stopped(made(World()))
    keeper.start()
    assert keeper.wait(lambda _: True, 0.0)
    assert not keeper.wait(lambda _: False, 0.05)


def test_each_step_is_a_turn(stopped: Later) -> None:
    keeper = stopped(made(World()))
    keeper.start()
    first = keeper.turn
    assert keeper.wait(lambda _: keeper.turn > first + 2, SECONDS)


def test_the_witness_is_asked_and_its_answer_heard(stopped: Later) -> None:
    world = World()
    keeper = stopped(made(world))
    keeper.start()
    assert keeper.wait(lambda _: bool(world.asked), SECONDS)
    record = WitnessRecord(holder="b", term=4, in_sync=True, number=1)
    keeper.hear_reply(Reply(number=world.asked[-1].number, granted=True, record=record))
    assert keeper.wait(lambda standing: standing.record == record, SECONDS)


# When its world fails


def leading(world: World, clock: Clock | None = None) -> Keeper:
    now = (clock or SystemClock()).elapsed()
    lease = {"phase": "leader", "mode": "solo", "noted": False, "lease_from_witness": now + 3600, "counts_from": now, "promise_left": 0.0}
    return made(world, **lease)


def test_a_term_that_cannot_be_written_down_ends_the_node_before_anything_is_said_of_it(stopped: Later) -> None:
    world = World()
    keeper = stopped(made(world))
    keeper.start()
    world.fails["keep"] = OSError("no room")
    keeper.hear_beat(replace(beat(), term=99, phase="leader"))
    assert world.over.wait(SECONDS)
    assert world.ends == [NOT_KEPT]
    assert all(sent.term != 99 for sent in world.sent)
    assert not keeper.leads()
    assert keeper.leave().sends == "nothing"


@pytest.mark.parametrize("what", ["own", "send", "moved"])
def test_a_fault_in_its_world_ends_the_node_instead_of_leaving_it_without_a_lease_thread(stopped: Later, what: str) -> None:
    world = World()
    keeper = stopped(leading(world))
    keeper.start()
    assert keeper.wait(lambda _: keeper.turn > 1, SECONDS)
    if what == "moved":

        def fails(*_: Standing) -> None:
            raise ValueError("on purpose")

        keeper.moved = fails
        keeper.hear_beat(replace(beat(), term=99, phase="leader"))
    else:
        world.fails[what] = ValueError("on purpose")
    assert world.over.wait(SECONDS)
    assert world.ends == [FAILED]
    assert not keeper.leads()
    assert not keeper.may_act()


def test_stopping_wakes_whoever_waits_and_may_be_done_twice(stopped: Later) -> None:
    keeper = stopped(made(World()))
    keeper.start()
    ended = threading.Event()

    def waits() -> None:
        keeper.wait(lambda _: False, SECONDS)
        ended.set()

    threading.Thread(target=waits, daemon=True).start()
    keeper.stop()
    keeper.stop()
    assert ended.wait(SECONDS)


def test_after_the_end_nothing_is_stepped_any_more(stopped: Later) -> None:
    world = World()
    keeper = stopped(made(world))
    keeper.start()
    keeper.stop()
    turn, sent = keeper.turn, len(world.sent)
    keeper.hear_beat(beat())
    assert (keeper.turn, len(world.sent)) == (turn, sent)


def beat() -> Beat:
    return Beat(
        sender="b", boot=1, sent_at=5.0, term=4, phase="standby", end=End(term=4, position=4), healthy=True, joined=True, in_sync=False,
        yields=False,
    )  # fmt: skip
