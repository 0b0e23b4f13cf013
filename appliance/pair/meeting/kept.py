"""What a node promised its peer, on disk: ``home/pair/kept``.

The lease stands on this file. A node that forgot which term it had supported could support two leaders in one term, and a boot number
that comes twice would let an old heartbeat pass for a new one. So a node whose file is gone or damaged does not start from zero: it
leaves the pair and joins it again, under a new secret, where no old promise counts.

Layout: a line of JSON, then the SHA-256 of it in hex. A home that is put back from a backup brings an older file, which looks
right: backups leave the folder ``pair`` out.
"""

import hashlib
from pathlib import Path

import msgspec

from appliance.ground.files import write_atomically
from appliance.pair.meeting.errors import KeptLost, PairingRefused
from appliance.pair.meeting.membership import BYTES_MOST, FILE_NAME, KEPT_FILE_NAME, Membership, folder, load, save
from appliance.pair.messages import Kept

_REMEDY = "Leave the pair on this node and join it again: tandem pair leave --twin"


class KeptFile:
    """The lease's memory. One thread uses it."""

    def __init__(self, home: Path) -> None:
        self._membership = folder(home) / FILE_NAME
        self._file = folder(home) / KEPT_FILE_NAME

    def load(self) -> Kept:
        """What was kept; nothing where there is no pair. Raises ``KeptLost`` when there is a pair and it cannot be known."""
        if not self._membership.exists():
            return Kept()
        try:
            with self._file.open("rb") as opened:
                return _read(opened.read(BYTES_MOST))
        except FileNotFoundError as error:
            raise KeptLost(f"The file {self._file} is gone, and with it what this node promised its peer.", _REMEDY) from error
        except OSError as error:
            raise KeptLost(f"The file {self._file} cannot be read ({error.strerror}).", "Check its owner and rights (0600).") from error
        except (ValueError, msgspec.MsgspecError) as error:
            raise KeptLost(f"The file {self._file} is damaged: it does not say what this node promised its peer.", _REMEDY) from error

    def save(self, kept: Kept) -> None:
        """Write it down, flushed when this returns. Raises ``KeptLost``; the node must then end before it says another word."""
        line = msgspec.json.encode(kept)
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._file, line + b"\n" + _sum(line) + b"\n")
        except OSError as error:
            remedy = "Make room on the disk, or give this user the right to write there."
            raise KeptLost(f"The file {self._file} cannot be written ({error.strerror}).", remedy) from error


def enter(home: Path, membership: Membership, first: Kept) -> None:
    """Begin a pair on this node: the promises of none so far, then the membership, which makes it so.

    ``first`` has the term of the newest journal entry that the node holds, and ``joined`` where it brings the data into the pair.
    Done twice for the same pair, the second changes no promise. Raises ``PairingRefused`` when the node is in another pair.
    """
    known = load(home)
    if known is not None and known.pair != membership.pair:
        raise PairingRefused("other_pair" if membership.side == "b" else "paired")
    if known is None:
        KeptFile(home).save(first)
    save(home, membership)


def _read(content: bytes) -> Kept:
    line, _, rest = content.partition(b"\n")
    if rest != _sum(line) + b"\n":
        raise ValueError("the sum does not fit")
    return msgspec.json.decode(line, type=Kept)


def _sum(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest().encode("ascii")
