"""A tail that lost is kept, shown, and forgets whom the journal forgets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store import divergent
from appliance.store.errors import Forked, Unconfirmed
from appliance.store.limits import StoreLimits
from tests.support.clock import FakeClock
from tests.support.replication import Line, Pair, same
from tests.unit.store.support import DIRECTORY, message
from tests.unit.store.test_replication import led


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, DIRECTORY, StoreLimits(slots_reserved=4))
    pair.join()
    yield pair
    pair.close()


class Alone(Line):
    """Whoever leads alone: everything may be acknowledged, nothing arrives."""

    def confirm(self, position: int) -> None:
        self.confirmed.append(position)


@pytest.fixture
def forked(pair: Pair, clock: FakeClock) -> int:
    """``a`` led on without ``b`` and sent something; then ``b`` took over. The last position that both have."""
    desk = led(pair.a, clock)
    desk.take_in(message(sender="old@x.example", text="before"))
    common = pair.a.position
    pair.a.lead("a", pair.a.term + 1, Alone(None))
    alone = led(pair.a, clock, desk.uid)
    alone.take_in(message(sender="old@x.example", text="again"), message(sender="new@x.example", text="first"))
    alone.settle(alone.claim())
    alone.settle(alone.claim())
    alone.finish(alone.started())
    pair.b.lead("b", pair.a.term + 1, Alone(None))
    led(pair.b, clock, 100).take_in(message(sender="other@x.example", text="hello"))
    pair.a.follow()
    return common


def rejoin(pair: Pair, common: int) -> Path:
    """As a node does whose tail lost: put it aside, and be seeded anew."""
    kept = pair.a.replication.keep_divergent(common)
    assert kept is not None
    pair.a.close()
    pair.seed(pair.b, "a")
    pair.a = pair.open("a", following=True)
    pair.lead(pair.b, pair.a)
    return kept


def test_a_tail_that_the_leader_does_not_have_is_a_fork(pair: Pair, forked: int) -> None:
    with pytest.raises(Forked):
        pair.a.replication.apply([pair.b.replication.read(forked - 1, 1_000_000)])
    assert pair.a.replication.hash_at(forked) == pair.b.replication.hash_at(forked)
    assert pair.a.replication.hash_at(forked + 1) != pair.b.replication.hash_at(forked + 1)
    assert pair.a.replication.hash_at(forked + 100) is None


def test_the_tail_is_kept_and_shown_with_what_was_sent(pair: Pair, forked: int) -> None:
    term, end = pair.a.term, pair.a.position
    kept = rejoin(pair, forked)
    assert same(pair.a, pair.b)
    (tail,) = divergent.listed(pair.a.home)
    assert (tail.name, tail.common, tail.term, tail.entries) == (kept.name, forked, term, end - forked)
    assert tail.kinds["message_received"] == 2
    assert tail.kinds["delivery_sent"] == len(tail.sent) == 1
    assert tail.sent[0].message_id.startswith("<")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert pair.b.replication.keep_divergent(pair.b.position) is None
    assert divergent.listed(pair.b.home) == []


@pytest.mark.parametrize(("address", "left"), [("new@x.example", "old"), ("old@x.example", "new")])
def test_who_is_erased_is_erased_from_the_tail_too(pair: Pair, forked: int, clock: FakeClock, address: str, left: str) -> None:
    kept = rejoin(pair, forked)
    before = divergent.read(kept)
    assert before is not None
    desk = led(pair.b, clock, 200)
    if left == "old":
        desk.take_in(message(sender=address, text="hello again"))
    pair.b.erase_customer(address, "owner", term=desk.term)
    after = divergent.read(kept)
    assert after is not None
    assert 0 < len(after.bodies) < len(before.bodies)
    assert after.entries == before.entries
    assert bool(after.keys) == (left == "new")
    slots = {body.slot for body in after.bodies}
    assert slots == {slot for slot in {body.slot for body in before.bodies} if (slot in before.keys) == (left == "new")}


def test_a_slot_number_that_the_tail_used_for_somebody_else_costs_nobody_their_words(pair: Pair, forked: int) -> None:
    kept = rejoin(pair, forked)
    before = divergent.read(kept)
    assert before is not None
    (slot,) = pair.b._readers.one("SELECT slot FROM cases ORDER BY no DESC LIMIT 1")
    assert slot in before.keys
    pair.b.erase_customer("other@x.example", "owner", term=pair.b.term)
    assert divergent.read(kept) == before


def test_an_erasure_that_was_cut_short_reaches_the_tail_at_the_next_start(pair: Pair, forked: int) -> None:
    kept = rejoin(pair, forked)
    before = divergent.read(kept)
    assert before is not None
    pair.a.replication._forget = lambda _: None  # type: ignore[method-assign]
    pair.b.erase_customer("old@x.example", "owner", term=pair.b.term)
    assert divergent.read(kept) == before
    pair.a.close()
    pair.a = pair.open("a", following=True)
    after = divergent.read(kept)
    assert after is not None
    assert len(after.bodies) < len(before.bodies)


def test_the_old_file_is_wiped(pair: Pair, forked: int) -> None:
    kept = rejoin(pair, forked)
    tail = divergent.read(kept)
    assert tail is not None
    (key,) = tail.keys.values()
    with kept.open("rb") as old:
        event = divergent.CustomerErased(at=1.0, customer=pair.a._prints.customer("new@x.example").hex(), bodies=0)
        divergent.forget(pair.a.home, event)
        assert key.encode() not in old.read()
    assert key.encode() not in kept.read_bytes()


def test_a_tail_that_cannot_be_read_is_listed_and_does_not_outlive_an_erasure(pair: Pair, forked: int) -> None:
    kept = rejoin(pair, forked)
    kept.write_bytes(b"{half")
    (tail,) = divergent.listed(pair.a.home)
    assert not tail.readable
    pair.b.erase_customer("old@x.example", "owner", term=pair.b.term)
    assert not kept.exists()


def test_a_tail_may_be_removed_by_name(pair: Pair, forked: int) -> None:
    kept = rejoin(pair, forked)
    assert not divergent.remove(pair.a.home, "../keyring")
    assert divergent.remove(pair.a.home, kept.name)
    assert divergent.listed(pair.a.home) == []


def test_an_erasure_that_nobody_confirmed_is_done_here_all_the_same(pair: Pair, forked: int) -> None:
    kept = pair.a.replication.keep_divergent(forked)
    assert kept is not None
    pair.a.lead("a", pair.a.term + 5, Line(None))
    with pytest.raises(Unconfirmed):
        pair.a.erase_customer("old@x.example", "owner", term=pair.a.term)
    after = divergent.read(kept)
    assert after is not None
    assert {body.slot for body in after.bodies} == set(after.keys)


def test_an_erasure_that_stands_in_a_tail_that_lost_is_found_there_and_repeated_on_both(pair: Pair, clock: FakeClock) -> None:
    desk = led(pair.a, clock)
    desk.take_in(message(sender="old@x.example", text="before"))
    (slot,) = pair.b._readers.one("SELECT slot FROM cases") or ()
    common = pair.a.position
    pair.a.lead("a", pair.a.term + 1, Alone(None))
    pair.a.erase_customer("old@x.example", "owner", term=pair.a.term)
    pair.b.lead("b", pair.a.term + 1, Alone(None))
    pair.a.follow()
    kept = rejoin(pair, common)
    assert pair.a._keyring.key(slot) is not None, "the leader knew nothing of it"
    (customer,) = divergent.erasures(pair.a.home, kept.name)
    assert pair.b.erase_again(customer, "rejoin", term=pair.b.term)
    assert pair.b._keyring.key(slot) is None
    assert pair.a._keyring.key(slot) is None
    assert not pair.b.erase_again(customer, "rejoin", term=pair.b.term), "once is enough"
    same(pair.a, pair.b)
