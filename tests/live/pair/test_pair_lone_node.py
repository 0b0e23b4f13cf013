"""What a node does that stands alone, row by row, as it is seen from outside: the reason, the mailbox, and what leaves."""

import contextlib
import threading
from typing import Any

from tests.live.pair.lab import Laboratory
from tests.live.pair.machine import OWNER, Machine
from tests.live.pair.mail import USER

CLAIM = "$tandem"
WITH_A_PERSON = ("review", "routed")
LEASES_SECONDS = 6.0  # two leases: whoever takes over has done so by then
TOLD_SECONDS = 20.0


def look_for(seconds: float) -> None:
    """Let everything run for a named time."""
    threading.Event().wait(seconds)


def reason_is(machine: Machine, reason: str, *, may_send: bool, seconds: float = TOLD_SECONDS) -> None:
    machine.wait_until(lambda told: (told["reason"], told["may_send"]) == (reason, may_send), seconds, f"{reason}, may send {may_send}")


def row(machine: Machine, name: str = "pair") -> dict[str, Any]:
    (found,) = (each for each in machine.ask("health")["dependencies"] if each["name"] == name)
    return dict(found)


def assert_told_everywhere(machine: Machine, reason: str) -> None:
    """The page of the pair, the status, the health and a line of the log say the same reason; the health says what to do as well."""
    assert machine.ask("pair")["reason"] == reason
    assert machine.status()["reason"] == reason
    told = row(machine)
    assert (told["connected"], told["code"]) == (False, reason)
    assert told["reason"]
    assert told["remedy"]
    assert machine.ask("health")["status"] == "degraded"
    lines = [line for line in machine.log(1_000_000).splitlines() if '"standing_changed"' in line and f'"reason": "{reason}"' in line]
    assert lines, f"no line in the log of {machine.place} says {reason}"
    assert '"level": "warning"' in lines[-1]


def claimed(lab: Laboratory) -> int:
    """How many mails in the mailbox carry anybody's claim."""
    with lab.network.inside("mail"), lab.post.dovecot.client(USER) as client:
        _, found = client.search(None, "KEYWORD", CLAIM)
    return len(found[0].split())


def all_apart(lab: Laboratory) -> None:
    lab.network.partition(("a",), ("b", "w"))
    lab.network.partition(("b",), ("w",))


def test_in_step_nothing_is_amiss_and_the_standby_neither_takes_in_nor_sends(lab: Laboratory) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    lab.post.write(5)
    lab.wait_for_replies(5, 20)
    reason_is(leader, "leads", may_send=True)
    reason_is(other, "follows", may_send=False)
    assert {reply.sender for reply in lab.post.replies()} == {leader.address}
    for machine in lab.both:
        assert (row(machine)["connected"], row(machine, "copying")["connected"]) == (True, True)
    other.kill()
    reason_is(leader, "leads_solo", may_send=True)
    assert leader.status()["witness"]["in_sync"] is False, "the witness must know before anything is committed alone"
    lab.post.write(5)
    lab.wait_for_replies(10, 20)
    assert_told_everywhere(leader, "leads_solo")
    lab.assert_nothing_lost_or_doubled(leader)


def test_a_leader_that_lost_both_takes_nothing_in_and_sends_nothing_and_goes_on_when_one_is_back(lab: Laboratory) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    lab.post.write(5)
    lab.wait_for_replies(5, 20)
    leader.ask("set_switch", 5, actor=OWNER, name="safe_mode", on=True)
    lab.post.write(1)
    lab.wait_until(lambda: sum(leader.counts().get(state, 0) for state in WITH_A_PERSON) == 1, 20, "one for a person")
    (held,) = (each for each in leader.ask("rows") if each["state"] in WITH_A_PERSON)
    approval = {"case": held["id"], "decision": "approve", "by": "owner", "text": "From nine to five."}
    leader.ask("set_switch", 5, actor=OWNER, name="safe_mode", on=False)
    before = claimed(lab)
    all_apart(lab)
    reason_is(leader, "lease_ended", may_send=False)
    reason_is(other, "peer_and_witness_lost", may_send=False)
    with contextlib.suppress(OSError, ValueError):  # whether it is written or refused: it must not leave
        leader.ask("decide", 3, actor=OWNER, approval=approval)
    lab.post.write(5)
    look_for(LEASES_SECONDS)
    assert len(lab.post.replies()) == 5, "something left without a lease"
    assert claimed(lab) == before, "something was claimed without a lease"
    assert_told_everywhere(leader, "lease_ended")
    assert_told_everywhere(other, "peer_and_witness_lost")
    lab.network.heal()
    now_leads = lab.wait_in_step()
    lab.wait_for_replies(10, 30)
    lab.assert_nothing_lost_or_doubled(now_leads, held_most=1)


def test_without_a_witness_a_person_lets_the_standby_take_over_and_nobody_is_answered_twice(lab: Laboratory) -> None:
    old = lab.start_pair("none")
    other = lab.other(old)
    lab.post.write(5)
    lab.wait_for_replies(5, 20)
    lab.wait_in_step()
    old.kill()
    reason_is(other, "waits_for_person", may_send=False)
    lab.post.write(3)
    look_for(LEASES_SECONDS)
    assert len(lab.post.replies()) == 5
    assert_told_everywhere(other, "waits_for_person")
    other.ask("pair_takeover", 5, actor=OWNER, sure=True)
    reason_is(other, "forced", may_send=True)
    lab.wait_for_replies(8, 30)
    assert_told_everywhere(other, "forced")
    old.start()
    assert lab.wait_in_step() is other
    lab.post.write(2)
    lab.assert_nothing_lost_or_doubled(other)
    assert row(other)["connected"]


def test_one_that_starts_alone_takes_nothing_in_until_it_has_seen_the_other(lab: Laboratory) -> None:
    leader = lab.start_pair()
    other = lab.other(leader)
    for machine in (other, leader):
        machine.kill()
    lab.post.write(3)
    leader.start()
    reason_is(leader, "peer_never_seen", may_send=False)
    look_for(LEASES_SECONDS)
    reason_is(leader, "peer_never_seen", may_send=False)
    assert (claimed(lab), lab.post.replies()) == (0, [])
    assert row(leader)["code"] == "peer_never_seen"
    other.start()
    now_leads = lab.wait_in_step()
    lab.assert_nothing_lost_or_doubled(now_leads)


def test_a_takeover_by_a_person_while_not_in_step_answers_only_what_carries_no_claim(lab: Laboratory) -> None:
    old = lab.start_pair()
    other = lab.other(old)
    lab.post.write(3)
    lab.wait_for_replies(3, 20)
    lab.network.partition((old.place,), (other.place,))
    lab.wait_until(lambda: "leads_solo" in {machine.status().get("reason") for machine in lab.both}, 20, "one of them works alone")
    alone = next(machine for machine in lab.both if machine.status().get("reason") == "leads_solo")
    late = lab.other(alone)
    lab.post.write(4)
    lab.wait_for_replies(7, 20)
    alone.kill()
    lab.network.heal()
    reason_is(late, "not_in_sync", may_send=False)
    lab.post.write(2)
    look_for(LEASES_SECONDS)
    assert len(lab.post.replies()) == 7
    assert_told_everywhere(late, "not_in_sync")
    late.ask("pair_takeover", 5, actor=OWNER, sure=True)
    reason_is(late, "forced", may_send=True)
    lab.wait_for_replies(9, 30)
    assert not lab.post.doubled()
    assert {reply.sender for reply in lab.post.replies()[-2:]} == {late.address}
    alone.start()
    lab.wait_in_step()
    look_for(2.0)
    assert not lab.post.doubled()
    assert not lab.post.unanswered()
    assert lab.senders is not None
    lab.senders.assert_never_two()
