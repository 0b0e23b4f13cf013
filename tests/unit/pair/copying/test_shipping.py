"""When the leader may acknowledge, and what it tells the keeper, without any standby on the line."""

import threading
from pathlib import Path

import pytest

from appliance.pair.copying.limits import CopyLimits
from appliance.pair.copying.shipping import Shipper
from appliance.store.errors import Unconfirmed
from appliance.store.journal import Entry
from appliance.store.shipment import Shipment
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.pair.copying.conftest import Bench
from tests.unit.pair.copying.support import SECONDS, Lease
from tests.unit.store.support import open_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lease() -> Lease:
    return Lease()


@pytest.fixture
def shipper(tmp_path: Path, clock: FakeClock, lease: Lease):  # type: ignore[no-untyped-def]
    store: Store = open_store(tmp_path / "home", clock)
    shipper = Shipper(store, clock, lease.may_acknowledge, lease.leads, lease.changed, limits=CopyLimits(backlog_bytes=1_000))
    shipper.begin()
    yield shipper
    store.close()


def shipment(position: int, size: int = 10) -> Shipment:
    return Shipment(entries=(Entry(position, 1, 1, "kind", 0.0, b"x" * size, 0, b"", b""),))


class Asking:
    """A writer that waits for leave to acknowledge."""

    def __init__(self, shipper: Shipper, position: int) -> None:
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(shipper, position), daemon=True)
        self._thread.start()

    def _run(self, shipper: Shipper, position: int) -> None:
        try:
            shipper.confirm(position)
        except Unconfirmed as error:
            self.error = error
        self.ended.set()

    def result(self) -> Exception | None:
        assert self.ended.wait(SECONDS)
        return self.error


def test_a_leader_alone_by_its_lease_acknowledges_at_once(shipper: Shipper, lease: Lease) -> None:
    lease.becomes(solo=True)
    shipper.ship(shipment(1))
    assert Asking(shipper, 1).result() is None


def test_what_waits_for_the_standby_goes_on_when_the_leader_may_commit_alone(shipper: Shipper, lease: Lease) -> None:
    shipper.ship(shipment(1))
    asking = Asking(shipper, 1)
    assert not asking.ended.wait(0.05)
    lease.becomes(solo=True)
    assert asking.result() is None


def test_what_waits_is_refused_when_the_lead_is_lost(shipper: Shipper, lease: Lease) -> None:
    shipper.ship(shipment(1))
    asking = Asking(shipper, 1)
    lease.becomes(leading=False)
    error = asking.result()
    assert isinstance(error, Unconfirmed)
    assert "does not lead" in str(error)


def test_what_waits_too_long_is_refused(shipper: Shipper, lease: Lease, clock: FakeClock) -> None:
    shipper.ship(shipment(1))
    asking = Asking(shipper, 1)
    assert not asking.ended.wait(0.05)
    clock.move(CopyLimits().confirm_seconds)
    lease.becomes()
    error = asking.result()
    assert isinstance(error, Unconfirmed)
    assert "in time" in str(error)


def test_a_lease_that_has_run_out_for_now_is_waited_for(shipper: Shipper, lease: Lease) -> None:
    lease.may_acknowledge = lambda _: lease.solo  # type: ignore[method-assign]
    shipper._may_acknowledge = lease.may_acknowledge
    asking = Asking(shipper, 1)
    assert not asking.ended.wait(0.05)
    lease.becomes(solo=True)
    assert asking.result() is None


def test_the_oldest_entry_that_waits_says_how_long_and_a_new_leadership_starts_anew(shipper: Shipper, clock: FakeClock) -> None:
    clock.move(1.0)
    shipper.ship(shipment(1))
    clock.move(2.0)
    shipper.ship(shipment(2))
    assert (shipper.written, shipper.shipped, shipper.lag) == (2, 0, 2)
    assert shipper.waiting_seconds(clock.elapsed()) == 2.0
    shipper.begin()
    assert (shipper.written, shipper.shipped, shipper.waiting_seconds(clock.elapsed())) == (0, 0, 0.0)


def test_what_an_earlier_leadership_left_waits_since_this_one_began(bench: Bench) -> None:
    leader = bench.leader()
    now = leader.store.clock.elapsed()
    leader.shipper.begin()
    assert leader.shipper.lag == leader.store.position
    assert 59.0 < leader.shipper.waiting_seconds(now + 60.0) <= 60.0


def test_shipping_without_a_standby_keeps_nothing_and_never_blocks(shipper: Shipper) -> None:
    for position in range(1, 1_001):
        shipper.ship(shipment(position, size=10_000))
    assert len(shipper.backlog) == 0
    assert shipper.written == 1_000
    shipper.ship(Shipment())
    assert shipper.written == 1_000


def test_a_real_store_waits_for_its_replica_before_it_tells_anybody(bench: Bench) -> None:
    leader = bench.leader(limits=CopyLimits(confirm_seconds=0.05), solo=True)
    leader.lease.becomes(solo=False)
    with pytest.raises(Unconfirmed):
        leader.work.mails(1)
    leader.lease.becomes(solo=True)
    leader.work.mails(1)
