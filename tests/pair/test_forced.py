"""A person makes a node lead: what may be left to a person afterwards, and what never happens."""

import pytest

from tests.pair import variants
from tests.pair.faults import FORCED, take_over_unanswered
from tests.pair.laws import LawBroken
from tests.pair.machine import Machine
from tests.pair.rules import Rules
from tests.pair.test_lone_node import lose_each_other, may, pair
from tests.pair.world import World, live

WORLDS = 1500
LEASE = 3.0

READ_WITHOUT_THE_LEASE = [1028215, 1077756]
"""A leader read a message in the moment in which its lease was not confirmed, and answered it once it was; the node that a person made
leader then saw no claim on it, and answered it too."""


@pytest.mark.parametrize("seed", READ_WITHOUT_THE_LEASE)
def test_a_message_that_was_read_without_the_lease_is_claimed_before_it_is_answered(seed: int) -> None:
    live(seed)
    with pytest.raises(LawBroken, match="was answered and carries no claim"):
        live(seed, variants.AnswersWithoutAClaim())


def test_no_world_in_which_a_person_presses_breaks_a_law() -> None:
    for seed in range(WORLDS):
        live(seed, faults=FORCED)


def works_alone() -> tuple[World, Machine, Machine]:
    """The leader answered alone and is down now; a person has told the standby so, and its forced lead waits for the lease to end."""
    world, leader, standby = pair("tcp")
    lose_each_other(world)
    world.run(world.now + 5)
    leader.crash()
    standby.ask("takeover")
    world.run(world.now + 1)
    assert standby.standing.phase == "stands"
    return world, leader, standby


def test_a_node_that_is_back_before_the_persons_word_comes_into_force_leads_and_nothing_is_left_behind() -> None:
    world, leader, standby = works_alone()
    world.network.cuts.clear()
    leader.boot()
    world.run(world.now + 5)
    assert (may(leader).sends, may(standby).reason) == ("everything", "follows")
    assert not world.laws.left_behind
    assert not standby.standing.kept.forced, "in step again, it is a standby like any other"


def test_a_persons_word_comes_into_force_when_the_other_stays_silent_and_claimed_messages_wait() -> None:
    world, leader, standby = works_alone()
    world.run(world.now + 5)
    assert may(standby).sends == "unclaimed"
    world.network.cuts.clear()
    leader.boot()
    world.run(world.now + 5)
    assert may(standby).sends == "everything"
    assert world.laws.left_behind <= leader.diverged
    assert world.laws.left_behind


def waited_seconds(seed: int, rules: Rules) -> float:
    """How long a node waits that a person made leader, from when the witness gave it the term in an answer that was lost."""
    world = World(seed, rules, kind="tcp", joined=True)
    world.run(2.5)
    leader = next(machine for machine in world.machines if machine.sends() == "everything")
    take_over_unanswered(world, leader.peer, 20.0)
    while world.witness.record.holder == leader.name and world.now < 15:
        world.run(world.now + 0.01)
    given_at = world.now
    while leader.peer.sends() == "nothing" and world.now < given_at + 15:
        world.run(world.now + 0.01)
    return world.now - given_at


def test_a_lost_answer_of_the_witness_does_not_shorten_the_wait_for_the_others_lease() -> None:
    for seed in range(10):
        assert waited_seconds(seed, Rules()) >= LEASE


def test_without_that_wait_both_may_send() -> None:
    with pytest.raises(LawBroken, match="both may send"):
        waited_seconds(1, variants.TakesAgainWithoutWaiting())
