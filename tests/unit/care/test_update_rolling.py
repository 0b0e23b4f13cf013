"""Both machines one after the other: in which order, what is tried, and what is taken back when something fails."""

import pytest
from msgspec.structs import replace

from appliance.care.update.facts import Facts
from appliance.care.update.rolling import Check, Look, Order, Outcome, Rolling
from appliance.ground.errors import Refused, TandemError
from tests.support.clock import FakeClock

OLD, NEW = "1.0", "2.0"


def facts(version: str, **other: int) -> Facts:
    return Facts(version=version, **{"proto": 1, "least_proto": 1, "journal": 1, "schema": 1, **other})


class World:
    """Two machines that behave as nodes do; what is wrong with the new version is said beforehand."""

    def __init__(self, leads: str = "here", alone: bool = False) -> None:
        self.clock = FakeClock()
        self.done: list[str] = []
        self.leads = leads
        self.alone = alone
        self.machines = [Twin(self, "here")] if alone else [Twin(self, "here"), Twin(self, "there")]
        self.new = facts(NEW)

    def roll(self, order: Order | None = None) -> Outcome:
        return Rolling(order or Order(NEW), tuple(self.machines), self.clock, lambda _: None).run()

    def versions(self) -> list[str]:
        return [machine.runs for machine in self.machines]

    def other(self, name: str) -> str:
        return "there" if name == "here" else "here"


class Twin:
    """A machine in memory. ``wrong``: what the new version does here that it should not."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.runs = OLD
        self.before = OLD
        self.trial = ""
        self.back_at = 0.0
        self.goes_back_at: float | None = None
        self.installed = {OLD: facts(OLD)}
        self.wrong = ""
        self.unwell_as = ""
        self.says: dict[str, object] = {}

    @property
    def role(self) -> str:
        return "alone" if self.world.alone else "leader" if self.world.leads == self.name else "standby"

    def _answers(self) -> None:
        now = self.world.clock.elapsed()
        if self.goes_back_at is not None and now >= self.goes_back_at:  # the launcher has given it up
            self.runs, self.trial, self.goes_back_at = self.before, "", None
        if now < self.back_at or (self.runs == NEW and self.wrong == "silent"):
            raise OSError("no such socket")

    def look(self) -> Look:
        self._answers()
        well = not (self.runs == NEW and self.wrong == "unproven") and self.runs != self.unwell_as
        told = Look(
            node=self.name, facts=self.installed[self.runs], role=self.role, ready=well, well=well, because=() if well else ("not_ready",),
            in_step=not self.world.alone, trial=self.trial,
            previous=facts(self.before) if self.before != self.runs and not self.trial else None,
        )  # fmt: skip
        return replace(told, **self.says)

    def install(self) -> Facts:
        self._answers()
        self.world.done.append(f"install {self.name}")
        if self.wrong == "full":
            raise Refused("no room")
        self.installed[NEW] = self.world.new
        return self.world.new

    def start_on_trial(self, version: str, seconds: float) -> None:
        self._answers()
        assert self.role != "leader", "a machine that leads was ended"
        assert version in self.installed
        self.world.done.append(f"start {self.name} {version}")
        self.before, self.trial, self.runs = self.runs, version, version
        self.back_at = self.world.clock.elapsed() + 3.0
        if version == NEW and self.wrong in ("dead", "silent"):
            self.goes_back_at = self.world.clock.elapsed() + (20.0 if self.wrong == "dead" else seconds)
            self.back_at = self.goes_back_at if self.wrong == "dead" else self.back_at

    def smoke(self, version: str, leading: bool) -> tuple[Check, ...]:
        self._answers()
        self.world.done.append(f"smoke {self.name} {'leading' if leading else 'standing by'}")
        bad = self.runs == NEW and (self.wrong == "smoke" or (self.wrong == "lame" and leading))
        return (Check(name="version", ok=self.runs == version), Check(name="loops", ok=not bad, said="deliver" if bad else ""))

    def confirm(self, version: str) -> None:
        self._answers()
        assert self.trial == version == self.runs
        self.world.done.append(f"confirm {self.name}")
        self.trial = ""

    def go_back(self, reason: str) -> None:
        self._answers()
        assert reason
        assert self.trial
        assert self.role != "leader", "a machine that leads was ended"
        self.world.done.append(f"back {self.name}")
        self.runs, self.trial = self.before, ""
        self.back_at = self.world.clock.elapsed() + 3.0

    def hand_over(self) -> None:
        self._answers()
        other = next(machine for machine in self.world.machines if machine.name != self.world.leads)
        if other.wrong == "never leads" and other.runs == NEW:
            raise Refused("The other machine is not well itself.")
        self.world.done.append(f"hand over from {self.world.leads}")
        self.world.leads = other.name


def in_order(done: list[str]) -> list[str]:
    """Without what was only repeated."""
    return [step for place, step in enumerate(done) if place == 0 or done[place - 1] != step]


@pytest.mark.parametrize("leads", ["here", "there"])
def test_the_one_that_stands_by_is_first_and_the_other_only_once_it_stands_by_too(leads: str) -> None:
    world = World(leads)
    standby = world.other(leads)
    outcome = world.roll()
    assert outcome.ok
    assert outcome.updated == (standby, leads)
    assert world.versions() == [NEW, NEW]
    assert in_order(world.done) == [
        "install here", "install there",
        f"start {standby} {NEW}", f"smoke {standby} standing by", f"hand over from {leads}", f"smoke {standby} leading",
        f"confirm {standby}",
        f"start {leads} {NEW}", f"smoke {leads} standing by", f"confirm {leads}",
    ]  # fmt: skip


def test_a_new_leader_must_be_well_for_five_seconds_without_a_break() -> None:
    world = World()
    began: list[float] = []
    there, smoke = world.machines[1], world.machines[1].smoke

    def noted(version: str, leading: bool) -> tuple[Check, ...]:
        checks = smoke(version, leading)
        if leading:
            began.append(world.clock.elapsed())
            if len(began) == 10:  # a stumble in between
                return (Check(name="loops", ok=False),)
        return checks

    there.smoke = noted  # type: ignore[method-assign]
    assert world.roll().ok
    assert began[-1] - began[10] >= 5.0


@pytest.mark.parametrize("wrong", ["dead", "silent", "unproven", "smoke"])
def test_what_fails_on_the_standby_is_taken_back_there_and_the_leader_is_never_touched(wrong: str) -> None:
    world = World("here")
    world.machines[1].wrong = wrong
    outcome = world.roll()
    assert not outcome.ok
    assert (outcome.updated, outcome.taken_back) == ((), ("there",))
    assert world.versions() == [OLD, OLD]
    assert world.leads == "here"
    assert not [step for step in world.done if step.startswith(("hand over", "start here"))]


@pytest.mark.parametrize("wrong", ["lame", "never leads"])
def test_one_that_stands_by_well_and_cannot_lead_gives_the_lead_back_before_it_goes_back(wrong: str) -> None:
    world = World("here")
    world.machines[1].wrong = wrong
    outcome = world.roll()
    assert outcome.reason.startswith("there: ")
    assert world.versions() == [OLD, OLD]
    assert world.leads == "here"
    handed = [step for step in world.done if step.startswith("hand over")]
    assert handed == (["hand over from here", "hand over from there"] if wrong == "lame" else [])


@pytest.mark.parametrize("wrong", ["dead", "silent", "unproven", "smoke"])
def test_when_the_second_machine_fails_it_alone_goes_back_and_both_versions_go_on_together(wrong: str) -> None:
    world = World("here")
    world.machines[0].wrong = wrong
    outcome = world.roll()
    assert (outcome.updated, outcome.taken_back) == (("there",), ("here",))
    assert world.versions() == [OLD, NEW]
    assert world.leads == "there"


def test_an_installation_that_fails_on_either_machine_begins_nothing() -> None:
    world = World()
    world.machines[1].wrong = "full"
    with pytest.raises(Refused, match="no room"):
        world.roll()
    assert not [step for step in world.done if not step.startswith("install")]


def test_going_back_is_the_same_way_with_what_lies_there() -> None:
    world = World("here")
    assert world.roll().ok
    world.done.clear()
    outcome = world.roll(Order())
    assert outcome.ok
    assert world.versions() == [OLD, OLD]
    assert outcome.updated == ("here", "there")  # the lead had moved
    assert not [step for step in world.done if step.startswith("install")]


def test_what_runs_on_both_already_is_refused() -> None:
    world = World()
    assert world.roll().ok
    with pytest.raises(Refused, match="runs already"):
        world.roll()


@pytest.mark.parametrize("leads", ["here", "there"])
@pytest.mark.parametrize("order", [Order(NEW), Order()], ids=["forward", "back"])
def test_an_update_that_ended_half_way_is_ended_either_way_on_the_one_machine_that_differs(leads: str, order: Order) -> None:
    world = World("here")
    world.machines[0].wrong = "smoke"
    assert not world.roll().ok
    assert world.versions() == [OLD, NEW]
    world.leads, world.machines[0].wrong = leads, ""
    world.done.clear()
    outcome = world.roll(order)
    assert outcome.ok
    changed = "here" if order.version else "there"
    assert world.versions() == [order.version or OLD] * 2
    assert outcome.updated == (changed,)
    assert not [step for step in world.done if step.startswith("start") and changed not in step]


@pytest.mark.parametrize(
    ("says", "match"),
    [
        ({"hindrance": "It holds one version only."}, "one version"),
        ({"busy": True}, "being updated already"),
        ({"trial": "1.5"}, "being updated already"),
        ({"well": False, "because": ("disk_full",)}, "disk_full"),
        ({"in_step": False}, "do not hold the same"),
        ({"facts": facts("3.0")}, "is not newer"),
    ],
)
def test_what_does_not_hold_beforehand_begins_nothing(says: dict[str, object], match: str) -> None:
    for place in (0, 1):
        world = World()
        world.machines[place].says = says
        with pytest.raises(Refused, match=match):
            world.roll()
        assert not world.done


@pytest.mark.parametrize(
    ("change", "begins"),
    [({"least_proto": 2, "proto": 2}, False), ({"proto": 2}, True), ({"schema": 2}, True), ({"schema": 0}, False), ({"journal": 2}, True)],
)
def test_a_version_that_could_not_work_beside_the_old_one_is_never_started(change: dict[str, int], begins: bool) -> None:
    world = World()
    world.new = facts(NEW, **change)
    if begins:
        assert world.roll().ok
        return
    with pytest.raises(Refused):
        world.roll()
    assert not [step for step in world.done if step.startswith("start")]


def test_a_machine_that_is_not_well_gets_the_version_that_mends_it_when_told_so() -> None:
    world = World()
    for machine in world.machines:
        machine.unwell_as = OLD
    with pytest.raises(Refused, match="though-unwell"):
        world.roll()
    assert world.roll(Order(NEW, though_unwell=True)).ok


def test_one_machine_alone_is_updated_and_taken_back_without_a_hand_over() -> None:
    world = World(alone=True)
    assert world.roll().ok
    assert world.versions() == [NEW]
    for wrong in ("dead", "silent", "unproven", "smoke"):
        world = World(alone=True)
        world.machines[0].wrong = wrong
        outcome = world.roll()
        assert outcome.taken_back == ("here",)
        assert world.versions() == [OLD]


def test_one_machine_alone_takes_a_changed_database_only_when_told_that_there_is_no_way_back() -> None:
    world = World(alone=True)
    world.new = facts(NEW, schema=2)
    with pytest.raises(Refused, match="no-way-back"):
        world.roll()
    assert world.roll(Order(NEW, no_way_back=True)).ok


def test_one_of_a_pair_is_never_updated_as_if_it_were_alone() -> None:
    world = World()
    del world.machines[1]
    with pytest.raises(Refused, match="other machine does not answer"):
        world.roll()


def test_a_machine_that_does_not_come_back_at_all_is_said_to_be_away() -> None:
    world = World("here")
    there = world.machines[1]
    there.wrong = "silent"

    def lost() -> None:
        raise TandemError("gone")

    def start(_version: str, _seconds: float) -> None:
        there._answers = lost  # type: ignore[method-assign]

    there.start_on_trial = start  # type: ignore[method-assign]
    outcome = world.roll()
    assert "it is not back as 1.0" in outcome.reason
    assert outcome.taken_back == ()
