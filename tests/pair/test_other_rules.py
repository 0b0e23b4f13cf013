"""Two nodes with different settings for the witness or the lease: nobody takes over from the other before they are alike."""

import pytest

from appliance.pair.messages import WitnessKind
from appliance.pair.permission import Leave
from tests.pair import variants
from tests.pair.faults import OTHER_RULES, cable_out
from tests.pair.laws import LawBroken
from tests.pair.machine import Machine
from tests.pair.rules import Rules
from tests.pair.test_lone_node import SETTLED, lose_each_other, may
from tests.pair.world import World, live

WORLDS = 1500
LEASE, LONG_LEASE, SHORT_LEASE = 3.0, 8.0, 2.0
SECONDS = 6.0


def test_no_world_in_which_the_settings_differ_for_a_while_breaks_a_law() -> None:
    for seed in range(WORLDS):
        live(seed, faults=OTHER_RULES)


def pair(kind: WitnessKind, rules: Rules | None = None) -> tuple[World, Machine, Machine]:
    world = World(5, rules, kind=kind, joined=True, drift=0.0)
    world.run(SETTLED)
    return world, *leader_and_standby(world)


def leader_and_standby(world: World) -> tuple[Machine, Machine]:
    leader = next(machine for machine in world.machines if machine.runs and machine.sends() == "everything")
    return leader, leader.peer


def both_set_up(world: World, kind: WitnessKind, lease_seconds: float = LEASE) -> tuple[Machine, Machine]:
    for machine in world.machines:
        machine.set_up(kind, lease_seconds)
    world.run(world.now + SECONDS)
    return leader_and_standby(world)


def a_standby_with_a_witness_loses_a_leader_without(rules: Rules) -> tuple[Machine, Machine]:
    """The witness still says of earlier that both hold everything."""
    world, *_ = pair("tcp", rules)
    leader, standby = both_set_up(world, "none")
    standby.set_up("tcp", LEASE)
    world.run(world.now + SECONDS)
    lose_each_other(world)
    world.run(world.now + 4 * LEASE)
    return leader, standby


def test_a_standby_with_a_witness_does_not_take_over_from_a_leader_that_leads_without_one() -> None:
    leader, standby = a_standby_with_a_witness_loses_a_leader_without(Rules())
    assert may(leader) == Leave(loops="yes", sends="everything", reason="leads_unwitnessed")
    assert may(standby) == Leave(loops="no", sends="nothing", reason="rules_differ")


def test_a_node_that_ignores_other_settings_makes_two_senders() -> None:
    with pytest.raises(LawBroken, match="both may send"):
        a_standby_with_a_witness_loses_a_leader_without(variants.IgnoresOtherRules())


def test_a_leader_with_a_witness_goes_on_by_its_note_beside_a_standby_without_one() -> None:
    world, leader, standby = pair("tcp")
    standby.set_up("none", LEASE)
    world.run(world.now + SECONDS)
    assert may(leader).sends == "everything"
    assert (world.witness.record.holder, world.witness.record.in_sync) == (leader.name, False)
    assert may(standby).reason == "rules_differ"
    leader.crash()
    world.run(world.now + SECONDS)
    assert may(standby).reason == "waits_for_person"
    standby.ask("takeover")
    world.run(world.now + SECONDS)
    assert may(standby).sends == "unclaimed", "a person may still say that the other is switched off"


def test_two_standbys_with_different_settings_wait_and_one_leads_once_they_are_alike() -> None:
    world, leader, standby = pair("tcp")
    leader.crash()
    standby.crash()
    standby.set_up("tcp", LONG_LEASE)
    leader.boot()
    standby.boot()
    world.run(world.now + 4 * LONG_LEASE)
    assert [may(each) for each in world.machines] == [Leave(loops="no", sends="nothing", reason="rules_differ")] * 2
    leader.set_up("tcp", LONG_LEASE)
    world.run(world.now + 4.0)
    assert world.laws.settled()


def a_shortened_lease_and_a_wrong_word(rules: Rules) -> float:
    """The leader loses everything; the standby has promised it a long lease, gets a short one, and somebody presses at once.

    Returns after how many seconds the standby may send.
    """
    world, *_ = pair("tcp", rules)
    leader, standby = both_set_up(world, "tcp", LONG_LEASE)
    began = world.now
    cable_out(world, leader, 60.0)
    standby.set_up("tcp", SHORT_LEASE)
    world.run(world.now + 0.6)
    standby.ask("takeover")
    while standby.sends() == "nothing" and world.now < began + 30:
        world.run(world.now + 0.01)
    return world.now - began


def test_a_promise_runs_by_the_lease_by_which_it_was_given() -> None:
    assert LONG_LEASE < a_shortened_lease_and_a_wrong_word(Rules()) < 30


def test_a_node_that_forgets_a_longer_promise_makes_two_senders() -> None:
    with pytest.raises(LawBroken, match="both may send"):
        a_shortened_lease_and_a_wrong_word(variants.ForgetsALongerPromise())


def back_to_an_old_witness(rules: Rules) -> Machine:
    """The pair worked without a witness, the leader alone at last, and comes back to the one it had; who stood by hears the other, which
    does not hear it."""
    world, *_ = pair("tcp", rules)
    leader, standby = both_set_up(world, "none")
    lose_each_other(world)
    world.run(world.now + SECONDS)
    leader.set_up("tcp", LEASE)
    standby.set_up("tcp", LEASE)
    del world.network.cuts[leader.name, standby.name]
    world.run(world.now + 4 * LEASE)
    return standby


def test_a_witness_that_was_not_asked_for_a_while_makes_nobody_leader_by_what_it_knew_before() -> None:
    standby = back_to_an_old_witness(Rules())
    assert standby.standing.beat is not None
    assert may(standby).reason in ("no_leader_yet", "not_in_sync")


def test_a_node_that_believes_what_a_witness_knew_before_leads_without_what_was_acknowledged_since() -> None:
    with pytest.raises(LawBroken, match="without acknowledged"):
        back_to_an_old_witness(variants.BelievesAnOldRecord())
