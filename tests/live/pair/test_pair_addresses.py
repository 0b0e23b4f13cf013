"""How the two find each other, and find each other again."""

import time

from tests.live.pair import goals
from tests.live.pair.figures import Figures
from tests.live.pair.lab import Laboratory


def test_two_machines_find_each_other_by_themselves(lab: Laboratory, figures: Figures) -> None:
    at = time.monotonic()
    leader = lab.start_pair("none", static_peer=False)
    figures.add("two machines started, found, paired and in step", time.monotonic() - at)
    assert lab.watch.counted(leader.place).mdns > 0
    lab.post.write(5)
    lab.assert_nothing_lost_or_doubled(leader)


def test_with_mdns_blocked_the_last_known_address_does(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair(static_peer=False)
    other = lab.other(leader)
    for machine in lab.both:
        lab.network.block_mdns(machine.place)
    other.kill()
    other.start()
    other.wait_until(lambda told: told["running"], 20, "up")
    at = time.time()
    assert lab.wait_in_step() is leader
    figures.add("mDNS blocked: back in step after its start", took := time.time() - at)
    assert took <= goals.MDNS_SECONDS_MOST
    lab.post.write(5)
    lab.assert_nothing_lost_or_doubled(leader)


def test_a_new_address_of_the_standby_is_found_within_seconds(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair(static_peer=False)
    moves(lab, figures, lab.other(leader).place, "of the standby")


def test_a_new_address_of_the_leader_is_found_within_seconds(lab: Laboratory, figures: Figures) -> None:
    moves(lab, figures, lab.start_pair(static_peer=False).place, "of the leader")


def moves(lab: Laboratory, figures: Figures, place: str, whose: str) -> None:
    new = f"10.77.0.{20 + int(lab.network.address(place).rsplit('.', 1)[1])}"
    lab.watch.allow(new)
    flow = lab.post.flow(20)
    at = time.time()
    lab.network.change_address(place, new)
    lab.wait_until(lambda: lab.leader() is not None and seen_at(lab, place, new), goals.PATIENCE * goals.ADDRESS_SECONDS_MOST, "found")
    leader = lab.wait_in_step()
    figures.add(f"new address {whose}: in step again", took := time.time() - at)
    assert took <= goals.ADDRESS_SECONDS_MOST
    flow.wait()
    lab.assert_nothing_lost_or_doubled(leader, held_most=1)


def seen_at(lab: Laboratory, place: str, address: str) -> bool:
    """The other machine has heard this one at its new address."""
    told = lab.other(lab.machines[place]).status().get("peer", {})
    return bool(told.get("seen")) and str(told.get("address", "")).startswith(address)


def test_two_machines_of_one_host_name_are_told_apart(lab: Laboratory) -> None:
    for machine in lab.make_pair(static_peer=False):
        machine.hostname = "mini"
    leader = lab.start_pair(static_peer=False)
    told = [machine.status() for machine in lab.both]
    assert told[0]["node"] != told[1]["node"]
    assert [told[0]["peer"]["node"], told[1]["peer"]["node"]] == [told[1]["node"], told[0]["node"]]
    lab.post.write(10)
    lab.assert_nothing_lost_or_doubled(leader)


def test_a_standby_that_slept_is_back_within_seconds_of_waking(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    other.pause()
    lab.post.write(10)
    lab.wait_for_replies(10, 30)
    leader.wait_until(lambda told: told["reason"] == "leads_solo", 20, "alone by the witness's word")
    at = time.time()
    other.resume()
    assert lab.wait_in_step() is leader
    figures.add("standby slept: in step again after waking", took := time.time() - at)
    assert took <= goals.WAKE_SECONDS_MOST
    lab.assert_nothing_lost_or_doubled(leader)
