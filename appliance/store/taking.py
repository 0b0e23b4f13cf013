"""Taking entries from the other node: everything that can be found wrong with them, before anything is written.

Whoever sends is our peer, pinned by certificate; still nothing is believed. An entry counts because its hash, made with the key that
both share, binds it to our own end; a body counts because its digest stands in its entry. So a line, a disk or a program that
damaged, lost, doubled or reordered something cannot get it past here, and a program that knows more than we do stops us loudly.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from appliance.records.events import KINDS, CustomerErased, Event
from appliance.store import journal
from appliance.store.books import Books
from appliance.store.errors import BadShipment, Forked, NotYet, StaleTerm, UnknownOperation
from appliance.store.journal import Chain, Entry
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.shipment import BodyRow, Shipment

_AGAIN = "Nothing of it was applied. It is asked for again; if it stays, run `tandem verify` on both nodes."
_KNOWN = frozenset(str(kind.__struct_config__.tag) for kind in KINDS)
_KEY = 32


class Lot(NamedTuple):
    """Shipments laid out as they are written, and found whole. ``slots``: runs of the keyring's slots, each from a number on."""

    entries: list[Entry]
    events: list[Event]
    bodies: list[BodyRow]
    slots: list[tuple[int, bytes]]

    @property
    def erased(self) -> list[CustomerErased]:
        """The erasures among its entries, whose keys are to be destroyed here too."""
        return [event for event in self.events if type(event) is CustomerErased]

    def without(self, known: int) -> "Lot":
        """What is left of it when the first so many entries are here already."""
        if not known:
            return self
        left = self.entries[known:]
        bodies = [body for body in self.bodies if left and body.id >= left[0].position * BODIES_PER_ENTRY]
        return Lot(left, self.events[known:], bodies, self.slots)


def examine(shipments: Sequence[Shipment], chain: Chain) -> Lot:
    """The shipments as one lot. Raises ``BadShipment`` or ``UnknownOperation`` for whatever they do not vouch for themselves."""
    entries = [entry for shipment in shipments for entry in shipment.entries]
    _check_chain(entries, chain)
    events = _decoded(entries)
    bodies = [body for shipment in shipments for body in shipment.bodies]
    _check_bodies(entries, bodies, {position for shipment in shipments for position in shipment.bare})
    return Lot(entries, events, bodies, [(shipment.slots_from, shipment.slots) for shipment in shipments if shipment.slots])


def _decoded(entries: list[Entry]) -> list[Event]:
    """The events of entries that are whole: what cannot be read of those was written by a program that knows more."""
    decode, events = journal.decode, []
    for entry in entries:
        if not 1 <= entry.version <= journal.VERSION or entry.kind not in _KNOWN:
            raise _unknown(entry)
        try:
            event = decode(entry.payload)
        except msgspec.DecodeError as error:
            raise _unknown(entry) from error
        if event.__struct_config__.tag != entry.kind:
            raise BadShipment(f"Entry {entry.position} is not of the kind that it says.", _AGAIN)
        events.append(event)
    return events


def _unknown(entry: Entry) -> UnknownOperation:
    return UnknownOperation(
        f"Entry {entry.position} ({entry.kind}, version {entry.version}) was written by a program that knows more than this one.",
        "Update this node: the one that follows is always updated first.",
    )


def _check_chain(entries: list[Entry], chain: Chain) -> None:
    of, before = chain.of, None
    for entry in entries:
        if before is not None and (entry.position != before.position + 1 or entry.prev != before.hash):
            raise BadShipment(f"Entry {entry.position} does not follow entry {before.position}.", _AGAIN)
        if before is not None and entry.term < before.term:
            raise StaleTerm(f"Entry {entry.position} is of term {entry.term}, after one of term {before.term}.", _AGAIN)
        if of(entry) != entry.hash:
            raise BadShipment(f"Entry {entry.position} was changed on its way, or was not written with our keys.", _AGAIN)
        before = entry


def _check_bodies(entries: list[Entry], bodies: list[BodyRow], bare: set[int]) -> None:
    """Each in its place, with its digest in its entry; as many as the entry says, unless a later entry removed some."""
    if not entries:
        if bodies:
            raise BadShipment("There are words without an entry.", _AGAIN)
        return
    first, counts, last = entries[0].position, [0] * len(entries), -1
    for body in bodies:
        place = body.id // BODIES_PER_ENTRY - first
        if body.id <= last or not 0 <= place < len(entries) or body.slot < 0:
            raise BadShipment(f"There are words for entry {place + first}, where they do not belong.", _AGAIN)
        if sha256(body.sealed).hexdigest().encode() not in entries[place].payload:
            raise BadShipment(f"The sealed words of entry {place + first} are not the ones that it was written with.", _AGAIN)
        counts[place] += 1
        last = body.id
    for entry, count in zip(entries, counts, strict=True):
        if count != entry.bodies and not (count < entry.bodies and entry.position in bare):
            raise BadShipment(f"Entry {entry.position} came with {count} of {entry.bodies} sealed bodies.", _AGAIN)


def already_here(lot: Lot, end: int, hash_at: bytes | None) -> int:
    """How many of its entries we have. ``hash_at`` is our hash at the last of those, ``end`` the position where we end.

    One comparison is enough: the entries are chained, so one that is the same has the same ones before it.
    """
    if not lot.entries or lot.entries[0].position > end:
        return 0
    known = min(end, lot.entries[-1].position) - lot.entries[0].position + 1
    if lot.entries[known - 1].hash != hash_at:
        raise _forked(lot.entries[known - 1].position)
    return known


def take(books: Books, lot: Lot) -> None:
    """Write a lot in the open transaction of the writer, which is undone when this raises."""
    _check_follows(books, lot.entries)
    shared = _with_slots(books.shared_slots, lot.slots)
    missing = max((body.slot for body in lot.bodies), default=-1)
    if missing >= shared:
        raise NotYet(f"The key of slot {missing} has not come; this node has the first {shared}.", "It is asked for with the next lot.")
    for start, keys in lot.slots:
        books.keyring.take(start, keys, books.used_slots())
    books.shared_slots = shared
    if lot.entries:
        books.take(lot.entries, lot.events, lot.bodies)


def _check_follows(books: Books, entries: list[Entry]) -> None:
    if not entries:
        return
    first = entries[0]
    if first.position > books.position + 1:
        raise NotYet(f"These entries begin at {first.position}, our journal ends at {books.position}.", "Those in between are asked for.")
    if first.prev != books.hash or first.position <= books.position:
        raise _forked(min(first.position - 1, books.position))
    if first.term < books.term:
        raise StaleTerm(f"Entry {first.position} is of term {first.term}, our journal is in term {books.term}.", "The other node follows.")


def _with_slots(shared: int, runs: list[tuple[int, bytes]]) -> int:
    for start, keys in runs:
        if start > shared or start < 0 or len(keys) % _KEY:
            raise NotYet(f"The keys begin with slot {start}; this node has the first {shared}.", "They are asked for again.")
        shared = max(shared, start + len(keys) // _KEY)
    return shared


def _forked(position: int) -> Forked:
    return Forked(
        f"The two journals differ at entry {position} or before it.",
        "The node whose tail is not the leader's keeps it aside and is seeded anew.",
    )
