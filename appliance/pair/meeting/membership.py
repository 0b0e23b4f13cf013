"""Which pair this node is in, with whom, and by what secret: ``home/pair/membership``.

The file is JSON, readable by its owner alone (0600). Who can read it can send heartbeats in this node's name.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from appliance.ground.files import flush_directory, write_atomically
from appliance.ground.machine import same_machine
from appliance.pair.meeting.errors import MembershipDamaged, Twin
from appliance.records.base import Record

FOLDER = "pair"
FILE_NAME = "membership"
KEPT_FILE_NAME = "kept"
SECRET_BYTES = 32
BYTES_MOST = 65_536

_LEAVE = "Put the file back as it was, or leave the pair and join it again: tandem pair leave --twin"

NodeId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{2,62}\Z")]
"""The name of a node, such as ``kallio-7m9q``. It may stand in a host name (RFC 1035, 63 characters)."""
Hex256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""256 bits as hex in lower case: a SHA-256, an Ed25519 public key (RFC 8032)."""
Short = Annotated[str, msgspec.Meta(max_length=120)]
Pem = Annotated[str, msgspec.Meta(max_length=16_384)]
"""A certificate. The listener shows it to OpenSSL as the only one to trust."""
Secret256 = Annotated[bytes, msgspec.Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]


class Membership(Record):
    """What one node knows of its pair. ``side`` is "a" for the node that showed the code; it means nothing later but order.

    ``peer_fingerprint`` is the SHA-256 of the peer's certificate (DER), ``peer_certificate`` that certificate (PEM), ``key`` the
    public key the peer signs its journal heads with. ``secret`` is shared by the two and known to nobody else. ``last_address``
    (``host:port``) is where the peer answered last. ``machine`` is this node's own ``machine_id`` when it joined; "" is unknown.
    ``paired_at`` is Unix seconds.
    """

    format: Literal[1] = 1
    pair: Short
    me: NodeId
    peer: NodeId
    side: Literal["a", "b"]
    peer_fingerprint: Hex256
    peer_certificate: Pem
    secret: Secret256
    peer_name: Short = ""
    peer_addresses: tuple[Short, ...] = ()
    last_address: Short = ""
    paired_at: float
    key: Hex256
    machine: str = ""

    def __repr__(self) -> str:
        """Without the secret: a record is printed in places that nobody thinks of, such as a failed test."""
        return f"Membership(pair={self.pair!r}, me={self.me!r}, peer={self.peer!r}, side={self.side!r})"


def folder(home: Path) -> Path:
    """Where a node keeps what belongs to its pair."""
    return home / FOLDER


def load(home: Path) -> Membership | None:
    """What is kept; None when this node is in no pair. Raises ``MembershipDamaged``: a node that is unsure is not alone."""
    file = folder(home) / FILE_NAME
    try:
        with file.open("rb") as opened:
            return msgspec.json.decode(opened.read(BYTES_MOST), type=Membership)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MembershipDamaged(f"The file {file} cannot be read ({error.strerror}).", "Check its owner and rights (0600).") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MembershipDamaged(f"The file {file} is damaged, so this node does not know its pair.", _LEAVE) from error


def save(home: Path, membership: Membership) -> None:
    """Replace what is kept, in one step and flushed. Raises ``MembershipDamaged`` when it cannot be written."""
    file = folder(home) / FILE_NAME
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, msgspec.json.encode(membership))
    except OSError as error:
        remedy = "Make room on the disk, or give this user the right to write there."
        raise MembershipDamaged(f"The file {file} cannot be written ({error.strerror}).", remedy) from error


def check_machine(membership: Membership, machine: str) -> None:
    """Raise ``Twin`` when this is not the machine that joined the pair. A machine that says nothing of itself is let pass."""
    if same_machine(membership.machine, machine) is False:
        raise Twin(
            f"This home is a copy: its node {membership.me} belongs to another machine, where it may be at work.",
            "Start with an empty home folder and join the pair. If the other machine is gone for good, leave the pair here first: "
            "tandem pair leave --twin",
        )


def forget(home: Path) -> None:
    """Be in no pair from now on; what the node has of cases stays. A repeat does no harm.

    The membership goes first: without it, what else lies there says nothing.
    """
    for name in (FILE_NAME, KEPT_FILE_NAME):
        (folder(home) / name).unlink(missing_ok=True)
    if folder(home).is_dir():
        flush_directory(folder(home))
