"""What a node may do: alone, and as one of a pair by its lease and its office; and what its loops make of a new term."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.channels.protocol import Inbox, Outbox
from appliance.ground.clock import SystemClock
from appliance.node.loops import Breaker, Deliverer, Intake
from appliance.node.office import Office
from appliance.node.roles import Alone, Paired
from appliance.pair.permission import leave
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult
from appliance.records.message import Address
from appliance.store.names import RANDOM_BYTES, case_id, delivery_id
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.node.pair_parts import ME, SECONDS, HandLease
from tests.unit.store.support import DIRECTORY, Desk, message

CLOCK = SystemClock()


class Node:
    """A lease, an office that a test puts into a term, and the standing that comes of the two."""

    def __init__(self, home: Path) -> None:
        self.lease = HandLease()
        self.store = Store.open(home, CLOCK, directory=DIRECTORY)
        unused = cast(Any, None)
        self.office = Office(ME, self.store, self.lease, unused, unused, CLOCK)
        self.standing = Paired(self.lease, self.office)

    def in_office(self, term: int = 3, began: int = 10, **changed: Any) -> None:
        self.lease.leads_in(term, **changed)
        self.office.began, self.office.term = began, term


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "a")
    yield node
    node.store.close()


def delivery(number: int = 12, case: int = 11, automatic: bool = True) -> Delivery:
    """One that was decided by the entry of this number, for a message that came in by the other."""
    of = case_id(case, bytes(RANDOM_BYTES))
    return named(delivery_id(number, of), of, automatic)


def named(delivery: str, case: str, automatic: bool = True) -> Delivery:
    return Delivery(
        id=delivery,
        case=case,
        kind=DeliveryKind.REPLY,
        mailbox="support",
        message_id="<m@x>",
        key="k",
        automatic=automatic,
        to=(Address(),),
    )


# Whether it works


def test_a_node_alone_acts_until_it_resigns() -> None:
    alone = Alone(1)
    assert (alone.may_act(), alone.turn(delivery()), alone.role) == (True, "send", "alone")
    alone.resign()
    assert (alone.may_act(), alone.turn(delivery())) == (False, "wait")


def test_a_leader_acts_once_it_is_in_office_and_no_sooner(node: Node) -> None:
    node.lease.leads_in(3)
    assert (node.standing.may_act(), node.standing.term, node.standing.role) == (False, 0, "standby")
    node.in_office()
    assert (node.standing.may_act(), node.standing.term, node.standing.role) == (True, 3, "leader")


def test_an_office_of_another_term_than_the_lease_is_no_office(node: Node) -> None:
    node.in_office(term=3)
    node.lease.becomes(term=5)
    assert not node.standing.may_act()
    assert node.standing.turn(delivery()) == "wait"


def test_a_leader_that_drains_starts_nothing(node: Node) -> None:
    node.in_office()
    node.office.drained = True
    assert not node.standing.may_act()
    assert node.standing.turn(delivery()) == "wait"


def test_a_leader_whose_lease_has_ended_starts_nothing_and_says_why(node: Node) -> None:
    node.in_office(seconds=0.0)
    assert (node.standing.may_act(), node.standing.turn(delivery()), node.standing.reason) == (False, "wait", "lease_ended")


def test_who_has_resigned_neither_acts_nor_sends(node: Node) -> None:
    node.in_office()
    node.standing.resign()
    assert (node.standing.may_act(), node.standing.turn(delivery())) == (False, "wait")
    assert not node.standing.sending


# What a leader by a person's word may send


@pytest.mark.parametrize(
    ("number", "case", "automatic", "turn"),
    [
        (12, 11, True, "send"),
        (12, 9, True, "hold"),
        (9, 8, True, "hold"),
        (12, 9, False, "send"),
        (9, 8, False, "hold"),
        (10, 10, True, "hold"),
    ],
    ids=["both in its term", "came in before", "decided before", "approved in its term", "approved before", "its very first entry"],
)
def test_a_forced_leader_sends_only_what_is_of_its_own_term(node: Node, number: int, case: int, automatic: bool, turn: str) -> None:
    node.in_office(began=10, forced=True)
    assert leave(node.lease.standing, node.lease.now()).sends == "unclaimed"
    assert node.standing.turn(delivery(number, case, automatic)) == turn
    node.lease.becomes(forced=False)
    assert node.standing.turn(delivery(number, case, automatic)) == "send"


def test_what_has_no_number_counts_as_anothers(node: Node) -> None:
    node.in_office(began=10, forced=True)
    assert node.standing.turn(named("odd", "odder")) == "hold"


# Counting


def test_a_mail_that_was_let_go_is_seen_to_be_leaving_until_it_is_finished(node: Node) -> None:
    node.in_office()
    one, other = delivery(12), delivery(13)
    assert [node.standing.turn(each) for each in (one, one, other)] == ["send", "send", "send"]
    node.standing.finished(one)
    assert node.standing.sending
    node.standing.finished(other)
    node.standing.finished(other)
    assert not node.standing.sending


def test_a_mail_that_was_not_let_go_never_counts_as_leaving(node: Node) -> None:
    node.standing.turn(delivery())
    node.in_office(forced=True, began=10)
    node.standing.turn(delivery(9, 8))
    assert not node.standing.sending


def test_what_is_under_way_is_counted_also_when_it_fails(node: Node) -> None:
    assert node.office.at_rest()

    def fails() -> None:
        with node.standing.at_work(), node.standing.at_work():
            assert not node.office.at_rest()
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fails()
    assert node.office.at_rest()


def test_counts_do_not_leak_when_many_work_at_once(node: Node) -> None:
    node.in_office()

    def works(name: int) -> None:
        for number in range(200):
            with node.standing.at_work():
                each = delivery(1000 * name + number, 500)
                node.standing.turn(each)
                node.standing.finished(each)

    threads = [threading.Thread(target=works, args=(name,)) for name in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert node.office.at_rest()
    assert not node.standing.sending


# The loops and a new term


class Finds:
    """A way out that notes what it is asked to look up, and to send."""

    mailbox = "support"
    fault = None

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.delivered: list[str] = []
        self.found = False

    def find(self, delivery: Delivery) -> bool:
        self.looked.append(delivery.id)
        return self.found

    def deliver(self, delivery: Delivery, may_go: Any) -> DeliveryResult:
        assert may_go()
        self.delivered.append(delivery.id)
        return DeliveryResult(outcome=DeliveryOutcome.SENT)


class Shop:
    """A store with a desk, and the deliver loop of its mailbox."""

    def __init__(self, home: Path) -> None:
        self.clock = FakeClock()
        self.store = Store.open(home, self.clock, directory=DIRECTORY)
        self.desk = Desk(self.store, self.clock)
        self.standing = Alone(self.desk.term)
        self.outbox = Finds()
        self.deliverer = Deliverer("a", self.store, self.standing, Breaker(self.clock), cast(Outbox, self.outbox))

    def new_term(self) -> None:
        self.standing.term = self.desk.term = self.store.begin_term("a")

    def state(self, delivery: Delivery) -> str:
        return str(self.desk.state(delivery.case))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "home")
    yield shop
    shop.store.close()


def test_each_term_begins_with_looking_up_what_was_under_way_and_does_so_once(shop: Shop) -> None:
    shop.desk.answer(message())
    under_way = shop.desk.started()
    shop.new_term()
    shop.deliverer.step()
    shop.deliverer.step()
    assert (shop.outbox.looked, shop.outbox.delivered) == ([under_way.id], [])
    assert shop.deliverer.recovered == shop.standing.term
    assert shop.state(under_way) == "uncertain"
    shop.new_term()
    shop.deliverer.step()
    assert shop.outbox.looked == [under_way.id], "it is with a person now"


def test_what_was_under_way_and_is_found_counts_as_sent(shop: Shop) -> None:
    shop.desk.answer(message())
    under_way = shop.desk.started()
    shop.outbox.found = True
    shop.new_term()
    shop.deliverer.step()
    assert shop.state(under_way) == "replied"


def test_a_result_that_an_earlier_term_could_not_write_down_is_looked_up_and_not_written(shop: Shop) -> None:
    shop.deliverer.step()
    shop.desk.answer(message())
    under_way = shop.desk.started()
    shop.deliverer.unwritten = (under_way, DeliveryResult(outcome=DeliveryOutcome.SENT))
    shop.new_term()
    assert not shop.deliverer.step(), "nothing is left to do: it is with a person"
    assert shop.deliverer.unwritten is None
    assert (shop.outbox.looked, shop.outbox.delivered, shop.state(under_way)) == ([under_way.id], [], "uncertain")


def test_a_result_of_this_term_is_written_before_anything_else_is_started(shop: Shop) -> None:
    shop.deliverer.step()
    shop.desk.answer(message())
    under_way = shop.desk.started()
    shop.deliverer.unwritten = (under_way, DeliveryResult(outcome=DeliveryOutcome.SENT))
    assert shop.deliverer.step()
    assert (shop.deliverer.unwritten, shop.outbox.looked, shop.outbox.delivered) == (None, [], [])
    assert shop.state(under_way) == "replied"


def test_a_node_that_may_not_act_neither_looks_up_nor_sends(shop: Shop) -> None:
    shop.desk.answer(message())
    shop.desk.started()
    shop.standing.resign()
    assert not shop.deliverer.step()
    assert (shop.outbox.looked, shop.deliverer.recovered) == ([], 0)


def test_the_intake_looks_at_once_when_its_node_is_promoted(node: Node) -> None:
    taken, wake, stop = threading.Event(), threading.Event(), threading.Event()

    class Waiting:
        mailbox, folder = "support", "INBOX"

        def take(self, _: Any) -> Any:
            taken.set()
            raise InterruptedError

    class Patient(threading.Event):
        """Waits for the wake alone: no nap ends by itself."""

        def wait(self, _: float | None = None) -> bool:
            return super().wait(SECONDS)

    node.store.first_switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, term=node.store.begin_term("a"))
    wake = Patient()
    intake = Intake(cast(Inbox, Waiting()), node.store, node.standing, CLOCK, stop, wake, 2.0, "")

    def run() -> None:
        try:
            while not stop.is_set():
                intake.step()
        except InterruptedError:
            return

    thread = threading.Thread(target=run)
    thread.start()
    node.in_office()
    wake.set()
    assert taken.wait(SECONDS / 2)
    stop.set()
    wake.set()
    thread.join(SECONDS)
