"""They cannot hear each other, or only one hears the other: whatever is cut, never two senders."""

import threading
import time

import pytest

from tests.live.pair import goals
from tests.live.pair.figures import Figures
from tests.live.pair.lab import Laboratory, Witness

MAILS = 30
LEASES_SECONDS = 6.0  # two leases: whoever takes over has done so by then


def look_for(seconds: float) -> None:
    """Let the pair run for a named time while the senders are watched."""
    threading.Event().wait(seconds)


def test_a_leader_parted_from_peer_and_witness_is_replaced_and_never_sends_beside_the_new_one(lab: Laboratory, figures: Figures) -> None:
    old = lab.start_pair()
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = time.time()
    lab.network.partition((old.place,), (lab.other(old).place, "w"))
    new = goals.takeover(lab, figures, "partition of the leader", old, at)
    assert not old.status()["may_send"]
    lab.network.heal()
    flow.wait()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)
    goals.assert_one_sender_after(lab, old, new)


@pytest.mark.parametrize("witness", ["tcp", "mailbox"])
def test_two_nodes_parted_from_each_other_alone_have_one_sender(lab: Laboratory, witness: Witness) -> None:
    leader = lab.start_pair(witness)
    other = lab.other(leader)
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    lab.network.partition((leader.place,), (other.place,))
    flow.wait()
    look_for(LEASES_SECONDS)
    told = [machine.status() for machine in (leader, other)]
    assert sorted(each["may_send"] for each in told) == [False, True], told
    lab.network.heal()
    lab.assert_nothing_lost_or_doubled(lab.wait_in_step(), held_most=1)


def deafened(lab: Laboratory, whom: str, *, also_to_the_witness: bool) -> list[bool]:
    """Let the leader or the standby hear nobody, for two leases; which of the two might send at the end of that. Then all is well again."""
    leader = lab.wait_in_step()
    other = lab.other(leader)
    ears, mouth = (other, leader) if whom == "standby" else (leader, other)
    flow = lab.post.flow(MAILS // 2)
    for source in (mouth.place, "w") if also_to_the_witness else (mouth.place,):
        lab.network.cut(source, ears.place)
    flow.wait()
    look_for(LEASES_SECONDS)
    may_send = [bool(machine.status().get("may_send")) for machine in (leader, other)]
    lab.network.heal()
    return may_send


def test_a_one_way_cut_never_makes_two_senders(lab: Laboratory) -> None:
    lab.start_pair()
    for whom in ("standby", "leader"):
        assert sum(deafened(lab, whom, also_to_the_witness=False)) == 1, f"deaf {whom}\n{lab.told()}"
    lab.assert_nothing_lost_or_doubled(lab.wait_in_step(), held_most=2)


def test_a_node_that_is_heard_and_hears_neither_peer_nor_witness_never_makes_two_senders(lab: Laboratory) -> None:
    """A deaf leader sends nothing more and is still heard; whether the other may lead then is not promised, but not both."""
    lab.start_pair()
    assert deafened(lab, "standby", also_to_the_witness=True) in ([True, False], [False, True]), lab.told()
    assert sum(deafened(lab, "leader", also_to_the_witness=True)) <= 1, lab.told()
    lab.assert_nothing_lost_or_doubled(lab.wait_in_step(), held_most=2)


def test_with_the_witness_frozen_sending_goes_on_and_failover_is_off(lab: Laboratory) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    lab.witness.freeze()
    lab.post.write(MAILS // 2)
    lab.wait_for_replies(MAILS // 2, 30)
    leader.wait_until(lambda told: told["reason"] == "witness_lost" and told["may_send"], 60, "leading without its witness")
    leader.kill()
    look_for(LEASES_SECONDS)
    assert not other.status()["may_send"]
    assert other.status()["reason"] in ("peer_and_witness_lost", "not_in_sync")
    lab.witness.thaw()
    lab.post.write(1)
    lab.wait_for_reply_by(other, 0.0, 20)
    lab.assert_nothing_lost_or_doubled(other, held_most=1)


def test_without_a_witness_the_leader_goes_on_alone_and_the_standby_waits_for_a_person(lab: Laboratory) -> None:
    leader = lab.start_pair("none")
    other = lab.other(leader)
    lab.network.partition((leader.place,), (other.place,))
    lab.post.write(MAILS // 2)
    lab.wait_for_replies(MAILS // 2, 30)
    look_for(LEASES_SECONDS)
    assert (other.status()["may_send"], other.status()["reason"]) == (False, "waits_for_person")
    assert leader.status()["reason"] == "leads_unwitnessed"
    lab.network.heal()
    assert lab.wait_in_step() is leader
    lab.assert_nothing_lost_or_doubled(leader)


def test_a_third_of_all_packets_lost_is_no_reason_to_take_over(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair()
    term = leader.status()["term"]
    for machine in lab.both:
        lab.network.loss(machine.place, 30)
    lab.post.write(MAILS, per_second=1.5)
    counts = lab.wait_until_ended(leader, 40)
    figures.add("terms begun in 20 s of 30 % loss", leader.status()["term"] - term, "terms")
    assert (leader.status()["term"], leader.status()["role"]) == (term, "leader"), lab.told()
    lab.network.heal()
    assert lab.wait_in_step() is leader
    lab.assert_nothing_lost_or_doubled(leader)
    assert counts["replied"] == MAILS
