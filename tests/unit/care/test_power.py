"""Power: the machine is kept awake exactly between on and off, and FileVault's trade-off is told."""

import os
import sys
from pathlib import Path

import pytest

from appliance.care.power import Awake, awake_command, file_vault_is_on
from appliance.care.preflight import Worth, file_vault

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


def test_a_mac_is_kept_awake_for_as_long_as_this_process_lives_and_no_other_system_is_asked() -> None:
    assert awake_command("darwin") == ("/usr/bin/caffeinate", "-i", "-s", "-w", str(os.getpid()))
    assert awake_command("linux") == ()


def test_what_keeps_awake_runs_between_on_and_off_and_once_only() -> None:
    awake = Awake(SLEEPER)
    assert not awake.is_on
    awake.on()
    first = awake._child
    awake.on()
    assert awake.is_on
    assert awake._child is first
    awake.off()
    assert not awake.is_on
    assert first is not None
    assert first.poll() is not None
    awake.off()


def test_a_machine_without_the_program_works_all_the_same(tmp_path: Path) -> None:
    awake = Awake((str(tmp_path / "caffeinate"),))
    awake.on()
    assert not awake.is_on
    awake.off()


@pytest.mark.parametrize(("told", "on"), [("FileVault is On.", True), ("FileVault is Off.", False), ("Error 7", None)])
def test_what_fdesetup_says_is_understood(told: str, on: bool | None) -> None:
    assert file_vault_is_on((sys.executable, "-c", f"print({told!r})")) is on


def test_a_program_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert file_vault_is_on((str(tmp_path / "fdesetup"),)) is None


def test_preflight_states_the_trade_off_of_a_locked_disk() -> None:
    with pytest.raises(Worth) as told:
        file_vault(True)
    assert "password" in told.value.message
    assert "power" in told.value.message
    assert file_vault(False)
    assert file_vault(None)
