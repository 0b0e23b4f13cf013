"""What the desktop window remembers from one time to the next: its size, and which addresses it was told.

One small file in the user's own configuration folder, not in the appliance's home: that is often another user's. A file that
cannot be read is as good as none; nothing of a customer stands in it, and no cookie and no page is kept on the disk.
"""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.ground.errors import TandemError
from appliance.ground.files import write_atomically
from appliance.panel.addresses import ADDRESS_LENGTH_MOST, ADDRESSES_MOST, clean
from appliance.records.base import Record

FILE = "window.json"
FILE_BYTES_MOST = 16_384
NARROWEST, WIDEST = 360, 3840  # pixels; the panel fits a phone, and no screen of a desk is wider
LOWEST, HIGHEST = 480, 2160

Address = Annotated[str, Meta(max_length=ADDRESS_LENGTH_MOST)]


class Remembered(Record):
    """The window of last time, in pixels, the addresses that were named by hand, and where the other machine of the pair was."""

    width: int = 1280
    height: int = 800
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ADDRESSES_MOST)] = ()
    peer: Address = ""


def folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The configuration folder of whoever sits at this machine."""
    home = Path(environment.get("HOME") or Path.home())
    if platform == "darwin":
        return home / "Library" / "Application Support" / "Tandem Desktop"
    said = environment.get("XDG_CONFIG_HOME", "")
    return (Path(said) if said.startswith("/") else home / ".config") / "tandem"


def sized(width: int, height: int, addresses: tuple[str, ...], peer: str = "") -> Remembered:
    """A record within the limits, however the window was drawn."""
    width, height = min(max(width, NARROWEST), WIDEST), min(max(height, LOWEST), HIGHEST)
    return Remembered(width=width, height=height, addresses=addresses, peer=peer)


def recall(place: Path) -> Remembered:
    """What was remembered there; the usual window when nothing sensible was."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError):
        with (place / FILE).open("rb") as file:
            found = msgspec.json.decode(file.read(FILE_BYTES_MOST), type=Remembered)
        return sized(found.width, found.height, tuple(_usable(found.addresses)), next(iter(_usable((found.peer,))), ""))
    return Remembered()


def _usable(addresses: tuple[str, ...]) -> list[str]:
    kept = []
    for address in addresses:
        with contextlib.suppress(TandemError):
            kept.append(clean(address))
    return kept


def remember(place: Path, what: Remembered) -> None:
    """Keep it for the next time. A disk that is full costs the size of a window and nothing else."""
    with contextlib.suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(place / FILE, msgspec.json.encode(what))
