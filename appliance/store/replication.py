"""The store's side of the pair: what the other node is given, and what is taken from it.

end · hash_at · read · slots_after     the journal as the other node asks for it, to catch up
apply                                  its entries, verified (``taking``), into our journal and tables
snapshot · keys · install_seed         a whole home for a node that has none, or whose tail lost (``seed``)
head · countersign                     heads that both signed (``heads``)
digest_begin · examine                 whether both still hold the same (``digests``), and which of them does not
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.ground.clock import Clock
from appliance.ground.errors import StoreError
from appliance.records.events import CustomerErased
from appliance.store import digests, divergent, heads, journal, seed, sqlite, taking
from appliance.store.audit import Problem, Verification
from appliance.store.books import Books
from appliance.store.digests import OpenDigest
from appliance.store.errors import BadShipment, Forked, NotYet, WrongState
from appliance.store.journal import Entry
from appliance.store.reading import Readers
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.seed import install_seed
from appliance.store.shipment import BodyRow, JournalEnd, Shipment, SignedHead, TableDigest
from appliance.store.upkeep import Upkeep
from appliance.store.writer import Writer

__all__ = ["OpenDigest", "Replication", "install_seed"]

_ENTRY_BYTES = 160  # of an entry beside its payload
_ENTRIES_MOST = 5_000  # in one answer
_BODIES = "SELECT id, role, slot, sealed FROM bodies WHERE id BETWEEN ? AND ? ORDER BY id"


class Replication:
    """``store.replication``. Any thread may ask; what applies entries takes turns."""

    def __init__(
        self, books: Books, writer: Writer, readers: Readers, upkeep: Upkeep, home: Path, clock: Clock, verify: Callable[[], Verification]
    ) -> None:
        self._books = books
        self._writer = writer
        self._readers = readers
        self._upkeep = upkeep
        self._home = home
        self._path = home / "tandem.db"
        self._clock = clock
        self._verify = verify
        self._applying = threading.Lock()
        self._owed: list[CustomerErased] = []

    # What the other node asks for

    def end(self) -> JournalEnd:
        """The newest entry, as it is on disk."""
        return self._readers.ask(digests.end_of)

    def hash_at(self, position: int) -> bytes | None:
        """The hash of an entry; the genesis hash for 0, None for what this journal does not have."""
        if position == 0:
            return journal.GENESIS
        row = self._readers.one("SELECT hash FROM journal WHERE position = ?", (position,))
        return None if row is None else bytes(row[0])

    def read(self, after: int, most_bytes: int, slots: int | None = None) -> Shipment:
        """Entries after a position, from disk, of about so many bytes but one entry at least; empty when there is nothing more.

        ``slots``: with the keys of the keyring's slots from this number on, so that what the bodies need is never missing.
        """
        entries, bodies = self._readers.ask(lambda connection: _read(connection, after, most_bytes))
        counts: dict[int, int] = {}
        for body in bodies:
            counts[body.id // BODIES_PER_ENTRY] = counts.get(body.id // BODIES_PER_ENTRY, 0) + 1
        return Shipment(
            entries=tuple(entries),
            bodies=tuple(bodies),
            slots_from=slots or 0,
            slots=b"" if slots is None else self.slots_after(slots),
            bare=tuple(entry.position for entry in entries if counts.get(entry.position, 0) < entry.bodies),
        )

    def slots(self) -> int:
        """How many slots of the keyring are known to be the same on both nodes: a follower asks for those from this number on.

        The keyring may hold more, made ahead of use by this node; unused, they give way to the leader's.
        """
        return self._books.shared_slots

    def slots_after(self, count: int) -> bytes:
        """The keys of the slots from this number on, 32 bytes each."""
        return self._books.keyring.after(count)

    # What is taken from it

    def apply(self, shipments: Sequence[Shipment]) -> JournalEnd:
        """Take shipments in one transaction, all or nothing, on disk when this returns; where our journal ends then.

        Their entries and bodies are joined, so a large shipment may come cut into several, that are given together. What is here
        already is passed over. Given nothing, it finishes what failed the last time: keys that are to be destroyed. Raises
        ``BadShipment``, ``UnknownOperation``, ``NotYet`` (entries or keys before these are missing), ``Forked``, ``StaleTerm``;
        ``WrongState`` on a node that does not follow.
        """
        lot = taking.examine(shipments, self._books.chain)
        erased = lot.erased  # also those that are here already: the last time may have failed between the entry and the key
        with self._applying:
            if lot.entries:
                end = self.end().position
                lot = lot.without(taking.already_here(lot, end, self.hash_at(min(end, lot.entries[-1].position))))
            if lot.entries or lot.slots:
                self._writer.sole(lambda books: self._take(books, lot))
            self._forget(erased)
            return self.end()

    def _take(self, books: Books, lot: taking.Lot) -> None:
        if not self._writer.takes_entries:
            raise WrongState("This node does not follow: it takes no entries.", "See which of the two nodes leads.")
        taking.take(books, lot)

    def _forget(self, erased: list[CustomerErased]) -> None:
        """Destroy the keys of customers whom the other node erased, also of those where that failed before.

        A crash before this is mended when the store is opened.
        """
        self._owed += erased
        if not self._owed:
            return
        slots = tuple(event.slot for event in self._owed if event.slot >= 0)
        try:
            self._books.keyring.destroy(slots)
        finally:
            self._books.bodies.forget(slots)
        for event in self._owed:
            divergent.forget(self._home, event)
        self._owed = []

    # A whole home

    def snapshot(self, target: Path) -> JournalEnd:
        """Copy the database as of one moment into a new file that only its owner can read; where its journal ends.

        It holds up no writer, but the write-ahead log grows until it is done.
        """
        return seed.snapshot(self._path, target)

    def keys(self) -> bytes:
        """What of the keyring both nodes share: all but the signing key. Take it after the snapshot, so that no slot is missing."""
        return self._books.keyring.shared()

    def keep_divergent(self, common: int) -> Path | None:
        """Put everything after the last common position aside, before it is replaced; the file, or None when there is nothing."""
        return self._readers.ask(lambda connection: divergent.keep(connection, self._books.keyring, self._home, common, self._clock.now()))

    # Heads that both signed

    def head_key(self) -> str:
        """The public key that this node signs heads with, in hexadecimal."""
        return self._books.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def head(self) -> SignedHead | None:
        """The journal's end, signed by this node now if need be; None while there is no entry."""
        key, end = self.head_key(), self._books.on_disk.position
        head = self._readers.ask(lambda connection: heads.newest_signed(connection, key))
        if end and (head is None or head.position < end):
            self._writer.between(self._upkeep.anchor)
            head = self._readers.ask(lambda connection: heads.newest_signed(connection, key))
        return head

    def countersign(self, head: SignedHead) -> bytes:
        """Sign that the other node signed this, and that our journal says the same there. The caller checks that the key is its key.

        Raises ``BadShipment`` for a signature that does not hold, ``NotYet`` beyond our end, ``Forked`` for another past.
        """
        if not heads.is_signed(head):
            raise BadShipment(f"The signature of the head at entry {head.position} does not hold.", "Ask for it again.")
        ours = self.hash_at(head.position)
        if ours is None:
            raise NotYet(f"Our journal has no entry {head.position} yet.", "Ask again once it has come.")
        if ours != head.hash:
            raise Forked(f"Our entry {head.position} is not the one that the other node signed.", "Run `tandem verify` on both nodes.")
        return self._books.signer.sign(heads.countersigned_bytes(head))

    def note_countersigned(self, head: SignedHead, peer_key: str, peer_signature: bytes) -> None:
        """Keep the other node's signature of a head of ours, in the database and in the anchor beside it."""
        if head.key != self.head_key() or not heads.is_signed(head):
            raise BadShipment(f"The head at entry {head.position} is none that this node signed.", "Sign it anew.")

        def note() -> None:
            heads.note(self._books, head, peer_key, peer_signature, self._clock.now())
            self._upkeep.anchor_signed(anew=True)

        self._writer.between(note)

    # Whether both hold the same

    def digest(self, turn: int | None = None) -> TableDigest:
        """Digests of the tables as they are now."""
        return self.digest_begin(turn).compute()

    def digest_begin(self, turn: int | None = None, tell: Callable[[JournalEnd], None] | None = None) -> OpenDigest:
        """Open the snapshot of a digest between two transactions; its tables are read later, by ``compute``.

        ``tell`` is called on the writer's thread with the position, before anything further is written or shipped: what it puts in the
        line to the other node stands there exactly behind that position's entry.
        """

        def begin() -> None:
            found = OpenDigest(sqlite.open_reader(self._path), self._books.limits, turn)
            try:
                if tell is not None:
                    tell(found.end)
            except BaseException:
                found.close()
                raise
            opened.append(found)

        opened: list[OpenDigest] = []
        self._writer.between(begin)
        return opened[0]

    def examine(self) -> tuple[Problem, ...]:
        """Whether it is this node that is damaged: the file's pages, the chain, the heads, the bodies, and a replay. Reads all of it."""
        try:
            return self._verify().problems
        except StoreError as error:
            return (Problem(0, "damaged", error.message),)


def _read(connection: sqlite.Connection, after: int, most_bytes: int) -> tuple[list[Entry], list[BodyRow]]:
    """Entries and their bodies as of one moment, cut before the entry with which they get too large."""
    connection.execute("BEGIN")
    try:
        entries = list(map(Entry._make, journal.read_lot(connection, after, _ENTRIES_MOST)))
        if not entries:
            return [], []
        first, last = entries[0].position * BODIES_PER_ENTRY, entries[-1].position * BODIES_PER_ENTRY + BODIES_PER_ENTRY - 1
        rows: Any = connection.execute(_BODIES, (first, last))
        return _fitting(entries, map(BodyRow._make, rows), most_bytes)
    finally:
        connection.execute("ROLLBACK")


def _fitting(entries: list[Entry], rows: Iterator[BodyRow], most_bytes: int) -> tuple[list[Entry], list[BodyRow]]:
    """As many whole entries as fit, and the first in any case. Bodies beyond are not even read from the disk."""
    bodies: list[BodyRow] = []
    body, total = next(rows, None), 0
    for count, entry in enumerate(entries):
        before = len(bodies)
        total += len(entry.payload) + _ENTRY_BYTES
        while body is not None and body.id // BODIES_PER_ENTRY == entry.position:
            total += len(body.sealed)
            bodies.append(body)
            body = next(rows, None)
        if count and total > most_bytes:
            return entries[:count], bodies[:before]
    return entries, bodies
