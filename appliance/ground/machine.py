"""Which machine this is: a digest that stays the same through reboots and updates, and is another one on another machine.

Two things are asked, for neither is always right. The *board* has a number that no copy of a disk takes along: the DMI product uuid,
the serial number in the device tree (boards such as a Raspberry Pi), IOPlatformUUID on a Mac. The *system* has one that was made when
it was installed: machine-id(5). A cloned disk has the system's number of its original; and on Linux only root may read DMI, so that
a service and its operator would see two machines if both numbers were hashed into one. Therefore each is hashed for itself, and
``same_machine`` compares what both sides know, the board first.

The numbers themselves are never shown or stored: machine-id(5) asks for a keyed hash of it in each program.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

_BOARDS = ("sys/class/dmi/id/product_uuid", "sys/firmware/devicetree/base/serial-number")
_SYSTEMS = ("etc/machine-id", "var/lib/dbus/machine-id")
_IOREG = ("/usr/sbin/ioreg", "-r", "-d", "1", "-c", "IOPlatformExpertDevice")
_IOREG_SECONDS = 5.0
_BYTES_MOST = 4096

# What makers leave in place of a number; thousands of machines share the last one.
_NOBODYS = ("0" * 32, "f" * 32, "03000200040005000006000700080009")


def machine_id(root: Path = Path("/")) -> str:
    """Digests of the board's and the system's numbers, such as ``board:0f…,system:7a…``; "" where neither can be read."""
    board = _mac_board() if sys.platform == "darwin" else _first(root, _BOARDS)
    return digest(board=board, system=_first(root, _SYSTEMS))


def digest(*, board: str, system: str) -> str:
    """What ``machine_id`` says of these two numbers; a number that says nothing (empty, all zeros) is left out."""
    numbers = (("board", _number(board)), ("system", _number(system)))
    return ",".join(f"{name}:{_hashed(name, number)}" for name, number in numbers if number)


def same_machine(first: str, second: str) -> bool | None:
    """Whether two digests are of one machine; None where they have nothing in common to compare."""
    one, other = _parts(first), _parts(second)
    for name in ("board", "system"):
        if name in one and name in other:
            return one[name] == other[name]
    return None


def mac_board(ioreg: str) -> str:
    """The IOPlatformUUID in what ``ioreg -r -d 1 -c IOPlatformExpertDevice`` prints; "" when there is none."""
    found = re.search(r'^\W*"IOPlatformUUID"\s*=\s*"([0-9A-Fa-f-]{36})"\s*$', ioreg, re.MULTILINE)
    return found[1] if found else ""


def _mac_board() -> str:
    try:
        done = subprocess.run(_IOREG, capture_output=True, text=True, errors="replace", timeout=_IOREG_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return mac_board(done.stdout)


def _first(root: Path, places: tuple[str, ...]) -> str:
    """The first of these files that may be read and says something."""
    for place in places:
        try:
            with (root / place).open("rb") as file:
                text = file.read(_BYTES_MOST).decode("ascii", errors="replace")
        except OSError:
            continue
        if _number(text):
            return text
    return ""


def _number(text: str) -> str:
    """Letters and digits alone, in lower case: one kernel writes the uuid in capitals, another does not."""
    number = re.sub(r"[^0-9a-z]", "", text.lower())
    return "" if number in _NOBODYS or number == "uninitialized" or not number.strip("0") else number


def _hashed(name: str, number: str) -> str:
    return hashlib.blake2b(number.encode("ascii"), digest_size=16, key=b"tandem machine", person=name.encode("ascii")).hexdigest()


def _parts(digests: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in digests.split(","))
    return {name: value for name, colon, value in pairs if colon and value}
