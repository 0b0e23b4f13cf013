"""What ``pair`` tells in every state, what is refused and by which code, and that the panel's twin is an honest one."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.ground.errors import Refused, TandemError
from appliance.node.commands import Commands
from appliance.node.node import Node
from appliance.node.pair_side import PairSide
from appliance.pair.line.errors import LineLost
from appliance.pair.messages import Beat, End, WitnessRecord
from appliance.pair.reasons import SENTENCES
from appliance.records.person import Actor, Role
from tests.support.clock import FakeClock
from tests.support.panel_twin import PanelTwin
from tests.support.twin_pair import TwinPair
from tests.unit.node.pair_homes import Homes, homes

OWNER = Actor(name="cli", role=Role.ADMIN)
LOST = {"heard_at": float("-inf")}


class One:
    """One node of a pair, built and not started: a test says what its lease is like."""

    def __init__(self, node: Node) -> None:
        self.node = node
        assert node.pair is not None
        self.side: PairSide = node.pair
        node.running = True

    def becomes(self, **changed: Any) -> dict[str, Any]:
        """What it tells, once the last step made this."""
        keeper, now = self.side.keeper, self.node.clock.elapsed()
        heard = changed.pop("beat", None)
        beat = replace(self.beat, **heard) if heard is not None else None
        kept = replace(keeper.standing.kept, **{name: changed.pop(name) for name in ("term", "joined", "forced") if name in changed})
        said = {"at": now, "heard_at": now, "beat": beat, "lease_from_peer": now + 1.5, "counts_from": now, "kept": kept, **changed}
        keeper._standing = replace(keeper.standing, **said)
        return self.node.commands.pair()

    def leads(self, **changed: Any) -> dict[str, Any]:
        self.side.office.term = 9
        return self.becomes(**{"phase": "leader", "mode": "pair", "term": 9, "joined": True, "beat": {}, **changed})

    def stands_by(self, **changed: Any) -> dict[str, Any]:
        self.side.office.term = 0
        beat = {"phase": "leader", "in_sync": True}
        return self.becomes(**{"phase": "standby", "mode": "joining", "term": 9, "joined": True, "beat": beat, **changed})

    @property
    def beat(self) -> Beat:
        membership = self.side.membership
        return Beat(
            sender=membership.peer, boot=1, sent_at=1.0, term=9, phase="standby", end=End(term=9, position=4), healthy=True, joined=True,
            in_sync=False, yields=False, rules=self.side.keeper.standing.rules,
        )  # fmt: skip


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    with homes(tmp_path_factory.mktemp("two")) as made:
        made.pair()
        made.build("a")
        made.build("b")
        yield made


@pytest.fixture
def one(two: Homes) -> Iterator[One]:
    one = One(two.a)
    before = one.side.keeper.standing
    yield one
    one.side.keeper._standing, one.side.office.term, one.node.running = before, 0, False


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Node]:
    with homes(tmp_path) as made:
        yield made.build("a")


# What is told


def test_a_node_alone_says_that_it_is(alone: Node) -> None:
    told = alone.commands.pair()
    assert (told["paired"], told["role"], told["mode"], told["lease_length"]) == (False, "alone", "alone", 2.0)
    assert (told["peer"]["node"], told["witness"]["kind"], told["witness"]["wanted"]) == ("", "none", "none")
    assert told["me"]["node"] == alone.name


def test_a_node_that_does_not_run_says_so_whatever_its_lease(two: Homes) -> None:
    assert two.b.commands.pair()["reason"] == "not_running"


def test_a_leader_whose_peer_holds_everything(one: One) -> None:
    told = one.leads()
    assert (told["paired"], told["role"], told["mode"], told["reason"]) == (True, "leader", "pair", "leads")
    assert 1.0 < told["lease_seconds"] <= 1.5
    assert (told["peer"]["seen"], told["peer"]["in_sync"], told["peer"]["role"], told["peer"]["healthy"]) == (True, True, "standby", True)


def test_a_leader_whose_peer_catches_up(one: One) -> None:
    told = one.leads(mode="joining")
    assert (told["mode"], told["reason"], told["peer"]["in_sync"]) == ("joining", "peer_catches_up", False)


def test_a_leader_whose_peer_is_lost_says_since_when_and_calls_nothing_healthy(one: One) -> None:
    now = one.node.clock.elapsed()
    told = one.leads(mode="solo", heard_at=now - 90.0, lease_from_peer=now - 88.0)
    peer = told["peer"]
    assert (told["mode"], told["lease_seconds"]) == ("solo", 0.0)
    assert (peer["seen"], peer["in_sync"], peer["healthy"], peer["role"], peer["lag"]) == (False, False, False, "", 0)
    assert peer["seen_seconds"] == pytest.approx(90.0, abs=5.0)


def test_a_leader_that_has_no_lease_yet_has_no_time_left(one: One) -> None:
    assert one.leads(lease_from_peer=float("-inf"))["lease_seconds"] == 0.0


def test_a_leader_by_a_persons_word_says_so(one: One) -> None:
    assert one.leads(forced=True)["reason"] == "forced"


def test_a_standby_that_has_everything(one: One) -> None:
    told = one.stands_by()
    assert (told["role"], told["mode"], told["reason"], told["lease_seconds"]) == ("standby", "pair", "follows", 0.0)
    assert (told["peer"]["role"], told["peer"]["in_sync"]) == ("leader", True)


def test_a_standby_says_how_far_it_is_behind(one: One) -> None:
    position = one.node.store.position
    assert one.stands_by(beat={"phase": "leader", "end": End(term=9, position=position + 5)})["peer"]["lag"] == 5
    assert one.stands_by(beat={"phase": "leader", "end": End(term=9, position=0)})["peer"]["lag"] == 0


def test_a_standby_that_never_joined_is_joining_and_shows_its_progress(one: One) -> None:
    one.side.progress = {"step": "seeding", "done": 3, "total": 9}
    told = one.stands_by(joined=False)
    one.side.progress = None
    assert (told["mode"], told["progress"]) == ("joining", {"step": "seeding", "done": 3, "total": 9})


def test_a_standby_alone_with_its_person_says_for_whom_it_waits(one: One) -> None:
    assert one.stands_by(**LOST)["reason"] == "waits_for_person"


def test_a_peer_that_was_never_heard_is_not_seen(one: One) -> None:
    told = one.stands_by(beat=None, **LOST)
    assert (told["peer"]["seen"], told["peer"]["seen_seconds"], told["peer"]["lag"]) == (False, None, 0)
    assert told["reason"] == "peer_never_seen"


def test_the_witness_is_shown_as_it_answered_last(one: One) -> None:
    now = one.node.clock.elapsed()
    record = WitnessRecord(holder="kallio-7m9q", term=9, in_sync=True, number=3)
    told = one.leads(witness="tcp", record=record, witness_at=now, noted=True)["witness"]
    assert (told["kind"], told["seen"], told["holder"], told["term"], told["in_sync"]) == ("tcp", True, "kallio-7m9q", 9, True)


def test_why_there_is_no_witness_is_said(one: One) -> None:
    assert one.leads()["witness"]["why"] == "There is no witness: pair.witness says so."


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_reason_has_a_sentence(code: str) -> None:
    assert SENTENCES[code]


# What is refused


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(TandemError) as told:
        act()
    assert told.value.message
    return told.value.code


def test_a_node_alone_refuses_what_only_a_pair_can_do(alone: Node) -> None:
    commands = alone.commands
    for act in (lambda: commands.pair_leave(OWNER), lambda: commands.pair_handover(OWNER), lambda: commands.witness_key(OWNER)):
        assert refused(act) == "not_paired"
    assert refused(lambda: commands.pair_takeover(OWNER, sure=True)) == "not_paired"


def test_a_node_of_a_pair_refuses_to_pair_again(one: One) -> None:
    assert refused(lambda: one.node.commands.pair_start(OWNER)) == "paired"
    assert refused(lambda: one.node.commands.pair_join(OWNER, "1234 5678", "127.0.0.1:1")) == "paired"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (LOST, "peer_not_seen"),
        ({"beat": None}, "peer_not_seen"),
        ({"mode": "joining"}, "peer_behind"),
        ({"mode": "solo"}, "peer_behind"),
        ({"beat": {"healthy": False}}, "peer_sick"),
        ({"beat": {"yields": True}}, "peer_yields"),
    ],
    ids=["lost", "never heard", "joining", "solo", "sick", "has just yielded"],
)
def test_a_hand_over_is_refused_when_the_other_one_could_not_lead(one: One, changed: dict[str, Any], code: str) -> None:
    one.leads(**changed)
    assert refused(lambda: one.node.commands.pair_handover(OWNER)) == code
    assert one.side.keeper._heard.empty()


def test_a_hand_over_to_one_that_can_lead_is_asked_of_the_lease(one: One) -> None:
    one.leads()
    assert one.node.commands.pair_handover(OWNER) == {"asked": True}
    assert one.side.keeper._heard.get_nowait() == "handover"


def test_taking_over_needs_a_lost_peer_and_a_persons_word(one: One) -> None:
    commands = one.node.commands
    one.leads()
    assert refused(lambda: commands.pair_takeover(OWNER, sure=True)) == "leads_already"
    one.stands_by()
    assert refused(lambda: commands.pair_takeover(OWNER, sure=True)) == "peer_is_seen"
    one.stands_by(**LOST)
    assert refused(lambda: commands.pair_takeover(OWNER)) == "not_sure"
    assert one.side.keeper._heard.empty()
    assert commands.pair_takeover(OWNER, sure=True) == {"asked": True}
    assert one.side.keeper._heard.get_nowait() == "takeover"


@pytest.mark.parametrize("record", [None, WitnessRecord()], ids=["silent", "never written to"])
def test_taking_over_is_refused_where_the_witness_could_not_agree(one: One, record: WitnessRecord | None) -> None:
    one.stands_by(**LOST, witness="tcp", record=record)
    assert refused(lambda: one.node.commands.pair_takeover(OWNER, sure=True)) == "witness_silent"
    assert one.side.keeper._heard.empty()


def test_a_standby_may_not_leave(one: One) -> None:
    one.stands_by()
    assert refused(lambda: one.node.commands.pair_leave(OWNER)) == "standby_may_not_leave"


def test_the_key_for_the_witness_is_the_same_on_both(two: Homes) -> None:
    assert two.a.commands.witness_key(OWNER) == two.b.commands.witness_key(OWNER)


def test_a_line_to_one_that_does_not_lead_is_not_even_tried(one: One) -> None:
    one.leads()
    with pytest.raises(LineLost):
        one.side.dial("call")


@pytest.mark.parametrize(
    "command", ["pair_start", "pair_cancel", "pair_join", "pair_leave", "pair_handover", "pair_takeover", "witness_key"]
)
def test_an_agent_changes_nothing_of_the_pair(alone: Node, command: str) -> None:
    with pytest.raises(Refused, match="may not do this"):
        getattr(alone.commands, command)(Actor(name="x", role=Role.AGENT))


# The twin


def shape(told: Any) -> Any:
    """Its names, and of which kind what stands there is; a number that is not known yet is a number."""
    if isinstance(told, dict):
        return {name: shape(value) for name, value in told.items()}
    if isinstance(told, bool | str):
        return type(told).__name__
    if isinstance(told, tuple | list):
        return "several"
    return "number or nothing"


def assert_alike(real: dict[str, Any], twin: dict[str, Any]) -> None:
    for loose in ("progress", "pairing"):  # there or not
        real, twin = {**real, loose: bool(real[loose])}, {**twin, loose: bool(twin[loose])}
    assert shape(twin) == shape(real)


@pytest.fixture
def twin() -> PanelTwin:
    return PanelTwin(clock=FakeClock())


def test_the_twin_alone_tells_what_a_node_alone_tells(alone: Node, twin: PanelTwin) -> None:
    assert_alike(alone.commands.pair(), twin.pair())


def test_the_twin_that_leads_tells_what_a_leader_tells(one: One, twin: PanelTwin) -> None:
    twin.make_pair()
    assert_alike(one.leads(), twin.pair())


def test_the_twin_that_stands_by_tells_what_a_standby_tells(one: One, twin: PanelTwin) -> None:
    twin.make_pair(role="standby")
    assert_alike(one.stands_by(), twin.pair())


def test_the_twins_code_looks_like_a_nodes_code(alone: Node, twin: PanelTwin) -> None:
    assert shape(twin.pair_start(OWNER)) == shape(alone.commands.pair_start(OWNER))
    assert shape(twin.pair()["pairing"]) == shape(alone.commands.pair()["pairing"])
    alone.commands.pair_cancel(OWNER)


def test_the_twins_history_looks_like_a_nodes_history(alone: Node, twin: PanelTwin) -> None:
    alone.store.begin_term(alone.name)
    twin.make_pair()
    (real, *_), (told, *_) = alone.commands.pair()["history"], twin.pair()["history"]
    assert set(told) == set(real)
    assert real["kind"] in {row["kind"] for row in twin.pair()["history"]}


def test_the_twins_answers_look_like_a_nodes_answers(one: One, twin: PanelTwin) -> None:
    twin.make_pair()
    one.leads()
    assert twin.pair_handover(OWNER) == one.node.commands.pair_handover(OWNER)
    one.side.keeper._heard.get_nowait()


@pytest.mark.parametrize("name", sorted(name for name in vars(TwinPair) if name.startswith("pair") and hasattr(Commands, name)))
def test_the_twin_is_asked_as_a_node_is(name: str) -> None:
    def asked(method: Callable[..., Any]) -> list[tuple[str, Any]]:
        return [(each.name, each.default) for each in inspect.signature(method).parameters.values()]

    assert asked(getattr(TwinPair, name)) == asked(getattr(Commands, name))


def test_the_twin_refuses_by_the_codes_of_a_node(alone: Node, one: One, twin: PanelTwin) -> None:
    assert refused(lambda: twin.pair_leave(OWNER)) == refused(lambda: alone.commands.pair_leave(OWNER))
    twin.make_pair(role="standby")
    one.stands_by(**LOST)
    assert refused(lambda: twin.pair_leave(OWNER)) == refused(lambda: one.node.commands.pair_leave(OWNER))
    assert refused(lambda: twin.pair_takeover(OWNER)) == refused(lambda: one.node.commands.pair_takeover(OWNER))
    assert refused(lambda: twin.pair_start(OWNER)) == refused(lambda: one.node.commands.pair_start(OWNER))
