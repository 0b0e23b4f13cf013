"""A disk that is full, broken, slow or rotten, and a wall clock that jumps."""

import time

import pytest

from tests.live.pair import goals, trouble
from tests.live.pair.figures import Figures
from tests.live.pair.lab import Laboratory
from tests.live.pair.machine import Machine
from tests.support.home import wait_for

MAILS = 30
DISK_KIBIBYTES = 192 * 1024  # a seed needs room for a second copy, and sixteen MiB are always kept free


def handed_over(lab: Laboratory, figures: Figures, fault: str, old: Machine, at: float, most: float) -> Machine:
    """Measure from the fault until the other has sent a reply; the new leader."""
    new = lab.other(old)
    reply = lab.wait_for_reply_by(new, at, goals.PATIENCE * most)
    figures.add(f"{fault}: until the other's first reply", reply.at - at)
    assert reply.at - at <= most, f"{reply.at - at:.2f} s, and {most} s are promised\n{lab.told()}"
    return new


def test_a_leader_whose_disk_is_full_hands_over(lab: Laboratory, figures: Figures) -> None:
    for place in ("a", "b"):
        lab.small_disk(place, DISK_KIBIBYTES)
    old = lab.start_pair()
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = time.time()
    filler = trouble.fill(old.home)
    new = handed_over(lab, figures, "full disk", old, at, goals.SICK_DISK_SECONDS_MOST)
    flow.wait()
    filler.unlink()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)


def test_a_flush_that_fails_ends_the_leader_and_is_never_tried_again(lab: Laboratory, figures: Figures) -> None:
    troubles = [lab.trouble(machine) for machine in lab.make_pair()]
    old = lab.start_pair()
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = time.time()
    old.supervised = False
    troubles[lab.both.index(old)].broken_disk()
    new = handed_over(lab, figures, "EIO on fsync", old, at, goals.SICK_DISK_SECONDS_MOST)
    assert old.wait_for_end(10) != 0
    troubles[lab.both.index(old)].over()
    old.start()
    flow.wait()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)


def test_a_leader_whose_disk_has_become_slow_hands_over(lab: Laboratory, figures: Figures) -> None:
    troubles = [lab.trouble(machine) for machine in lab.make_pair()]
    old = lab.start_pair()
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = time.time()
    troubles[lab.both.index(old)].slow_disk(1.5)
    new = handed_over(lab, figures, "slow disk", old, at, goals.SLOW_DISK_SECONDS_MOST)
    troubles[lab.both.index(old)].over()
    flow.wait()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)


@pytest.mark.timeout(150)
def test_a_rotten_page_of_the_standby_is_found_and_the_node_is_seeded_anew(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    lab.post.write(MAILS // 2)
    lab.wait_until_ended(leader)
    lab.wait_in_step()
    other.kill()
    position = trouble.rot(other.home)
    at = time.time()
    other.start()
    wait_for(lambda: sound(other, position), goals.CORRUPTION_SECONDS_MOST + 30)
    assert lab.wait_in_step() is leader
    figures.add("corrupted page: until found, seeded anew and in step", took := time.time() - at)
    assert took <= goals.CORRUPTION_SECONDS_MOST
    lab.post.write(5)
    lab.assert_nothing_lost_or_doubled(leader)


def sound(machine: Machine, position: int) -> bool:
    """Its journal verifies up to there."""
    try:
        told = machine.ask("verify", 10.0)
    except (OSError, ValueError):
        return False
    return bool(told["ok"]) and int(machine.status().get("position", 0)) >= position


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_a_wall_clock_that_jumps_two_hours_has_no_effect_on_the_lease(lab: Laboratory, figures: Figures, seconds: int) -> None:
    troubles = [lab.trouble(machine) for machine in lab.make_pair()]
    leader = lab.start_pair()
    term = leader.status()["term"]
    flow = lab.post.flow(MAILS, per_second=4.0)
    goals.under_way(lab)
    troubles[lab.both.index(leader)].jump_clock(seconds)
    flow.wait()
    lab.assert_nothing_lost_or_doubled(leader)
    troubles[lab.both.index(lab.other(leader))].jump_clock(seconds)
    lab.post.write(5)
    lab.assert_nothing_lost_or_doubled(leader)
    figures.add("terms begun by a jump of the wall clock", leader.status()["term"] - term, "terms")
    assert leader.status()["term"] == term
