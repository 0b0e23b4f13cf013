"""A pair to which anything may happen, in any order: what was acknowledged is never lost, and both come to the same."""

import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from appliance.ground.errors import Refused
from appliance.records.answer import Decision
from appliance.store import divergent
from appliance.store.errors import Forked, NotLeading, NotYet, Unconfirmed
from appliance.store.limits import StoreLimits
from appliance.store.shipment import Shipment
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.replication import Pair, same, travelled
from tests.unit.store.support import DIRECTORY, Desk, message, outcome
from tests.unit.store.test_replication import led

_LIMITS = StoreLimits(slots_reserved=3, head_entries=5, digest_rows=4)


class Careless:
    """A replica whose shipments wait until the machine lets them through, and that confirms only what the standby has."""

    def __init__(self, pair: "TwoHomes") -> None:
        self.pair = pair
        self.on_the_way: list[Shipment] = []

    def ship(self, shipment: Shipment) -> None:
        self.on_the_way.append(travelled(shipment))

    def confirm(self, position: int) -> None:
        if self.pair.prompt:
            self.pair.deliver(len(self.on_the_way))
        if self.pair.standby.position < position:
            raise Unconfirmed("Not there yet.", "Wait.")


class TwoHomes(RuleBasedStateMachine):
    """Either home may lead. Whatever a caller was told to be safe is remembered outside."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-test-"))
        self.clock = FakeClock()
        self.homes = Pair(self.folder, self.clock, DIRECTORY, _LIMITS)
        self.homes.join()
        self.leader, self.standby = self.homes.a, self.homes.b
        self.prompt = True
        self.safe: set[str] = set()
        self.uid = 0
        self.replica = Careless(self)
        self.leader.lead("a", self.leader.term + 1, self.replica)
        self.catch_up()

    def teardown(self) -> None:
        self.leader.close()
        self.standby.close()
        shutil.rmtree(self.folder)

    # The line

    def deliver(self, most: int) -> None:
        lot, self.replica.on_the_way = self.replica.on_the_way[:most], self.replica.on_the_way[most:]
        try:
            self.standby.replication.apply(lot)
        except NotYet:
            self.catch_up()

    def catch_up(self, most_bytes: int = 1_500) -> None:
        while True:
            lot = self.leader.replication.read(self.standby.position, most_bytes, slots=self.standby.replication.slots())
            self.standby.replication.apply([travelled(lot)])
            if not lot.entries:
                return

    # What people and programs do

    def desk(self) -> Desk:
        desk = led(self.leader, self.clock, self.uid)
        self.uid += 20
        return desk

    @rule(sender=st.sampled_from(["a", "b", "c", "d", "e"]), number=st.integers(0, 9), count=st.integers(1, 3))
    def receive(self, sender: str, number: int, count: int) -> None:
        try:
            desk = self.desk()
            receipts = desk.take_in(*(message(sender=f"{sender}{each}@x.example", text=f"text {number}") for each in range(count)))
        except Unconfirmed:
            return
        self.safe.update(receipt.case for receipt in receipts)

    @rule(decision=st.sampled_from([Decision.SEND, Decision.REVIEW, Decision.ROUTE]))
    def answer(self, decision: Decision) -> None:
        try:
            desk = self.desk()
            case = self.leader.claim("desk-1", term=desk.term, seconds=60)
            if case is not None:
                desk.settle(case, outcome(decision, team="billing"))
            delivery = desk.start()
            if delivery is not None:
                desk.finish(delivery)
        except (Unconfirmed, Refused):
            return

    @rule(sender=st.sampled_from(["a0", "b0", "c1"]))
    def erase(self, sender: str) -> None:
        try:
            self.leader.erase_customer(f"{sender}@x.example", "owner", term=self.leader.term)
        except Unconfirmed:
            return

    @rule(days=st.integers(1, 3))
    def words_run_out(self, days: int) -> None:
        self.clock.move(2 * 86_400.0)
        try:
            self.leader.expire_words(days, "retention", term=self.leader.term)
        except Unconfirmed:
            return

    # What happens to the pair

    @rule(prompt=st.booleans())
    def the_line_is_slow_or_prompt(self, prompt: bool) -> None:
        self.prompt = prompt

    @rule(most=st.integers(1, 4))
    def some_shipments_arrive(self, most: int) -> None:
        self.deliver(most)

    @rule(most=st.integers(1, 3))
    def some_shipments_are_lost(self, most: int) -> None:
        del self.replica.on_the_way[:most]

    @rule(most_bytes=st.sampled_from([1, 700, 5_000, 1_000_000]))
    def the_standby_catches_up(self, most_bytes: int) -> None:
        self.replica.on_the_way.clear()
        self.catch_up(most_bytes)
        assert same(self.leader, self.standby)

    @rule()
    def the_standby_starts_again(self) -> None:
        self.standby.close()
        self.standby = self.homes.open(self.standby.home.name, following=True)

    @rule()
    def planned_handover(self) -> None:
        self.catch_up()
        self.leader.follow()
        self.change_places()

    @rule()
    def the_leader_dies_and_comes_back_as_the_follower(self) -> None:
        dead = self.leader
        dead.close()
        self.leader = self.homes.open(dead.home.name, following=True)
        self.change_places()

    def change_places(self) -> None:
        self.leader, self.standby = self.standby, self.leader
        self.replica = Careless(self)
        self.leader.lead(self.leader.home.name, max(self.leader.term, self.standby.term) + 1, self.replica)
        self.rejoin()

    def rejoin(self) -> None:
        common = self.standby.position
        while self.leader.replication.hash_at(common) != self.standby.replication.hash_at(common):
            common -= 1
        if common == self.standby.position:
            self.catch_up()
            return
        try:
            self.standby.replication.apply([travelled(self.leader.replication.read(common, 1_000_000))])
            raise AssertionError("a fork went unnoticed")
        except Forked:
            assert self.standby.replication.keep_divergent(common) is not None
        self.standby.close()
        self.homes.seed(self.leader, self.standby.home.name)
        self.standby = self.homes.open(self.standby.home.name, following=True)
        assert divergent.listed(self.standby.home)

    # What holds at any time

    @invariant()
    def nothing_that_was_acknowledged_is_lost(self) -> None:
        assert {row.id for row in self.leader.rows(limit=1_000)} >= self.safe
        assert self.standby_has() >= self.safe

    def standby_has(self) -> set[str]:
        return {row.id for row in self.standby.rows(limit=1_000)}

    @invariant()
    def both_chains_hold_and_their_tables_follow(self) -> None:
        for store in (self.leader, self.standby):
            found = store.verify(tables=True)
            assert found.ok, found.problems

    @invariant()
    def the_standby_refuses_callers(self) -> None:
        try:
            self.standby.set_switch("safe_mode", True, "x", term=self.standby.term)
            raise AssertionError("a follower took a caller's change")
        except NotLeading:
            pass

    @invariant()
    def the_standby_can_open_what_it_has(self) -> None:
        for row in self.standby.rows(limit=1_000):
            ours, theirs = self.opened(self.standby, row.id), self.opened(self.leader, row.id)
            assert ours == theirs or self.leader.position != self.standby.position

    def opened(self, store: Store, case: str) -> object:
        found = store.file(case)
        assert found is not None
        return msgspec.to_builtins(found.message)


TestAnythingInAnyOrder = TwoHomes.TestCase
TestAnythingInAnyOrder.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
