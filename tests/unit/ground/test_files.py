"""Files that are either wholly there or not there at all."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.ground.files import exclusive_lock, new_file, write_atomically


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    target = tmp_path / "keys"
    write_atomically(target, b"old")
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["keys"]


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "keys"
    write_atomically(target, b"old")
    with pytest.raises(TypeError):
        write_atomically(target, "not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["keys"]


def test_a_new_file_is_there_whole_and_private_when_it_is_done_and_empty_until_then(tmp_path: Path) -> None:
    target = tmp_path / "copy.csv"
    with new_file(target) as place:
        place.write_bytes(b"half")
        assert target.read_bytes() == b""
        assert place.suffix == ".csv"
        place.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["copy.csv"]


def test_a_new_file_takes_nobodys_place(tmp_path: Path) -> None:
    target = tmp_path / "copy.csv"
    target.write_bytes(b"somebody's")
    with pytest.raises(FileExistsError), new_file(target):
        pass
    assert target.read_bytes() == b"somebody's"


def test_a_new_file_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / "copy.csv"):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_second_process_does_not_get_the_lock_and_can_name_the_holder(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    script = (
        "import sys, pathlib; from appliance.ground.files import exclusive_lock\n"
        "with exclusive_lock(pathlib.Path(sys.argv[1])) as held: print(held is None)"
    )
    with exclusive_lock(lock) as held:
        assert held is not None
        other = subprocess.run([sys.executable, "-c", script, str(lock)], capture_output=True, text=True, check=True)
        assert other.stdout.strip() == "True"
        assert lock.read_text() == str(os.getpid())
    after = subprocess.run([sys.executable, "-c", script, str(lock)], capture_output=True, text=True, check=True)
    assert after.stdout.strip() == "False"
