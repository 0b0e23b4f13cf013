"""Journals that part: where is found, who must give way is checked, and nothing is mended on the line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.pair.copying.frames import Diverged, Follow, HashAt, Probe
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.line.errors import LineLost
from appliance.pair.line.wire import Line, Open
from tests.unit.pair.copying.conftest import Bench, Keys
from tests.unit.pair.copying.support import QUICK, SECONDS, Leader, call, journal, twin


def fork(bench: Bench, shared: int, theirs: int, ours: int) -> tuple[Leader, int]:
    """Two homes with a common beginning: "b" went on alone in term 2, and a leader in term 3 that never heard of it. Where they part."""
    first = bench.leader()
    first.work.mails(shared)
    common = first.store.position
    twin(first.store, bench.folder / "b")
    first.close()
    alone = Leader(bench.folder / "b", bench.keys, term=2)
    alone.work.mails(theirs)
    alone.close()
    leader = bench.leader(term=3)
    leader.work.mails(ours)
    return leader, common


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_where_two_journals_part_is_found_exactly(
    keys: Keys, tmp_path_factory: pytest.TempPathFactory, shared: int, theirs: int, ours: int
) -> None:
    bench = Bench(tmp_path_factory.mktemp("fork"), keys)
    try:
        leader, common = fork(bench, shared, theirs, ours)
        standby = bench.standby(leader)
        before = journal(standby.store)
        assert standby.heard.wait("diverged") == common
        assert journal(standby.store) == before, "nothing is mended on the line"
        assert leader.shipper.shipped == common
    finally:
        bench.close()


def test_a_standby_whose_longer_tail_is_of_an_earlier_term_has_diverged(bench: Bench) -> None:
    leader, common = fork(bench, 3, theirs=20, ours=1)
    standby = bench.standby(leader)
    assert standby.store.position > leader.store.position
    assert standby.heard.wait("diverged") == common


def test_a_standby_of_a_later_term_than_the_leaders_is_not_talked_to(bench: Bench) -> None:
    leader, _ = fork(bench, 3, theirs=2, ours=2)
    line = call(bench.back, leader.listener.port, "follow")
    line.send(Follow(position=5, term=4, hash=b"x" * 32, slots=0))
    with pytest.raises(LineLost):
        line.receive(Probe, SECONDS)


def test_what_a_node_wrote_before_it_joined_keeps_it_from_nothing_however_often_it_was_started(bench: Bench) -> None:
    alone = Leader(bench.folder / "b", bench.keys, term=7)
    alone.work.mails(20)
    alone.close()
    leader = bench.leader(term=3, peer_joined=lambda: False)
    standby = bench.standby(leader)
    assert (standby.store.term, standby.store.position) > (leader.store.term, leader.store.position)
    assert standby.heard.wait("seed_needed") == "not_joined"


def test_a_node_that_was_seeded_goes_on_though_it_was_never_in_step(bench: Bench) -> None:
    leader = bench.leader(term=3, peer_joined=lambda: False)
    standby = bench.standby(leader)
    leader.work.mails(3)
    leader.until_all_is_held()
    assert standby.heard.all("seed_needed") == []


def test_a_leader_whose_journal_is_the_shorter_one_replaces_nothing(bench: Bench) -> None:
    """The standby has the later term: whoever says that its entries must go is mistaken or stale."""
    said: list[str] = []

    def stale(line: Line, _: Open) -> None:
        follow = line.receive(Follow, SECONDS)
        line.send(Probe(position=1))
        line.receive(HashAt, SECONDS)
        said.append("diverged")
        line.send(Diverged(common=0, position=follow.position + 1_000, term=follow.term - 1))
        line.let_go()

    leader = bench.leader()
    leader.close()
    leader = bench.leader(term=2)
    liar = bench.leader("liar", services={"follow": stale})
    standby = bench.standby(leader, port=lambda: liar.listener.port)
    while len(said) < 2:
        threading_wait()
    assert standby.heard.all("diverged") == []
    assert "wants to replace" in standby.follower.trouble


def threading_wait() -> None:
    import threading

    threading.Event().wait(0.01)


def test_an_empty_standby_is_told_to_fetch_the_whole_database(bench: Bench) -> None:
    leader = bench.leader()
    Path(bench.folder / "b").mkdir()
    standby = bench.standby(leader)
    assert standby.heard.wait("seed_needed") == "empty"
    assert standby.store.position == 0


def test_a_standby_that_is_far_behind_is_told_to_fetch_the_whole_database(bench: Bench) -> None:
    leader = bench.leader(limits=CopyLimits(seed_beyond=50))
    standby = bench.standby(leader, port=lambda: 1)
    leader.work.mails(60)
    standby.close()
    late = bench.standby(leader, limits=QUICK)
    assert late.heard.wait("seed_needed") == "far_behind"
