"""What came in before a person made a node leader stays with people, also once both nodes are in step again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.ground.clock import SystemClock
from appliance.node.roles import Paired
from appliance.records.delivery import Delivery
from tests.unit.node.test_office import Bench
from tests.unit.store.support import OPEN_LEVERS, Desk, message


class Work(Desk):
    """A desk on a store that leads already."""

    def __init__(self, bench: Bench, term: int) -> None:
        self.store, self.clock, self.term, self.uid = bench.store, SystemClock(), term, bench.store.position  # type: ignore[assignment]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "a")
    bench.office.start()
    yield bench
    bench.lease.stop()
    bench.office.stop()
    bench.store.close()


def leads_in(bench: Bench, term: int, **changed: Any) -> Work:
    bench.lease.leads_in(term, **changed)
    bench.until(*bench.told, ("taken", term))
    if term == 1:
        bench.store.first_switches(term=term, **OPEN_LEVERS)
    return Work(bench, term)


def next_term(bench: Bench, term: int, **changed: Any) -> Work:
    bench.lease.stands_by()
    bench.until(*bench.told, ("left", term - 1))
    return leads_in(bench, term, **changed)


def waiting(work: Work, sender: str) -> Delivery:
    """A mail that came in and was decided, and whose reply has been started."""
    work.answer(message(sender))
    return work.started()


def test_a_reply_from_before_a_forced_take_over_is_held_also_when_both_are_in_step_again(bench: Bench) -> None:
    """The other node may have sent it while it worked alone, in the tail that it puts aside when it comes back."""
    standing = Paired(bench.lease, bench.office)
    decided = waiting(leads_in(bench, 1), "one@customer.example")
    work = next_term(bench, 2, forced=True)
    own = waiting(work, "two@customer.example")
    assert (standing.turn(decided), standing.turn(own)) == ("hold", "send")
    bench.lease.becomes(forced=False, mode="pair")
    assert (standing.turn(decided), standing.turn(own)) == ("hold", "send")


def test_a_mail_from_before_a_forced_take_over_is_answered_by_nobody_but_a_person(bench: Bench) -> None:
    standing = Paired(bench.lease, bench.office)
    work = leads_in(bench, 1)
    work.take_in(message("one@customer.example"))
    work = next_term(bench, 2, forced=True)
    bench.lease.becomes(forced=False)
    work.settle(work.claim())
    assert standing.turn(work.started()) == "hold"


def test_the_node_that_leads_next_holds_it_as_well(bench: Bench) -> None:
    standing = Paired(bench.lease, bench.office)
    decided = waiting(leads_in(bench, 1), "one@customer.example")
    own = waiting(next_term(bench, 2, forced=True), "two@customer.example")
    next_term(bench, 3, forced=False, mode="solo")
    assert (standing.turn(decided), standing.turn(own)) == ("hold", "send")


def test_after_any_other_take_over_what_waits_is_sent(bench: Bench) -> None:
    standing = Paired(bench.lease, bench.office)
    decided = waiting(leads_in(bench, 1), "one@customer.example")
    next_term(bench, 2)
    assert standing.turn(decided) == "send"
