"""The leader is gone, one way or another: the other goes on within seconds, and no customer notices."""

import json
import threading
import time

import pytest

from tests.live.pair import goals
from tests.live.pair.figures import Figures
from tests.live.pair.lab import Laboratory, Witness
from tests.live.pair.machine import OWNER
from tests.live.pair.pairing import pair_by_command_line

MAILS = 30
HANDOVERS_APART_SECONDS = 3.0  # who has just handed over does not stand again at once


@pytest.mark.parametrize("witness", ["tcp", "mailbox"])
def test_a_leader_killed_under_load_is_replaced_within_the_goal_and_comes_back_as_standby(
    lab: Laboratory, figures: Figures, witness: Witness
) -> None:
    old = lab.start_pair(witness)
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = old.kill()
    new = goals.takeover(lab, figures, "kill -9", old, at, witness)
    old.start()
    flow.wait()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)


@pytest.mark.parametrize("witness", ["tcp", "mailbox"])
def test_a_leader_that_stood_still_is_replaced_and_sends_nothing_when_it_wakes(lab: Laboratory, figures: Figures, witness: Witness) -> None:
    old = lab.start_pair(witness)
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = old.pause()
    new = goals.takeover(lab, figures, "SIGSTOP", old, at, witness)
    old.resume()
    flow.wait()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)
    goals.assert_one_sender_after(lab, old, new)


@pytest.mark.parametrize("witness", ["tcp", "mailbox"])
def test_a_leader_whose_cable_is_out_is_replaced_and_stands_by_when_it_is_in_again(
    lab: Laboratory, figures: Figures, witness: Witness
) -> None:
    old = lab.start_pair(witness)
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = time.time()
    lab.network.cable(old.place, up=False)
    new = goals.takeover(lab, figures, "cable out", old, at, witness)
    assert not old.status()["may_send"]
    lab.network.cable(old.place, up=True)
    flow.wait()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new, held_most=1)
    goals.assert_one_sender_after(lab, old, new)


def test_a_planned_handover_under_load_loses_doubles_and_holds_nothing(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair()
    flow = lab.post.flow(2 * MAILS)
    goals.under_way(lab)
    for turn in range(3):
        threading.Event().wait(HANDOVERS_APART_SECONDS if turn else 0.0)
        at, new = time.time(), lab.other(leader)
        leader.ask("pair_handover", 10, actor=OWNER)
        new.wait_until(lambda told: told["role"] == "leader" and told["may_send"], 10, "leader")
        figures.add("planned handover", took := time.time() - at)
        assert took <= goals.HANDOVER_SECONDS_MOST, lab.told()
        leader = lab.wait_in_step()
        assert leader is new
    flow.wait()
    lab.assert_nothing_lost_or_doubled(leader)


def test_a_leader_that_is_stopped_in_order_hands_over_first(lab: Laboratory, figures: Figures) -> None:
    old = lab.start_pair()
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    at = time.time()
    assert old.stop() == 0
    new = goals.takeover(lab, figures, "SIGTERM", old, at)
    flow.wait()
    old.start()
    assert lab.wait_in_step() is new
    lab.assert_nothing_lost_or_doubled(new)


def test_after_both_lost_power_nothing_is_lost_and_nobody_leads_before_both_are_seen(lab: Laboratory, figures: Figures) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    flow = lab.post.flow(MAILS)
    goals.under_way(lab)
    leader.kill()
    other.kill()
    flow.wait()
    leader.start()
    leader.wait_until(lambda told: told["running"], 20, "up")
    end = time.monotonic() + 6.0  # two leases: who would take over wrongly has done it by then
    while time.monotonic() < end:
        assert not leader.status().get("may_send"), leader.status()
    at = time.time()
    other.start()
    now_leads = lab.wait_in_step()
    figures.add("both killed, the second one started: until in step", time.time() - at)
    lab.assert_nothing_lost_or_doubled(now_leads, held_most=2)


def test_two_machines_are_paired_by_the_command_line(lab: Laboratory, figures: Figures) -> None:
    first, second = lab.make_pair("none")
    for machine in (first, second):
        machine.start()
        machine.wait_until(lambda told: told["ready"], 30, "ready")
    at = time.monotonic()
    assert pair_by_command_line(first, second) is first
    figures.add("pairing by the command line", time.monotonic() - at)
    first.wait_until_it_reads_mail()
    assert json.loads(second.tandem("pair", "status", "--json"))["peer"]["in_sync"]
    lab.post.write(5)
    lab.assert_nothing_lost_or_doubled(first)
