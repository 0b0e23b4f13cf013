"""A soak does the same again from the same seed, its wire does what it is told, and its promises can be broken."""

import socket
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.cli.soak import told
from appliance.node import soak_check
from appliance.node.soak import Soak, sample
from appliance.node.soak_check import Outcome, Promise
from appliance.node.soak_hand import _DO
from appliance.node.soak_plan import FIRST_SECONDS, HOW, QUIET_SECONDS, plan
from appliance.node.soak_wire import HOST, Wire
from appliance.records.case import CaseState
from appliance.store.shipment import JournalEnd, TableDigest

SECONDS = 5.0
A_MOMENT = 0.3
HOUR = 3600.0


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    assert plan(7, HOUR) == plan(7, HOUR)
    assert plan(7, HOUR) != plan(8, HOUR)


def test_the_plan_of_one_seed_is_the_same_on_every_machine() -> None:
    assert [(fault.kind, fault.at, fault.seconds) for fault in plan(7, 60.0)][:3] == [
        ("kill_witness", 3.0, 3.38),
        ("pause_leader", 13.35, 5.66),
        ("handover", 23.3, 0.0),
    ]


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    short, long = plan(3, 120.0), plan(3, HOUR)
    assert long[: len(short)] == short
    assert len(long) > len(short) > 0


def test_every_kind_of_fault_comes_within_an_hour_and_lasts_as_long_as_it_may() -> None:
    faults = plan(1, HOUR)
    assert {fault.kind for fault in faults} == set(HOW)
    assert all(HOW[fault.kind].least <= fault.seconds <= HOW[fault.kind].most + 0.01 for fault in faults)


def test_faults_begin_in_order_some_while_another_lasts_and_all_are_over_before_the_end() -> None:
    faults = plan(1, HOUR)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert faults[0].at == FIRST_SECONDS
    assert all(fault.until <= HOUR - QUIET_SECONDS for fault in faults)
    assert any(later.at < earlier.until for earlier, later in pairwise(faults))


def test_every_kind_of_fault_can_be_done() -> None:
    assert {kind.partition("_")[0] for kind in HOW} == set(_DO)


def test_each_mail_of_a_soak_is_from_a_customer_of_its_own() -> None:
    mails = sample(2_000, 5)
    assert len({mail.expected.sender for mail in mails}) == len(mails)
    assert {mail.expected.outcome for mail in mails} == {"send"}


# The wire


class Ends:
    """Two nodes' ends: a listener and a socket for heartbeats each, and where the wire reaches them."""

    def __init__(self) -> None:
        self.wire = Wire("a", "b")
        self.listeners = {name: socket.create_server((HOST, 0)) for name in ("a", "b")}
        self.beats: dict[str, socket.socket] = {}
        self.reached: dict[str, int] = {}
        for name, listener in self.listeners.items():
            port = listener.getsockname()[1]
            self.beats[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.beats[name].bind((HOST, port))
            self.beats[name].settimeout(SECONDS)
            listener.settimeout(SECONDS)
            self.reached[name] = self.wire.reach(name, port)

    def line(self) -> tuple[socket.socket, socket.socket]:
        """A line from a to b: a's end and b's."""
        near = socket.create_connection((HOST, self.reached["b"]), SECONDS)
        far, _ = self.listeners["b"].accept()
        far.settimeout(SECONDS)
        return near, far

    def close(self) -> None:
        self.wire.close()
        for each in (*self.listeners.values(), *self.beats.values()):
            each.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def nothing_comes(line: socket.socket) -> bool:
    line.settimeout(A_MOMENT)
    try:
        return not line.recv(100)
    except TimeoutError:
        return True
    finally:
        line.settimeout(SECONDS)


def test_a_heartbeat_comes_from_where_its_sender_is_reached(ends: Ends) -> None:
    ends.beats["a"].sendto(b"beat", (HOST, ends.reached["b"]))
    assert ends.beats["b"].recvfrom(100) == (b"beat", (HOST, ends.reached["a"]))


def test_a_way_that_is_cut_loses_heartbeats_and_the_other_way_goes_on(ends: Ends) -> None:
    ends.wire.cut("a", "b")
    ends.beats["a"].sendto(b"lost", (HOST, ends.reached["b"]))
    ends.beats["b"].sendto(b"comes", (HOST, ends.reached["a"]))
    assert ends.beats["a"].recv(100) == b"comes"
    assert nothing_comes(ends.beats["b"])
    ends.wire.mend("a", "b")
    ends.beats["a"].sendto(b"again", (HOST, ends.reached["b"]))
    assert ends.beats["b"].recv(100) == b"again"


def test_a_line_over_a_way_that_is_cut_is_held_up_and_goes_on_afterwards(ends: Ends) -> None:
    near, far = ends.line()
    with near, far:
        ends.wire.cut("a", "b")
        near.sendall(b"late")
        far.sendall(b"the other way")
        assert near.recv(100) == b"the other way"
        assert nothing_comes(far)
        ends.wire.mend("a", "b")
        assert far.recv(100) == b"late"


def test_no_line_can_be_opened_while_one_way_is_cut(ends: Ends) -> None:
    ends.wire.cut("b", "a")
    with socket.create_connection((HOST, ends.reached["b"]), SECONDS) as near:
        near.sendall(b"hello")
        ends.listeners["b"].settimeout(A_MOMENT)
        with pytest.raises(TimeoutError):
            ends.listeners["b"].accept()


def test_lines_that_are_broken_end_on_both_sides_and_new_ones_can_be_opened(ends: Ends) -> None:
    near, far = ends.line()
    with near, far:
        near.sendall(b"through")
        assert far.recv(100) == b"through"
        ends.wire.break_lines()
        assert (near.recv(100), far.recv(100)) == (b"", b"")
    near, far = ends.line()
    near.close()
    far.close()


def test_the_wire_leaves_no_thread_behind(ends: Ends) -> None:
    near, far = ends.line()
    ends.wire.close()
    near.close()
    far.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "soak-wire" and thread.is_alive()]


# The promises


def case(number: int, state: CaseState, sender: str) -> Any:
    return SimpleNamespace(id=f"c-{number}", state=state, sender=sender)


def node(position: int = 9, tables: dict[str, str] | None = None, terms: tuple[tuple[int, str], ...] = ((1, "a"), (2, "b"))) -> Any:
    return SimpleNamespace(
        end=JournalEnd(position, 2, b"h"),
        digest=TableDigest(position=position, hash=b"h", turn=0, tables=tables or {"cases": "x"}),
        terms=[{"term": term, "node": name} for term, name in terms],
    )


SENT = {"<1>": "one@x.example", "<2>": "two@x.example"}
BOTH = [case(1, CaseState.REPLIED, "one@x.example"), case(2, CaseState.REPLIED, "two@x.example")]
REPLIES = {"<1>": ["1.eml"], "<2>": ["2.eml"]}


def test_mails_that_were_answered_once_break_no_promise() -> None:
    found = (soak_check._lost(BOTH, SENT), soak_check._unended(BOTH), soak_check._doubled(REPLIES, SENT, set()))
    assert not [each for lot in (*found, soak_check._told_wrong(BOTH, REPLIES, SENT)) for each in lot]


def test_a_mail_that_became_no_case_or_two_is_seen() -> None:
    assert list(soak_check._lost(BOTH[:1], SENT))
    assert list(soak_check._lost([*BOTH, BOTH[0]], SENT))


def test_a_mail_that_has_not_ended_is_seen() -> None:
    assert list(soak_check._unended([case(1, CaseState.CLAIMED, "one@x.example")]))


def test_two_replies_to_one_mail_are_seen_also_when_the_second_took_the_place_of_the_first() -> None:
    assert list(soak_check._doubled({"<1>": ["1.eml", "1b.eml"]}, SENT, set()))
    assert list(soak_check._doubled(REPLIES, SENT, {"1.eml"}))


def test_a_reply_that_only_the_journal_knows_and_one_that_it_does_not_know_are_seen() -> None:
    assert list(soak_check._told_wrong(BOTH, {"<1>": ["1.eml"]}, SENT))
    held = [BOTH[0], case(2, CaseState.REVIEW, "two@x.example")]
    assert list(soak_check._told_wrong(held, REPLIES, SENT))
    uncertain = [BOTH[0], case(2, CaseState.UNCERTAIN, "two@x.example")]
    assert not list(soak_check._told_wrong(uncertain, REPLIES, SENT))
    assert list(soak_check._told_wrong(BOTH, {**REPLIES, "<3>": ["3.eml"]}, SENT))


def test_nodes_that_do_not_hold_the_same_are_seen() -> None:
    assert not list(soak_check._different({"a": node(), "b": node()}))
    assert list(soak_check._different({"a": node(), "b": node(position=8)}))
    assert list(soak_check._different({"a": node(), "b": node(tables={"cases": "y"})}))


def test_a_term_that_went_back_or_had_two_leaders_is_seen() -> None:
    assert not list(soak_check._bad_terms({"a": node(), "b": node()}, {1: {"a"}}))
    assert list(soak_check._bad_terms({"a": node(terms=((2, "a"), (1, "b"))), "b": node()}, {}))
    assert list(soak_check._bad_terms({"a": node(), "b": node(terms=((1, "b"), (2, "b")))}, {}))
    assert list(soak_check._bad_terms({"a": node(), "b": node()}, {1: {"a", "b"}}))


def test_a_broken_promise_is_told_with_what_was_found_and_the_seed() -> None:
    outcome = Outcome(
        seed=20261120, seconds=60.0, faults={"kill_leader": 3}, mails=2, outcomes={"send": 2}, held_because={}, replies=3, uncertain=0,
        terms=2, entries=9, set_aside=0, ended_by_themselves=(), commands_refused={}, looks=100, gaps={"times": 0, "p50": 0.0, "max": 0.0},
        promises=(Promise(name="no customer got two replies", broken=("one@x.example got 2",)), Promise(name="no process is left")),
    )  # fmt: skip
    assert not outcome.ok
    text = told(outcome)
    for said in ("20261120", "broken", "no customer got two replies", "one@x.example got 2", "kept", "kill leader"):
        assert said in text


def test_a_reply_that_is_written_again_shows_in_the_outbox(tmp_path: Path) -> None:
    soak = Soak.__new__(Soak)
    soak.pair = SimpleNamespace(outbox=tmp_path)  # type: ignore[assignment]
    soak._written, soak.written_again = {}, set()
    reply = tmp_path / "1.eml"
    reply.write_bytes(b"x")
    soak._look_into_outbox()
    soak._look_into_outbox()
    assert not soak.written_again
    reply.write_bytes(b"x")
    soak._look_into_outbox()
    assert soak.written_again == {"1.eml"}
