"""A node that has nothing, or whose tail lost, gets a whole home, and goes on from there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store import seed, sqlite
from appliance.store.errors import KeyringError, StoreCorrupt, StoreLocked
from appliance.store.keyring import Keyring
from appliance.store.limits import StoreLimits
from appliance.store.replication import install_seed
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.replication import Pair, catch_up, same
from tests.unit.store.support import DIRECTORY, Desk, message
from tests.unit.store.test_replication import led

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def pair(tmp_path: Path, clock: FakeClock) -> Iterator[Pair]:
    pair = Pair(tmp_path, clock, DIRECTORY, StoreLimits(slots_reserved=4))
    yield pair
    pair.close()


@pytest.fixture
def desk(pair: Pair, clock: FakeClock) -> Desk:
    desk = Desk(pair.a, clock)
    for number in range(20):
        desk.answer(message(sender=f"c{number}@x.example", text=f"question {number}"))
    return desk


def test_a_node_that_joins_gets_what_was_there_before_and_goes_on(pair: Pair, desk: Desk, clock: FakeClock) -> None:
    pair.join()
    assert same(pair.a, pair.b)
    desk = led(pair.a, clock, desk.uid)
    desk.take_in(message(text="after"))
    assert same(pair.a, pair.b)
    assert [row.subject for row in pair.b.rows()] == [row.subject for row in pair.a.rows()]


def test_a_seed_is_of_one_moment_while_the_leader_goes_on_writing(pair: Pair, desk: Desk, tmp_path: Path) -> None:
    stop = threading.Event()

    def writes() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            desk.receive(message(sender=f"m{number}@x.example", text="meanwhile"))

    writer = threading.Thread(target=writes)
    writer.start()
    try:
        ends = []
        for number in range(3):
            assert pair.a.wait_for_change(pair.a.position, 10)
            ends.append(pair.a.replication.snapshot(tmp_path / f"{number}.seed"))
    finally:
        stop.set()
        writer.join(10)
    for number, end in enumerate(ends):
        install_seed(tmp_path / f"home{number}", tmp_path / f"{number}.seed", pair.a.replication.keys())
        with Store.open(tmp_path / f"home{number}", pair.clock, following=True) as store:
            assert store.replication.end() == end
            assert store.verify(tables=True).ok
            catch_up(store, pair.a)
            assert same(store, pair.a)


def test_what_is_written_between_the_look_and_the_copy_is_in_neither(
    pair: Pair, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = sqlite.copy

    def late(source: sqlite.Connection, path: Path) -> None:
        desk.receive(message(text="just now"))
        copy(source, path)

    monkeypatch.setattr(sqlite, "copy", late)
    end = pair.a.replication.snapshot(tmp_path / "b.seed")
    install_seed(tmp_path / "b", tmp_path / "b.seed", pair.a.replication.keys())
    pair.b = pair.open("b", following=True)
    assert pair.b.replication.end() == end
    assert end.position == pair.a.position - 1


def test_a_snapshot_is_for_its_owner_alone_and_replaces_an_older_one(pair: Pair, tmp_path: Path) -> None:
    target = tmp_path / "old.seed"
    target.write_bytes(b"half a seed")
    end = pair.a.replication.snapshot(target)
    assert end == pair.a.replication.end()
    assert target.stat().st_mode & 0o777 == 0o600


def test_each_node_keeps_its_own_signing_key_and_its_own_heads(pair: Pair) -> None:
    pair.a.sign_head()
    pair.join()
    one, other = pair.a.replication, pair.b.replication
    assert one.head_key() != other.head_key()
    assert pair.b._readers.one("SELECT count(*) FROM heads") == (0,)
    own = other.head_key()
    pair.b.close()
    pair.seed(pair.a, "b")
    pair.b = pair.open("b", following=True)
    assert pair.b.replication.head_key() == own
    shared = pair.a.replication.keys()
    assert pair.a._keyring.signing_key.hex().encode() not in shared


@pytest.mark.parametrize("step", ["_prepare", "_remove_log", "Keyring.install", "os.replace", "flush_directory"])
def test_a_seed_whose_installation_was_cut_short_is_installed_by_doing_it_again(
    pair: Pair, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock, step: str
) -> None:
    pair.join()
    led(pair.a, clock, desk.uid).take_in(message(text="more"))
    pair.b.close()
    database = tmp_path / "b.seed"
    end, keys = pair.a.replication.snapshot(database), pair.a.replication.keys()

    class PowerLoss(Exception):
        pass

    def dies(*_: object) -> None:
        raise PowerLoss

    with monkeypatch.context() as patch:
        patch.setattr(f"appliance.store.seed.{step}", dies)
        if step == "flush_directory":
            patch.setattr(seed, "_flush", lambda _: None)
        with pytest.raises(PowerLoss):
            install_seed(tmp_path / "b", database, keys)
    install_seed(tmp_path / "b", database, keys)
    assert not database.exists()
    pair.b = pair.open("b", following=True)
    assert pair.b.replication.end() == end
    assert same(pair.a, pair.b)


def test_what_the_old_home_had_in_its_log_does_not_come_over_the_seed(pair: Pair, desk: Desk, clock: FakeClock) -> None:
    pair.join()
    led(pair.a, clock, desk.uid).take_in(message(text="in the log"))
    log = pair.b.home / "tandem.db-wal"
    left_behind = log.read_bytes()
    assert left_behind
    pair.b.close()
    log.write_bytes(left_behind)  # as after a power loss
    end = pair.seed(pair.a, "b")
    assert not log.exists()
    pair.b = pair.open("b", following=True)
    assert pair.b.replication.end() == end
    assert same(pair.a, pair.b)


def test_a_seed_is_refused_while_the_store_is_open(pair: Pair, tmp_path: Path) -> None:
    pair.a.replication.snapshot(tmp_path / "x.seed")
    with pytest.raises(StoreLocked):
        install_seed(tmp_path / "a", tmp_path / "x.seed", pair.a.replication.keys())
    assert (tmp_path / "x.seed").exists()


def test_a_seed_with_other_keys_or_damaged_pages_changes_nothing(pair: Pair, tmp_path: Path, clock: FakeClock) -> None:
    pair.join()
    pair.b.close()
    database, keys = tmp_path / "x.seed", pair.a.replication.keys()
    pair.a.replication.snapshot(database)
    with Store.open(tmp_path / "foreign", clock) as foreign:
        foreign_keys = foreign.replication.keys()
    home = tmp_path / "b"
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    with pytest.raises(KeyringError):
        install_seed(home, database, foreign_keys)
    with pytest.raises(KeyringError):
        install_seed(home, database, keys[:-1])
    with pytest.raises(StoreCorrupt):
        install_seed(tmp_path / "nothing", tmp_path / "never", keys)
    content = bytearray(database.read_bytes())
    content[4096 * 3 : 4096 * 9] = b"\xff" * 4096 * 6
    database.write_bytes(content)
    with pytest.raises(StoreCorrupt):
        install_seed(home, database, keys)
    assert {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()} == before
    pair.b = pair.open("b", following=True)
    assert same(pair.a, pair.b)


def test_a_keyring_that_was_installed_opens_the_words_of_before(pair: Pair, tmp_path: Path) -> None:
    keyring = Keyring.install(tmp_path / "keyring", pair.a.replication.keys())
    again = Keyring.open(tmp_path / "keyring", may_create=False, reserve=1)
    assert again.key(3) == pair.a._keyring.key(3)
    assert again.signing_key == keyring.signing_key != pair.a._keyring.signing_key
    assert (tmp_path / "keyring").stat().st_mode & 0o777 == 0o600
