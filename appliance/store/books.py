"""What a job of the writer works with: append an event, and it is journalled, chained and applied in the open transaction.

Rows that are only ever added (entries, bodies) are kept back and written in one go before the commit; ``write_out`` does
it earlier for a job that must read one of them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.records.events import CustomerErased, DemoPushesReset, Event, PushScrubbed, WordsExpired
from appliance.store import journal
from appliance.store.apply import apply
from appliance.store.bodies import Bodies, Sealed
from appliance.store.effects.tables import body_number
from appliance.store.errors import KeyringError, StaleTerm
from appliance.store.keyring import Keyring
from appliance.store.limits import StoreLimits
from appliance.store.prints import Prints
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.shipment import BodyRow, Shipment
from appliance.store.sqlite import Connection

_BODY = "INSERT INTO bodies (id, role, slot, sealed) VALUES (?, ?, ?, ?)"
_HEAD = "INSERT INTO heads (position, hash, signature, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


#: Events by which a case's words go, and those by which any bodies do.
TAKES_WORDS: frozenset[type[Event]] = frozenset({CustomerErased, WordsExpired})
TAKES_BODIES: frozenset[type[Event]] = TAKES_WORDS | {PushScrubbed, DemoPushesReset}


class End(NamedTuple):
    """The newest entry's position and term."""

    position: int
    term: int


class Mark(NamedTuple):
    """A place in an open transaction."""

    position: int
    term: int
    hash: bytes
    next_slot: int
    written: tuple[int, int]


class Books:
    """The writing side of one database. Used by the writer's thread alone, but for ``on_disk``.

    ``position``, ``hash`` and ``term`` are the journal's end in the open transaction, ``on_disk`` is its end as of the last commit.
    ``relied`` is set by a job whose answer rests on entries of earlier jobs, so that it is told no sooner than they are.
    ``shared_slots``: so many slots of the keyring are known to be the same on both nodes of a pair.
    """

    def __init__(self, connection: Connection, keyring: Keyring, limits: StoreLimits) -> None:
        self.connection = connection
        self.keyring = keyring
        self.limits = limits
        self.bodies = Bodies(keyring)
        self.prints = Prints(keyring.print_key)
        self.signer = Ed25519PrivateKey.from_private_bytes(keyring.signing_key)
        self.chain = journal.Chain(keyring.chain_key)
        self.kinds: set[type[Event]] = set()
        self._entries: list[tuple[object, ...]] = []
        self._sealed: list[tuple[object, ...]] = []
        self._keeping = False
        self._kept_entries: list[tuple[object, ...]] = []
        self._kept_bodies: list[tuple[object, ...]] = []
        self._shipped_slots = 0
        self.relied = False
        self.reload()
        self.shared_slots = self.next_slot

    def reload(self) -> None:
        """Forget what was not committed: read the journal's end and the next free slot anew."""
        last = journal.last(self.connection)
        self.position, self.term, self.hash = (last.position, last.term, last.hash) if last else (0, 0, journal.GENESIS)
        self.on_disk = End(self.position, self.term)
        self.next_slot = self.used_slots()
        row = self.connection.execute("SELECT max(position) FROM heads").fetchone()
        self.head = int(row[0] or 0)
        self.kinds.clear()
        self._entries.clear()
        self._sealed.clear()
        self._kept_entries.clear()
        self._kept_bodies.clear()

    def used_slots(self) -> int:
        """So many slots of the keyring stand in the journal."""
        row = self.connection.execute("SELECT (SELECT max(slot) FROM customers), (SELECT max(slot) FROM erasures)").fetchone()
        return max((slot for slot in row if slot is not None), default=-1) + 1

    def check_keyring(self) -> None:
        """Refuse another home's keyring: neither the first nor the last entry was hashed with its key."""
        ends = [entry for entry in (journal.at(self.connection, 1), journal.last(self.connection)) if entry is not None]
        if ends and all(self.chain.of(entry) != entry.hash for entry in ends):
            raise KeyringError(
                f"The keyring {self.keyring.path} is not the one that this database was written with.",
                "Put the right one back from a backup; without it the customers' words cannot be read.",
            )

    def check_term(self, term: int) -> None:
        """Refuse the work of a leader whose time is over."""
        if term < self.term:
            raise StaleTerm(f"Term {term} is over: the journal is in term {self.term}.", "Another node leads; this one follows it.")

    def append(self, event: Event, *, term: int, bodies: Sequence[Sealed] = ()) -> int:
        """Add an entry and do what it says to the tables; returns its position. ``bodies`` travel beside it, in this order."""
        self.check_term(term)
        if len(bodies) > BODIES_PER_ENTRY:
            raise ValueError("too many bodies for one entry")
        position, kind, payload = self.position + 1, journal.kind_of(event), journal.encode(event)
        prev, count = self.hash, len(bodies)
        self.hash = self.chain.hash(prev, position, term, journal.VERSION, kind.encode(), event.at, count, payload)
        self.position, self.term = position, term
        self._entries.append((position, term, journal.VERSION, kind, event.at, payload, count, prev, self.hash))
        for place, body in enumerate(bodies):
            self._sealed.append((body_number(position, place), body.role, body.slot, body.sealed))
        self.kinds.add(type(event))
        apply(self.connection, position, term, event)
        return position

    def write_out(self) -> None:
        """Write the rows kept back."""
        if self._entries:
            self.connection.executemany(journal.INSERT, self._entries)
            if self._keeping:
                self._kept_entries += self._entries
            self._entries.clear()
        if self._sealed:
            self.connection.executemany(_BODY, self._sealed)
            if self._keeping:
                self._kept_bodies += self._sealed
            self._sealed.clear()

    def committed(self) -> set[type[Event]]:
        """The transaction is on disk: which kinds of events it brought."""
        self.on_disk = End(self.position, self.term)
        kinds, self.kinds = self.kinds, set()
        self._kept_entries.clear()
        self._kept_bodies.clear()
        return kinds

    def mark(self) -> Mark:
        """Where the books stand now, to come ``back_to``; everything before is written out."""
        self.write_out()
        return Mark(self.position, self.term, self.hash, self.next_slot, (len(self._kept_entries), len(self._kept_bodies)))

    def back_to(self, mark: Mark) -> None:
        """Forget what one job has done since; its rows are undone by the caller."""
        self.position, self.term, self.hash, self.next_slot, (entries, bodies) = mark
        self._entries.clear()
        self._sealed.clear()
        del self._kept_entries[entries:], self._kept_bodies[bodies:]

    # The pair

    def keep(self, wanted: bool) -> None:
        """Keep what is written, to be shipped, from now on or no longer. Between two transactions only."""
        self._keeping = wanted
        self._shipped_slots = self.keyring.slots
        self.reload()

    def shipment(self) -> Shipment | None:
        """What this transaction has written, with the slots made since the last shipment; None when it has no entry."""
        if not self._kept_entries:
            return None
        start, self._shipped_slots = self._shipped_slots, self.keyring.slots
        return Shipment(
            entries=tuple(map(journal.Entry._make, self._kept_entries)),
            bodies=tuple(map(BodyRow._make, self._kept_bodies)),
            slots_from=start,
            slots=self.keyring.after(start) if self._shipped_slots > start else b"",
        )

    def take(self, entries: Sequence[journal.Entry], events: Iterable[Event], bodies: Sequence[BodyRow]) -> None:
        """Add the other node's entries as they are, and do what they say; they were verified, and follow our end.

        Both come in the journal's order. Bodies are written no later than the entry that removes words, which may be theirs.
        """
        connection, written = self.connection, 0
        connection.executemany(journal.INSERT, entries)
        for entry, event in zip(entries, events, strict=True):
            kind = type(event)
            if kind in TAKES_BODIES:
                upto = bisect_left(bodies, body_number(entry.position, 0), written, key=_id_of)
                connection.executemany(_BODY, bodies[written:upto])
                written = upto
            apply(connection, entry.position, entry.term, event)
            self.kinds.add(kind)
        connection.executemany(_BODY, bodies[written:])
        self.position, self.term, self.hash = entries[-1].position, entries[-1].term, entries[-1].hash

    def sign_head(self, at: float) -> None:
        """Sign the journal's end as it is in this transaction, unless it is signed already."""
        if self.position > self.head:
            self.connection.execute(_HEAD, (self.position, self.hash, self.signer.sign(head_bytes(self.position, self.hash)), at))
            self.head = self.position

    # Customers

    def take_slot(self) -> int:
        """The next slot for a new customer; its key is on disk in the keyring.

        A keyring that is newer than the database knows of erasures that the database does not: those slots are passed over.
        """
        slot = self.next_slot
        self.keyring.ensure(slot, self.limits.slots_reserved)
        while self.keyring.key(slot) is None:
            slot += 1
            self.keyring.ensure(slot, self.limits.slots_reserved)
        self.next_slot = slot + 1
        return slot


def _id_of(body: BodyRow) -> int:
    return body.id


def head_bytes(position: int, digest: bytes) -> bytes:
    """What a node signs: that the journal up to here is this."""
    return b"tandem-head" + position.to_bytes(8, "big") + digest
