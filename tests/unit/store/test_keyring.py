import hashlib
from pathlib import Path

import pytest

from appliance.store.errors import KeyringError
from appliance.store.keyring import Keyring


def make(path: Path, reserve: int = 4) -> Keyring:
    return Keyring.open(path / "keyring", may_create=True, reserve=reserve)


def test_keys_are_the_same_after_reading_them_again(tmp_path: Path) -> None:
    first = make(tmp_path)
    again = Keyring.open(tmp_path / "keyring", may_create=False, reserve=4)
    assert (again.chain_key, again.print_key, again.signing_key) == (first.chain_key, first.print_key, first.signing_key)
    assert [again.key(slot) for slot in range(4)] == [first.key(slot) for slot in range(4)]
    assert len({first.chain_key, first.print_key, first.signing_key, *(first.key(slot) for slot in range(4))}) == 7


def test_a_slot_is_on_disk_before_anybody_may_use_it(tmp_path: Path) -> None:
    keyring = make(tmp_path)
    keyring.ensure(4, 4)
    key = keyring.key(4)
    assert key is not None
    assert Keyring.open(tmp_path / "keyring", may_create=False, reserve=4).key(4) == key


def test_slots_grow_in_larger_and_larger_lots(tmp_path: Path) -> None:
    keyring = make(tmp_path, reserve=10)
    sizes = set()
    for slot in range(500):
        keyring.ensure(slot, 10)
        sizes.add(keyring.slots)
    assert len(sizes) < 30


def test_earlier_keys_stay_when_slots_are_made(tmp_path: Path) -> None:
    keyring = make(tmp_path)
    before = [keyring.key(slot) for slot in range(4)]
    keyring.ensure(100, 4)
    assert [keyring.key(slot) for slot in range(4)] == before


def test_a_slot_beyond_the_file_is_an_older_keyring(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="older than the database"):
        make(tmp_path).key(4)


def test_destroying_a_key_leaves_its_neighbours(tmp_path: Path) -> None:
    keyring = make(tmp_path)
    neighbours = (keyring.key(1), keyring.key(3))
    assert keyring.destroy((2,)) == 1
    assert keyring.destroy((2, 99)) == 0
    assert keyring.key(2) is None
    assert (keyring.key(1), keyring.key(3)) == neighbours


def test_a_keyring_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    path = tmp_path / "keyring"
    body = path.read_bytes()[:-32].replace(b'"format":1', b'"format":9')
    path.write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(KeyringError, match="newer"):
        make(tmp_path)


def test_keys_that_could_not_be_written_do_not_count(tmp_path: Path) -> None:
    keyring = make(tmp_path)
    keyring.path = tmp_path / "gone" / "keyring"
    with pytest.raises(KeyringError, match="cannot be written"):
        keyring.ensure(9, 4)
    assert keyring.slots == 4
