"""What one node hands to the other: the entries of a transaction with everything that must be on disk beside them."""

from typing import NamedTuple, Protocol

from appliance.records.base import Record
from appliance.store.journal import Entry


class BodyRow(NamedTuple):
    """A sealed body as it is stored; ``id`` is its entry's position times eight plus its place."""

    id: int
    role: str
    slot: int
    sealed: bytes


class Shipment(Record, array_like=True):
    """One transaction's entries as they are stored, their bodies, and the keyring's slots that must be on disk before.

    ``slots`` are the keys of the slots from ``slots_from`` on, 32 bytes each. ``bare``: positions of entries some of whose bodies were
    removed since by a later entry; only what is read back from a disk has any.
    """

    entries: tuple[Entry, ...] = ()
    bodies: tuple[BodyRow, ...] = ()
    slots_from: int = 0
    slots: bytes = b""
    bare: tuple[int, ...] = ()

    @property
    def last(self) -> int:
        """The position of its last entry; 0 when there is none."""
        return self.entries[-1].position if self.entries else 0


class Replica(Protocol):
    """Who carries shipments to the other node. Both methods are called on the writer's thread, in the journal's order."""

    def ship(self, shipment: Shipment) -> None:
        """Take a shipment on its way, before the transaction is committed here. Must neither block nor raise."""
        ...

    def confirm(self, position: int) -> None:
        """Return when everything up to here may be acknowledged; called after the commit. Raises ``Unconfirmed``."""
        ...


class JournalEnd(NamedTuple):
    """The newest entry of a journal; position 0 and the genesis hash when there is none."""

    position: int
    term: int
    hash: bytes


class SignedHead(Record, array_like=True):
    """A node's signature that its journal up to here is this. ``key``: its public Ed25519 key in hexadecimal."""

    position: int
    hash: bytes
    signature: bytes
    key: str


class TableDigest(Record, array_like=True):
    """Digests of tables as of one position. Of a large table one part only, which ``turn`` chose: both nodes must take the same turn.

    ``shapes``: of each table a mark of its columns and of what fills it. Two releases may keep a table otherwise; then its digests say
    nothing about each other.
    """

    position: int
    hash: bytes
    turn: int
    tables: dict[str, str]
    shapes: dict[str, str] = {}

    def differing(self, other: "TableDigest") -> tuple[str, ...]:
        """The tables whose digests differ, of those that both have in the same shape."""
        found = self.tables.keys() | other.tables.keys()
        alike = (table for table in found if self.shapes.get(table) == other.shapes.get(table))
        return tuple(sorted(table for table in alike if self.tables.get(table) != other.tables.get(table)))


class Writes(NamedTuple):
    """How the disk does: how long the last commit took, and how long the one under way has been taking (0.0: none is), in seconds."""

    last_seconds: float
    running_seconds: float
