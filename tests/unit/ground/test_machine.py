"""A machine is the same tomorrow and another one elsewhere, whoever asks and whatever can be read."""

from pathlib import Path

import pytest

from appliance.ground.machine import digest, mac_board, machine_id, same_machine

BOARD = "4C4C4544-0042-3510-8057-B4C04F4D3732"
SYSTEM = "3d1219c7c4c5404aaa1f6d2a48adfda4"
IOREG = """+-o J473AP  <class IOPlatformExpertDevice, id 0x100000227, registered, matched, active, busy 0 (245 ms), retain 36>
    {
      "manufacturer" = <"Apple Inc.">
      "IOBusyInterest" = "IOCommand is not serializable"
      "IOPlatformSerialNumber" = "FVFXC0AAJ1WK"
      "IOPlatformUUID" = "4C4C4544-0042-3510-8057-B4C04F4D3732"
      "clock-frequency" = <00366e01>
    }
"""


def machine(root: Path, *, board: str = "", system: str = "", serial: bytes = b"") -> str:
    contents = {
        "sys/class/dmi/id/product_uuid": board.encode(),
        "etc/machine-id": system.encode(),
        "sys/firmware/devicetree/base/serial-number": serial,
    }
    for place, content in contents.items():
        if content:
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_bytes(content + b"\n")
    return machine_id(root)


@pytest.mark.skipif("sys.platform == 'darwin'", reason="a Mac asks ioreg for its board")
def test_linux_knows_its_board_and_its_system(tmp_path: Path) -> None:
    assert machine(tmp_path, board=BOARD, system=SYSTEM) == digest(board=BOARD.lower().replace("-", ""), system=SYSTEM)


@pytest.mark.skipif("sys.platform == 'darwin'", reason="a Mac asks ioreg for its board")
def test_a_board_without_dmi_is_known_by_its_serial_number(tmp_path: Path) -> None:
    assert machine(tmp_path, serial=b"10000000a1b2c3d4\x00") == digest(board="10000000a1b2c3d4", system="")


def test_this_very_machine_says_the_same_twice() -> None:
    assert machine_id() == machine_id()


def test_where_nothing_can_be_read_nothing_is_said() -> None:
    assert digest(board="", system="") == ""
    assert digest(board="00000000-0000-0000-0000-000000000000", system="uninitialized\n") == ""
    assert digest(board="FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", system="\x00\xff") == ""
    assert digest(board="03000200-0400-0500-0006-000700080009", system="") == ""


def test_a_mac_is_known_by_what_ioreg_prints() -> None:
    assert mac_board(IOREG) == BOARD
    assert mac_board("") == ""
    assert mac_board('"IOPlatformUUID" = "not one"') == ""
    assert mac_board(IOREG.replace("IOPlatformUUID", "IOPlatformUUIDs")) == ""


def test_the_numbers_themselves_are_not_told() -> None:
    told = digest(board=BOARD, system=SYSTEM)
    assert SYSTEM not in told
    assert BOARD.lower()[:8] not in told
    assert digest(board=SYSTEM, system="").partition(":")[2] != digest(board="", system=SYSTEM).partition(":")[2]


def test_who_may_not_read_the_boards_number_still_sees_the_same_machine() -> None:
    """On Linux root alone reads DMI: a service and the operator's command must not take each other's machine for another."""
    assert same_machine(digest(board=BOARD, system=SYSTEM), digest(board="", system=SYSTEM)) is True


def test_a_cloned_disk_in_another_machine_is_another_machine() -> None:
    assert same_machine(digest(board=BOARD, system=SYSTEM), digest(board="another", system=SYSTEM)) is False


def test_a_system_that_was_installed_anew_is_the_same_machine() -> None:
    assert same_machine(digest(board=BOARD, system=SYSTEM), digest(board=BOARD, system="newly made")) is True


@pytest.mark.parametrize("other", ["", "board", "board:", "nonsense:1,:2", digest(board=BOARD, system="")])
def test_with_nothing_in_common_nobody_can_tell(other: str) -> None:
    assert same_machine(digest(board="", system=SYSTEM), other) is None
