"""The table of what a node may do alone, row by row, in a world without other faults."""

import pytest

from appliance.pair.messages import WitnessKind
from appliance.pair.permission import Leave, leave
from tests.pair.machine import Machine
from tests.pair.world import World

SETTLED = 2.0
LONG = 20.0


def pair(kind: WitnessKind, seed: int = 5) -> tuple[World, Machine, Machine]:
    """A settled pair: the world, who leads, and who stands by."""
    world = World(seed, kind=kind, joined=True)
    world.run(SETTLED)
    leader = next(machine for machine in world.machines if machine.sends() == "everything")
    return world, leader, leader.peer


def may(machine: Machine) -> Leave:
    return leave(machine.standing, machine.clock())


def lose_each_other(world: World, *also: str) -> None:
    for line in ("ab", "ba", *also):
        world.network.cut(line[0], line[1], 1000.0)


@pytest.mark.parametrize("kind", ["tcp", "mailbox", "none"])
def test_with_peer_and_witness_the_leader_does_everything_and_the_standby_nothing(kind: WitnessKind) -> None:
    _, leader, standby = pair(kind)
    assert may(leader) == Leave(loops="yes", sends="everything", reason="leads")
    assert may(standby) == Leave(loops="no", sends="nothing", reason="follows")


def test_a_leader_that_lost_its_peer_goes_on_alone_and_the_witness_knows_it() -> None:
    world, leader, standby = pair("tcp")
    standby.crash()
    world.run(SETTLED + LONG)
    assert may(leader) == Leave(loops="yes", sends="everything", reason="leads_solo")
    assert (world.witness.record.holder, world.witness.record.in_sync) == (leader.name, False)


def test_a_leader_that_lost_the_witness_goes_on_with_its_peers_word() -> None:
    world, leader, standby = pair("tcp")
    world.witness.freeze(1000.0)
    world.run(SETTLED + 2 * LONG)
    assert may(leader) == Leave(loops="yes", sends="everything", reason="witness_lost")
    leader.crash()
    world.run(SETTLED + 3 * LONG)
    assert may(standby).sends == "nothing", "nobody takes over while the witness is lost"


def test_a_leader_that_lost_both_works_provisionally_and_sends_nothing() -> None:
    world, leader, _ = pair("tcp")
    lose_each_other(world, "aw", "bw")
    world.run(SETTLED + LONG)
    assert may(leader) == Leave(loops="provisional", sends="nothing", reason="lease_ended")


def test_without_a_witness_the_leader_goes_on_and_the_standby_waits_for_a_person() -> None:
    world, leader, standby = pair("none")
    lose_each_other(world)
    world.run(SETTLED + LONG)
    assert may(leader) == Leave(loops="yes", sends="everything", reason="leads_unwitnessed")
    assert may(standby) == Leave(loops="no", sends="nothing", reason="waits_for_person")


def test_without_a_witness_a_person_lets_the_standby_take_over_but_claimed_messages_wait() -> None:
    world, leader, standby = pair("none")
    leader.crash()
    world.run(SETTLED + 5)
    standby.ask("takeover")
    world.run(SETTLED + 8)
    assert may(standby) == Leave(loops="yes", sends="unclaimed", reason="forced")
    leader.boot()
    world.run(SETTLED + 14)
    assert may(standby).sends == "everything", "once the other is back and in step, nothing is held for its sake"


@pytest.mark.parametrize("kind", ["tcp", "none"])
def test_a_node_that_starts_alone_waits_even_when_the_witness_would_let_it(kind: WitnessKind) -> None:
    world, leader, standby = pair(kind)
    leader.crash()
    standby.crash()
    world.run(SETTLED + 1)
    standby.boot()
    world.run(SETTLED + LONG)
    assert may(standby) == Leave(loops="no", sends="nothing", reason="peer_never_seen")


def test_a_person_lets_a_node_that_starts_alone_lead_and_nothing_is_lost_when_it_was_in_step() -> None:
    world, leader, standby = pair("tcp")
    leader.crash()
    standby.crash()
    world.run(SETTLED + 1)
    standby.boot()
    world.run(SETTLED + 6)
    standby.ask("takeover")
    world.run(SETTLED + 12)
    assert may(standby) == Leave(loops="yes", sends="everything", reason="leads_solo")


def test_a_person_can_make_a_standby_lead_that_lacks_entries_and_what_was_left_behind_is_kept() -> None:
    world, leader, standby = pair("tcp")
    lose_each_other(world)
    world.run(SETTLED + 5)
    leader.crash()
    world.run(SETTLED + 10)
    assert may(standby).reason == "not_in_sync"
    standby.ask("takeover")
    world.run(SETTLED + 20)
    assert may(standby) == Leave(loops="yes", sends="unclaimed", reason="forced")
    world.network.cuts.clear()
    leader.boot()
    world.run(SETTLED + 26)
    assert world.laws.left_behind <= leader.diverged
    assert world.laws.left_behind


def test_a_wrong_word_of_a_person_makes_no_second_sender_while_the_witness_answers() -> None:
    world, leader, standby = pair("tcp")
    lose_each_other(world)
    world.run(SETTLED + 5)
    standby.ask("takeover")
    world.run(SETTLED + LONG)
    assert [may(leader).sends, may(standby).sends] == ["nothing", "unclaimed"]
