"""Whether both nodes hold the same, and the ends of the journal that both have signed."""

import threading
from typing import Any

from appliance.pair.copying.digests import Counting, Digests, differing
from appliance.pair.copying.limits import CopyLimits
from appliance.store.shipment import TableDigest
from appliance.store.store import Store
from tests.unit.pair.copying.conftest import Bench
from tests.unit.pair.copying.support import CLOCK, SECONDS, Heard, Leader, Standby


class Comparing:
    """A leader and a standby that compare when asked."""

    def __init__(self, bench: Bench, every: float = 3_600.0, **limits: Any) -> None:
        self.heard = Heard()
        self.digests: list[Digests] = []
        self.standbys: list[Standby] = []

        def digests(store: Store) -> Digests:
            limits = CopyLimits(digest_seconds=every)
            self.digests.append(Digests(store, CLOCK, self.heard, self._standby_key, limits=limits))
            return self.digests[0]

        self.leader: Leader = bench.leader(digests=digests, limits=CopyLimits(**limits))
        self.leader.work.mails(5)
        self.standby: Standby = bench.standby(
            self.leader, counting=lambda store, heard: Counting(store, heard, self.leader.store.replication.head_key)
        )
        self.leader.until_all_is_held()

    def _standby_key(self) -> str:
        return self.standby.store.replication.head_key()

    def compare(self) -> bool | None:
        return self.digests[0].compare(SECONDS)


def countersigned(store: Store) -> list[Any]:
    from appliance.store import heads

    return store._readers.ask(heads.countersigned)


def until(done: Any) -> None:
    for _ in range(int(SECONDS / 0.01)):
        if done():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come to be")


def test_two_nodes_that_hold_the_same_find_so_and_sign_each_others_heads(bench: Bench) -> None:
    both = Comparing(bench)
    assert both.compare() is True
    assert both.heard.wait("same") == both.leader.store.position
    until(lambda: countersigned(both.leader.store) and countersigned(both.standby.store))
    for store, peer in ((both.leader.store, both.standby.store), (both.standby.store, both.leader.store)):
        (head,) = countersigned(store)
        assert head.holds()
        assert (head.node_key, head.peer_key) == (store.replication.head_key(), peer.replication.head_key())
        assert store.verify().ok


def test_they_compare_at_one_entry_while_others_are_written(bench: Bench) -> None:
    both = Comparing(bench)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            both.leader.work.mails(1)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    found = [both.compare() for _ in range(10)]
    stop.set()
    writer.join(SECONDS)
    assert found == [True] * 10
    assert both.heard.all("differs") == []
    assert len(set(both.heard.all("same"))) > 1, "at different entries"


def test_a_marker_stays_between_the_transactions_between_which_it_was_put(bench: Bench) -> None:
    """While the standby's disk stands still transactions gather before the marker and after it; they may not go in one frame."""
    both = Comparing(bench, window_bytes=1)
    free, found = threading.Event(), []
    holder = threading.Thread(target=lambda: both.standby.store._writer.between(lambda: free.wait(SECONDS)), daemon=True)
    holder.start()
    both.leader.work.mails(3)
    comparing = threading.Thread(target=lambda: found.append(both.compare()), daemon=True)
    comparing.start()
    sending = both.leader.shipper._sending
    assert sending is not None
    until(lambda: sending._posted)
    both.leader.work.mails(3)
    free.set()
    comparing.join(SECONDS)
    holder.join(SECONDS)
    assert found == [True]
    assert both.heard.wait("same") < both.leader.store.position


def test_they_compare_by_themselves(bench: Bench) -> None:
    both = Comparing(bench, every=0.05)
    until(lambda: len(both.heard.all("same")) >= 3)


def edit(store: Store, sql: str) -> None:
    """Behind the store's back, as a failing disk would."""

    def change() -> None:
        store._books.connection.execute(sql)

    store._writer.between(change)


def test_a_row_that_changed_on_the_standbys_disk_is_found_and_the_standby_examines_itself(bench: Bench) -> None:
    both = Comparing(bench)
    edit(both.standby.store, "UPDATE cases SET reason = 'changed'")
    assert both.compare() is False
    assert "cases" in both.heard.wait("differs")
    problems = both.standby.heard.wait("examined")
    assert problems, "it is the standby that is damaged, and it says so"
    assert both.leader.store.replication.examine() == ()


def test_a_row_that_changed_on_the_leaders_disk_is_found_and_the_standby_is_whole(bench: Bench) -> None:
    both = Comparing(bench)
    edit(both.leader.store, "DELETE FROM bodies WHERE id IN (SELECT max(id) FROM bodies)")
    assert both.compare() is False
    assert both.heard.wait("differs") == ("bodies",)
    assert both.standby.heard.wait("examined") == ()
    assert both.leader.store.replication.examine()


def test_no_answer_is_no_verdict(bench: Bench) -> None:
    both = Comparing(bench)
    both.standby.follower.stop_following()
    both.leader.shipper.end()
    assert both.digests[0].compare(0.1) is None
    assert both.heard.all("differs") == []


def test_a_standby_that_cannot_count_keeps_following(bench: Bench) -> None:
    both = Comparing(bench)
    counting = both.standby.follower._counting
    assert counting is not None
    assert counting._counting.acquire(blocking=False)  # as while it still counts for an earlier one
    assert both.compare() is None
    assert both.heard.all("differs") == []
    both.leader.work.mails(2)
    both.leader.until_all_is_held()
    counting._counting.release()
    assert both.compare() is True


def test_a_head_that_was_signed_with_another_key_is_not_countersigned(bench: Bench) -> None:
    both = Comparing(bench)
    counting = both.standby.follower._counting
    assert counting is not None
    counting._head_key = lambda: "ab" * 32
    assert both.compare() is True
    both.leader.work.mails(1)
    both.leader.until_all_is_held()
    assert countersigned(both.standby.store) == []
    assert countersigned(both.leader.store) == []


def digest(**other: Any) -> TableDigest:
    return TableDigest(**{"position": 5, "hash": b"h", "turn": 1, "tables": {"cases": "x", "bodies": "y"}, **other})


def test_what_differs_is_named() -> None:
    assert differing(digest(), digest()) == ()
    assert differing(digest(), digest(tables={"cases": "z", "bodies": "y"})) == ("cases",)
    assert differing(digest(), digest(tables={"cases": "x"})) == ("bodies",)
    assert differing(digest(), digest(hash=b"other")) == ("journal",)
    assert differing(digest(), digest(position=6)) == ("journal",)


def test_of_two_releases_only_what_both_keep_in_the_same_way_is_compared() -> None:
    older = digest(tables={"cases": "x", "bodies": "y", "chats": "1"}, shapes={"cases": "1", "bodies": "1", "chats": "1"})
    newer = digest(tables={"cases": "z", "bodies": "y", "later": "w"}, shapes={"cases": "2", "bodies": "1", "later": "1"})
    assert differing(older, newer) == differing(newer, older) == ()
    damaged = digest(tables={**newer.tables, "bodies": "q"}, shapes=newer.shapes)
    assert differing(older, damaged) == differing(damaged, older) == ("bodies",)
