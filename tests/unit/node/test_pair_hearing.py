"""What a node of a pair believes of what comes over the network, and what of it reaches the lease."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from appliance.ground.clock import SystemClock
from appliance.node.engines import make_engines
from appliance.node.pair_side import PairSide
from appliance.pair.copying.errors import SeedFailed
from appliance.pair.line.certificate import load_or_make
from appliance.pair.meeting.kept import enter
from appliance.pair.meeting.membership import Membership
from appliance.pair.messages import Beat, End, Kept
from appliance.settings.model import PairSettings, Settings
from appliance.store.store import Store
from tests.unit.node.pair_parts import ME, PEER
from tests.unit.store.support import DIRECTORY

CLOCK = SystemClock()
THERE = ("10.77.0.2", 7789)
ELSEWHERE = ("10.77.0.66", 4000)


@pytest.fixture
def side(tmp_path: Path) -> Iterator[PairSide]:
    home = tmp_path / "home"
    peer = load_or_make(tmp_path / "peer", PEER)
    membership = Membership(
        pair="p-1", me=ME, peer=PEER, side="a", peer_fingerprint=peer.fingerprint, peer_certificate=peer.certificate, secret=b"s" * 32,
        paired_at=1.0, key="0" * 64,
    )  # fmt: skip
    enter(home, membership, Kept(term=1, joined=True))
    store = Store.open(home, CLOCK, directory=DIRECTORY, following=True)
    settings = Settings(home=home, pair=PairSettings(listen="127.0.0.1", port=0))
    side = PairSide(settings, membership, store, CLOCK, (), make_engines(settings, CLOCK))
    yield side
    side.follower.close()
    store.close()


def beat(boot: int, at: float) -> Beat:
    return Beat(
        sender=PEER, boot=boot, sent_at=at, term=3, phase="leader", end=End(), healthy=True, joined=True, in_sync=True, yields=False
    )  # fmt: skip


def test_words_of_the_peer_that_somebody_repeats_do_not_tell_that_it_lives(side: PairSide) -> None:
    """Whoever recorded the last heartbeat of a leader that died could else keep this node standing by for ever."""
    heard: list[Beat] = []
    side.keeper.hear_beat = heard.append  # type: ignore[method-assign]
    first, second, restarted = beat(1, 10.0), beat(1, 10.3), beat(2, 0.1)
    for each in (first, second):
        side._heard(each, THERE)
    for _ in range(3):
        side._heard(second, ELSEWHERE)
        side._heard(first, ELSEWHERE)
    assert heard == [first, second]
    assert side.book.last == THERE
    side._heard(restarted, THERE)
    side._heard(replace(restarted, boot=1, sent_at=99.0), ELSEWHERE)
    assert heard == [first, second, restarted]


def test_a_seed_that_cannot_be_had_is_asked_for_less_and_less_often(side: PairSide) -> None:
    """For each try the leader copies its whole database; a standby without room for it may be left so for days."""
    asked: list[float] = []

    def no_room() -> bool:
        asked.append(now[0])
        raise SeedFailed("No room.", "Make some.", code="standby_no_room")

    now = [1000.0]
    side.files.pull = no_room  # type: ignore[method-assign]
    side.clock = _Clock(now)
    while now[0] < 1000.0 + 3600.0:
        side._fetch_seed("damaged")
        now[0] += 1.0
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert set(pauses[6:]) == {60.0}


class _Clock(SystemClock):
    def __init__(self, at: list[float]) -> None:
        self._at = at

    def elapsed(self) -> float:
        return self._at[0]
