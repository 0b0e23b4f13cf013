"""The laboratory with one machine in it: everything that the tests of the pair stand on, without the pair."""

import smtplib
import socket
import time

import pytest

from tests.live.pair.figures import Figures, gather, lines
from tests.live.pair.lab import UP_SECONDS, Laboratory
from tests.live.pair.machine import OWNER, Machine
from tests.live.pair.trouble import fill


def started(machine: Machine) -> Machine:
    machine.start()
    machine.wait_until(lambda told: told["ready"], UP_SECONDS, "ready")
    machine.wait_until_it_reads_mail()
    return machine


def test_a_node_alone_answers_twenty_mails_once_each_and_speaks_to_nobody_else(lab: Laboratory, figures: Figures) -> None:
    began = time.monotonic()
    alone = started(lab.machine("a"))
    figures.add("start of one node until ready", time.monotonic() - began)
    began = time.monotonic()
    lab.post.write(19)
    lab.post.write_by_smtp()
    lab.wait_for_replies(20, 30)
    figures.add("twenty mails answered by one node", time.monotonic() - began)
    lab.assert_nothing_lost_or_doubled(alone)
    assert {reply.sender for reply in lab.post.replies()} == {alone.address}
    assert len({reply.key for reply in lab.post.replies()}) == 20
    lab.watch.assert_offline()
    assert lab.watch.counted("a").known > 0
    assert alone.stop() == 0


def test_the_count_sees_a_reply_that_came_twice_and_a_mail_that_nobody_answered(lab: Laboratory) -> None:
    lab.post.write(2)
    reply = b"From: support@pumps.example\nTo: customer1@example.com\nIn-Reply-To: <1@example.com>\nX-Tandem-Key: k\n\nWe open at nine.\n"
    for place in ("a", "b"):
        with lab.network.inside(place):
            send(lab, reply)
    lab.wait_until(lambda: len(lab.post.replies()) == 2, 10, "two replies")
    assert lab.post.doubled() == ["<1@example.com>"]
    assert lab.post.unanswered() == ["<2@example.com>"]
    assert [lab.network.place_of(reply.sender) for reply in lab.post.replies()] == ["a", "b"]


def send(lab: Laboratory, raw: bytes) -> None:
    with smtplib.SMTP(lab.network.address("mail"), lab.post.exim.port, timeout=10) as line:
        line.sendmail("support@pumps.example", ["customer1@example.com"], raw)


def test_a_paused_node_says_nothing_and_goes_on_when_it_is_resumed(lab: Laboratory) -> None:
    alone = started(lab.machine("a"))
    alone.pause()
    assert alone.status() == {}
    alone.resume()
    alone.wait_until(lambda told: told["may_send"], 10)
    assert alone.probe("/healthz") == 200
    alone.kill()
    assert alone.probe("/healthz") == 0


def test_a_cable_out_keeps_the_mail_waiting_and_in_again_it_is_answered(lab: Laboratory) -> None:
    started(lab.machine("a"))
    lab.network.cable("a", up=False)
    lab.post.write(3)
    assert lab.post.in_inbox() == 3
    lab.network.cable("a", up=True)
    lab.wait_for_replies(3, 60)


def test_a_slow_disk_slows_a_running_node_and_a_broken_one_ends_it(lab: Laboratory) -> None:
    alone = lab.machine("a")
    trouble = lab.trouble(alone)
    started(alone)
    trouble.slow_disk(0.2)
    began = time.monotonic()
    alone.ask("set_switch", 10.0, actor=OWNER, name="safe_mode", on=True)
    assert time.monotonic() - began >= 0.2
    trouble.over()
    trouble.broken_disk()
    with pytest.raises((OSError, ValueError)):
        alone.ask("set_switch", 10.0, actor=OWNER, name="safe_mode", on=False)
    assert alone.wait_for_end(20) != 0


def test_a_jump_of_the_wall_clock_reaches_the_process_and_nobody_else(lab: Laboratory) -> None:
    alone = lab.machine("a")
    trouble = lab.trouble(alone)
    started(alone)
    trouble.jump_clock(7200)
    lab.post.write(1)
    lab.wait_for_replies(1, 20)
    (case,) = alone.ask("rows")
    assert case["received_at"] - time.time() > 7000 or case["changed_at"] - time.time() > 7000


def test_a_machine_may_have_a_host_name_of_its_own(lab: Laboratory) -> None:
    alone = lab.machine("a")
    alone.hostname = "mini"
    started(alone)
    assert socket.gethostname() != "mini"
    assert alone.runs


def test_a_small_disk_can_be_filled(lab: Laboratory) -> None:
    lab.small_disk("a", 16384)
    alone = started(lab.machine("a"))
    filler = fill(alone.home)
    with pytest.raises(OSError, match="No space"):
        (alone.home / "more").write_bytes(b"x" * 65536)
    filler.unlink()
    assert alone.runs


def test_figures_are_summed_by_name() -> None:
    class Report:
        when = "call"
        user_properties = [("figure", ("takeover", "s", value)) for value in (3.0, 1.0, 2.0, 9.0)]

    found = gather([Report()])
    assert (found["takeover"]["n"], found["takeover"]["p50"], found["takeover"]["max"]) == (4, 2.0, 9.0)
    assert lines(found) == ["takeover  N   4  p50     2.00  max     9.00  s"]


def test_a_supervised_machine_that_ends_by_itself_is_started_again_and_one_that_was_killed_is_not(lab: Laboratory) -> None:
    alone = lab.machine("a")
    alone.supervised = True
    started(alone)
    assert alone.process is not None
    alone.process.kill()  # not by the laboratory's own hand
    lab.wait_until(lambda: alone.restarts == 1, 10, "started again")
    alone.wait_until(lambda told: told["ready"], UP_SECONDS, "ready")
    alone.kill()
    assert alone.status() == {}
    assert not alone.runs
