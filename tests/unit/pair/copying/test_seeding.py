"""The whole database for a standby that has none."""

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from appliance.pair.copying import seeding
from appliance.pair.copying.errors import SeedFailed
from appliance.pair.copying.frames import SeedEnd, SeedKeys, SeedPart, SeedStart, SeedWait, SeedWish, Turned
from appliance.pair.copying.seeding import Seeds, fetch_seed, take_seed
from appliance.pair.line.errors import LineError
from appliance.pair.line.listener import Service
from appliance.pair.line.wire import Line, Open
from tests.unit.pair.copying.conftest import Bench
from tests.unit.pair.copying.support import SECONDS, Leader, Proxy, call, same, until_lost


def with_seeds(bench: Bench, **settings: Any) -> tuple[Leader, Seeds]:
    """A leader that gives its database, and the seeds."""
    made: list[Seeds] = []

    def serve(line: Line, open_: Open) -> None:
        made[0].serve(line, open_)

    leader = bench.leader(services={"seed": serve})
    made.append(Seeds(leader.store, bench.folder / "a" / "pair", **settings))
    return leader, made[0]


def dialler(bench: Bench, port: Callable[[], int]) -> Callable[[], Line]:
    return lambda: call(bench.back, port(), "seed")


def arrived(bench: Bench) -> Path:
    return bench.folder / "b" / "pair"


def fetch_in_the_end(bench: Bench, port: Callable[[], int]) -> None:
    """Fetch it as soon as the leader has noticed that the one before is gone."""
    for _ in range(1_000):
        with suppress(SeedFailed):
            fetch_seed(dialler(bench, port), arrived(bench))
            return
        threading.Event().wait(0.02)
    raise AssertionError("it stayed busy")


def test_an_empty_standby_fetches_everything_and_follows_from_there(bench: Bench) -> None:
    leader, _ = with_seeds(bench)
    leader.work.mails(20)
    told: list[tuple[int, int]] = []
    seed = fetch_seed(dialler(bench, lambda: leader.listener.port), arrived(bench), lambda *both: told.append(both))
    assert seed.end == leader.store.replication.end()
    assert told[-1][0] == told[-1][1] == seed.database.stat().st_size
    leader.work.mails(5)
    assert take_seed(bench.folder / "b")
    standby = bench.standby(leader)
    leader.until_all_is_held()
    same(leader.store, standby.store)
    assert standby.heard.all("seed_needed") == []
    assert list((bench.folder / "a" / "pair").iterdir()) == [], "the leader keeps no copy"
    assert list(arrived(bench).iterdir()) == [], "nor does the standby"
    assert {path.stat().st_mode & 0o777 for path in (bench.folder / "b" / "tandem.db", bench.folder / "b" / "keyring")} == {0o600}


def test_a_database_that_is_written_to_meanwhile_arrives_as_of_one_moment(bench: Bench) -> None:
    leader, _ = with_seeds(bench)
    leader.work.mails(50, size=20_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            leader.work.mails(1, size=5_000)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    seed = fetch_seed(dialler(bench, lambda: leader.listener.port), arrived(bench))
    stop.set()
    writer.join(SECONDS)
    assert leader.store.position >= seed.end.position
    assert take_seed(bench.folder / "b")
    standby = bench.standby(leader)
    leader.until_all_is_held()
    same(leader.store, standby.store)


@pytest.mark.parametrize("cut", [2_000, 60_000, 300_000, 700_000])
def test_a_cut_leaves_nothing_half_and_the_next_try_succeeds(bench: Bench, cut: int) -> None:
    leader, _ = with_seeds(bench)
    leader.work.mails(50, size=20_000)
    proxy = bench.later(Proxy(lambda: leader.listener.port, [cut]))
    with pytest.raises(LineError):
        fetch_seed(dialler(bench, lambda: proxy.port), arrived(bench))
    assert list(arrived(bench).iterdir()) == []
    assert not take_seed(bench.folder / "b")
    fetch_in_the_end(bench, lambda: proxy.port)
    assert take_seed(bench.folder / "b")
    assert not take_seed(bench.folder / "b"), "once"


def test_a_seed_that_was_left_half_by_a_crash_is_cleared_away(bench: Bench) -> None:
    folder = arrived(bench)
    folder.mkdir(parents=True)
    (folder / "seed.database").write_bytes(b"whole, but its keys never came")
    (folder / "seed.database.part").write_bytes(b"half")
    assert not take_seed(bench.folder / "b")
    assert list(folder.iterdir()) == []


def test_only_one_is_given_at_a_time(bench: Bench) -> None:
    leader, _ = with_seeds(bench)
    leader.work.mails(30, size=20_000)
    dial = dialler(bench, lambda: leader.listener.port)
    first = dial()
    first.send(SeedWish())
    first.receive(SeedStart, SECONDS)
    with pytest.raises(SeedFailed) as refused:
        fetch_seed(dial, arrived(bench))
    assert refused.value.code == "busy"
    first.close()
    fetch_in_the_end(bench, lambda: leader.listener.port)


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(("full", "code"), [("a", "leader_no_room"), ("b", "standby_no_room")])
def test_a_disk_without_room_is_said_before_anything_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, full: str, code: str
) -> None:
    leader, _ = with_seeds(bench)
    real = shutil.disk_usage
    monkeypatch.setattr(
        seeding.shutil, "disk_usage", lambda path: Disk(10, 10, 0) if bench.folder / full in Path(path).parents else real(path)
    )
    with pytest.raises(SeedFailed) as failed:
        fetch_seed(dialler(bench, lambda: leader.listener.port), arrived(bench))
    assert failed.value.code == code
    assert "room" in failed.value.remedy
    assert list((bench.folder / full / "pair").iterdir()) == []


def hostile(*said: Any) -> Service:
    def service(line: Line, _: Open) -> None:
        line.receive(SeedWish, SECONDS)
        for each in said:
            line.send(each)
        until_lost(line)

    return service


END = SeedEnd(sha256=b"x" * 32, position=1, term=1, hash=b"y" * 32)


@pytest.mark.parametrize(
    "said",
    [
        (SeedPart(data=b"x"),),
        (END,),
        (SeedStart(total=2), SeedPart(data=b"xxx")),
        (SeedStart(total=2), SeedPart(data=b"xx"), END),
        (SeedStart(total=3), SeedPart(data=b"xx"), END),
        (SeedStart(total=2), SeedPart(data=b"xx"), SeedKeys(data=b"k"), SeedPart(data=b"x")),
        (SeedWait(), SeedStart(total=1), SeedStart(total=1)),
        (SeedStart(total=2**60),),
        (Turned(code="whatever"),),
    ],
    ids=[
        "in the middle",
        "the end alone",
        "too much",
        "wrong digest",
        "too little",
        "a part after the keys",
        "twice",
        "larger than any disk",
        "turned away",
    ],
)
def test_a_seed_that_is_not_what_it_says_leaves_nothing(bench: Bench, said: tuple[Any, ...]) -> None:
    leader = bench.leader(services={"seed": hostile(*said)})
    with pytest.raises(SeedFailed):
        fetch_seed(dialler(bench, lambda: leader.listener.port), arrived(bench))
    assert list(arrived(bench).iterdir()) == []


@pytest.mark.parametrize("damaged", ["seed.database", "seed.keys"])
def test_a_seed_that_is_damaged_is_thrown_away_and_the_node_starts_with_what_it_has(bench: Bench, damaged: str) -> None:
    leader, _ = with_seeds(bench)
    leader.work.mails(20)
    standby = bench.standby(leader)
    standby.close()
    fetch_seed(dialler(bench, lambda: leader.listener.port), arrived(bench))
    file = arrived(bench) / damaged
    content = bytearray(file.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 9_000] = b"x" * 9_000
    file.write_bytes(content)
    assert not take_seed(bench.folder / "b")
    assert sorted(path.name for path in arrived(bench).iterdir()) == []
    leader.work.mails(3)
    again = bench.standby(leader)
    leader.until_all_is_held()
    same(leader.store, again.store)


def test_keys_that_have_done_their_service_are_wiped_before_they_go(bench: Bench) -> None:
    leader, _ = with_seeds(bench)
    leader.work.mails(3)
    bench.standby(leader).close()
    seed = fetch_seed(dialler(bench, lambda: leader.listener.port), arrived(bench))
    secret = seed.keys[-64:-32]
    with (arrived(bench) / "seed.keys").open("rb") as keys, (bench.folder / "b" / "keyring").open("rb") as before:
        assert secret in keys.read()
        assert take_seed(bench.folder / "b")
        for old in (keys, before):
            old.seek(0)
            assert set(old.read()) == {0}
