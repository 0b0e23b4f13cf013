"""What a node keeps of its pair: private, whole, and never guessed at."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from appliance.ground.machine import digest
from appliance.pair.meeting.errors import KeptLost, MembershipDamaged, PairingRefused, Twin
from appliance.pair.meeting.kept import KeptFile, enter
from appliance.pair.meeting.membership import Membership, check_machine, folder, forget, load, save
from appliance.pair.messages import Kept

HERE, ELSEWHERE = digest(board="here", system="s"), digest(board="elsewhere", system="s")
MEMBERSHIP = Membership(
    pair="pair-1", me="kallio-7m9q", peer="meri-2x4z", side="a", peer_fingerprint="ab" * 32, peer_certificate="PEM",
    secret=bytes(range(32)), paired_at=1_800_000_000.0, key="cd" * 32, machine=HERE, last_address="10.0.0.2:7789",
)  # fmt: skip
PROMISED = Kept(boot=7, term=12, supports="meri-2x4z", joined=True)


def test_what_is_saved_is_loaded_and_private(tmp_path: Path) -> None:
    save(tmp_path, MEMBERSHIP)
    file = folder(tmp_path) / "membership"
    assert load(tmp_path) == MEMBERSHIP
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["membership"]


def test_a_node_in_no_pair_has_nothing_and_promised_nothing(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert KeptFile(tmp_path).load() == Kept()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[]", b'{"format":2}'])
def test_a_damaged_membership_is_named_and_never_taken_for_none(tmp_path: Path, content: bytes) -> None:
    save(tmp_path, MEMBERSHIP)
    (folder(tmp_path) / "membership").write_bytes(content)
    with pytest.raises(MembershipDamaged) as caught:
        load(tmp_path)
    assert str(folder(tmp_path) / "membership") in caught.value.message
    assert "tandem pair leave" in caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        {"secret": b"short"}, {"peer_fingerprint": "AB" * 32}, {"me": "a b"}, {"peer": ""}, {"key": "x" * 64}, {"side": "c"}, {"format": 2},
        {"peer_fingerprint": "ab" * 32 + "\n"},
    ],
)  # fmt: skip
def test_a_membership_with_a_field_that_cannot_be_is_damaged(tmp_path: Path, change: dict[str, Any]) -> None:
    save(tmp_path, replace(MEMBERSHIP, **change))
    with pytest.raises(MembershipDamaged):
        load(tmp_path)


def test_fields_of_a_later_version_do_no_harm(tmp_path: Path) -> None:
    save(tmp_path, MEMBERSHIP)
    file = folder(tmp_path) / "membership"
    file.write_bytes(b'{"later":1,' + file.read_bytes()[1:])
    assert load(tmp_path) == MEMBERSHIP


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    (folder(tmp_path) / "membership").mkdir(parents=True)
    with pytest.raises(MembershipDamaged, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(MembershipDamaged, match="cannot be written"):
        save(tmp_path, MEMBERSHIP)


def test_a_copied_home_is_a_twin_and_told_what_to_do() -> None:
    with pytest.raises(Twin) as caught:
        check_machine(MEMBERSHIP, ELSEWHERE)
    assert "kallio-7m9q" in caught.value.message
    assert "tandem pair leave --twin" in caught.value.remedy
    assert "empty home" in caught.value.remedy


@pytest.mark.parametrize(("then", "now"), [(HERE, HERE), (HERE, ""), ("", HERE), (HERE, digest(board="", system="s"))])
def test_the_same_machine_and_one_that_says_nothing_are_let_pass(then: str, now: str) -> None:
    check_machine(replace(MEMBERSHIP, machine=then), now)


def test_promises_outlive_the_process(tmp_path: Path) -> None:
    enter(tmp_path, MEMBERSHIP, Kept(joined=True))
    KeptFile(tmp_path).save(PROMISED)
    assert KeptFile(tmp_path).load() == PROMISED
    assert stat.S_IMODE((folder(tmp_path) / "kept").stat().st_mode) == 0o600


def test_a_node_that_lost_its_promises_does_not_start_from_zero(tmp_path: Path) -> None:
    enter(tmp_path, MEMBERSHIP, PROMISED)
    (folder(tmp_path) / "kept").unlink()
    with pytest.raises(KeptLost) as caught:
        KeptFile(tmp_path).load()
    assert str(folder(tmp_path) / "kept") in caught.value.message
    assert "tandem pair leave" in caught.value.remedy


@given(data=st.data())
def test_no_damage_to_the_promises_goes_unseen(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    enter(home, MEMBERSHIP, PROMISED)
    file = folder(home) / "kept"
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
    damaged = data.draw(st.sampled_from([whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :], whole + bytes([byte])]))
    file.write_bytes(damaged)
    with pytest.raises(KeptLost):
        KeptFile(home).load()


def test_promises_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    (folder(tmp_path) / "kept").mkdir(parents=True)
    with pytest.raises(KeptLost, match="cannot be written"):
        KeptFile(tmp_path).save(PROMISED)


def test_a_new_pair_begins_with_its_own_first_promise_whatever_an_old_one_left(tmp_path: Path) -> None:
    KeptFile(tmp_path).save(PROMISED)
    enter(tmp_path, MEMBERSHIP, Kept(term=3, joined=True))
    assert KeptFile(tmp_path).load() == Kept(term=3, joined=True)


def test_entering_the_same_pair_twice_keeps_what_was_promised_since(tmp_path: Path) -> None:
    enter(tmp_path, MEMBERSHIP, Kept())
    KeptFile(tmp_path).save(PROMISED)
    enter(tmp_path, MEMBERSHIP, Kept())
    assert KeptFile(tmp_path).load() == PROMISED


def test_a_node_is_in_one_pair_at_a_time(tmp_path: Path) -> None:
    enter(tmp_path, MEMBERSHIP, Kept())
    for side, code in (("a", "paired"), ("b", "other_pair")):
        with pytest.raises(PairingRefused) as caught:
            enter(tmp_path, replace(MEMBERSHIP, pair="pair-2", side=side), Kept())
        assert caught.value.code == code
    assert load(tmp_path) == MEMBERSHIP


def test_who_leaves_is_in_no_pair_and_may_leave_again(tmp_path: Path) -> None:
    enter(tmp_path, MEMBERSHIP, PROMISED)
    (folder(tmp_path) / "identity.pem").write_text("stays")
    forget(tmp_path)
    forget(tmp_path)
    assert load(tmp_path) is None
    assert KeptFile(tmp_path).load() == Kept()
    assert os.listdir(folder(tmp_path)) == ["identity.pem"]
    forget(tmp_path / "never-was")
