"""Tails that lost: entries of this node which the leader's journal does not have.

A node that led alone and comes back has to give up what the other one never got. Before it is seeded anew, everything after the last
common entry is put into ``divergent/<common>-<term>.json``: the entries, their sealed bodies, what had been sent, and the keys of
customers who came in by that tail, for the leader's keyring, which replaces ours, does not know them. The words stay sealed;
whose file this is can open them, like the keyring it lies beside.

A customer who is erased is erased here too: by the journal's pseudonym, which is the same on both nodes, and by the cases and the
slot that the erasure names. What is left is ids and codes, as in the journal. The old file is wiped before it goes, which is best
effort on a solid-state drive, as for the keyring.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from appliance.ground.files import flush_directory, flush_to_disk, write_atomically
from appliance.ground.log import Log
from appliance.records.base import Record
from appliance.records.events import CustomerErased, DeliverySent, Event, MessageReceived
from appliance.store import journal
from appliance.store.journal import Entry
from appliance.store.keyring import Keyring
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.shipment import BodyRow
from appliance.store.sqlite import Connection

log = Log("store")

FOLDER = "divergent"
_ERASED = str(CustomerErased.__struct_config__.tag)


class Sent(Record):
    """A mail that left by an entry of the tail; ``message_id`` is our own."""

    case: str
    delivery: str
    message_id: str = ""


class Divergent(Record):
    """A kept tail: how many entries of each kind, and what had been sent. An unreadable one has neither."""

    name: str
    common: int
    term: int
    taken_at: float = 0.0
    entries: int = 0
    kinds: dict[str, int] = {}
    sent: tuple[Sent, ...] = ()
    readable: bool = True


class Tail(Record):
    """What the file holds. ``keys``: of the slots that this tail took first, in hexadecimal."""

    common: int
    term: int
    taken_at: float
    entries: tuple[Entry, ...]
    bodies: tuple[BodyRow, ...]
    sent: tuple[Sent, ...] = ()
    keys: dict[int, str] = {}

    def events(self) -> list[tuple[int, Event]]:
        """The entries by position."""
        return [(entry.position, journal.decode(entry.payload)) for entry in self.entries]


def keep(connection: Connection, keyring: Keyring, home: Path, common: int, now: float) -> Path | None:
    """Write everything after a common position into a file that is on disk when this returns; None when there is nothing."""
    connection.execute("BEGIN")
    try:
        tail = _tail(connection, keyring, common, now)
    finally:
        connection.execute("ROLLBACK")
    if tail is None:
        return None
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{common}-{tail.term}.json"
    write_atomically(path, msgspec.json.encode(tail))
    flush_directory(home)
    return path


def _tail(connection: Connection, keyring: Keyring, common: int, now: float) -> Tail | None:
    entries = tuple(journal.read(connection, common))
    if not entries:
        return None
    events = [journal.decode(entry.payload) for entry in entries]
    first = (common + 1) * BODIES_PER_ENTRY
    rows = connection.execute("SELECT id, role, slot, sealed FROM bodies WHERE id >= ? ORDER BY id", (first,)).fetchall()
    taken = {event.slot for event in events if isinstance(event, MessageReceived) and event.new_customer}
    keys = {slot: key.hex() for slot in sorted(taken) if (key := keyring.key(slot)) is not None}
    sent = tuple(_sent(connection, event) for event in events if isinstance(event, DeliverySent))
    bodies = tuple(map(BodyRow._make, rows))
    return Tail(common=common, term=entries[-1].term, taken_at=now, entries=entries, bodies=bodies, sent=sent, keys=keys)


def _sent(connection: Connection, event: DeliverySent) -> Sent:
    row = connection.execute("SELECT message_id FROM deliveries WHERE id = ?", (event.delivery,)).fetchone()
    return Sent(case=event.case, delivery=event.delivery, message_id="" if row is None else row[0])


def listed(home: Path) -> list[Divergent]:
    """Every kept tail, in the journal's order."""
    found = [_summary(path) for path in _files(home)]
    return sorted(found, key=lambda each: (each.common, each.term))


def _files(home: Path) -> list[Path]:
    return sorted((home / FOLDER).glob("[0-9]*-[0-9]*.json"))


def _summary(path: Path) -> Divergent:
    tail = read(path)
    if tail is None:
        common, _, term = path.stem.partition("-")
        return Divergent(name=path.name, common=int(common), term=int(term), readable=False)
    kinds = dict(Counter(entry.kind for entry in tail.entries))
    return Divergent(
        name=path.name,
        common=tail.common,
        term=tail.term,
        taken_at=tail.taken_at,
        entries=len(tail.entries),
        kinds=kinds,
        sent=tail.sent,
    )


def read(path: Path) -> Tail | None:
    """A kept tail; None when the file is damaged or cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Tail)
    except (OSError, msgspec.DecodeError) as error:
        log.warning("divergent_unreadable", file=path.name, reason=str(error))
        return None


def names(home: Path) -> tuple[str, ...]:
    """The files of kept tails; costs a look into the folder."""
    return tuple(path.name for path in _files(home))


def erasures(home: Path, name: str) -> tuple[str, ...]:
    """Which customers were erased in a kept tail, by the pseudonyms in its entries: an erasure is not undone because a tail lost."""
    tail = read(home / FOLDER / name)
    events = (journal.decode(entry.payload) for entry in (tail.entries if tail is not None else ()) if entry.kind == _ERASED)
    return tuple(event.customer for event in events if isinstance(event, CustomerErased) and event.customer)


def forget(home: Path, erased: CustomerErased) -> int:
    """Take an erased customer's words and keys out of every kept tail; how many bodies went. May be repeated."""
    gone = 0
    for path in _files(home):
        tail = read(path)
        if tail is None:  # nobody can say whose words are in there
            _wipe(path)
            path.unlink(missing_ok=True)
            continue
        left = _without(tail, erased)
        if left != tail:
            gone += len(tail.bodies) - len(left.bodies)
            _replace(path, msgspec.json.encode(left))
    return gone


def forget_all(home: Path, connection: Connection) -> None:
    """The same for every erasure in the journal since the oldest tail was cut: after a start, for one that was cut short."""
    kept = listed(home)
    if not kept:
        return
    after = min(tail.common for tail in kept)
    sql = "SELECT payload FROM journal WHERE position > ? AND kind = 'customer_erased' ORDER BY position"
    for (payload,) in connection.execute(sql, (after,)).fetchall():
        event = journal.decode(payload)
        if isinstance(event, CustomerErased):
            forget(home, event)


def _without(tail: Tail, erased: CustomerErased) -> Tail:
    """A slot that the tail itself took is somebody else's in the leader's journal, so its number tells nothing."""
    events = tail.events()
    theirs = [event for _, event in events if isinstance(event, MessageReceived) and event.customer == erased.customer]
    cases = {*erased.cases, *(event.case for event in theirs)}
    slots = {event.slot for event in theirs} | ({erased.slot} - tail.keys.keys())
    positions = {position for position, event in events if cases.intersection(_cases(event))}
    bodies = tuple(body for body in tail.bodies if body.id // BODIES_PER_ENTRY not in positions and body.slot not in slots)
    keys = {slot: key for slot, key in tail.keys.items() if slot not in slots}
    return msgspec.structs.replace(tail, bodies=bodies, keys=keys)


def _cases(event: Event) -> Iterable[str]:
    case = getattr(event, "case", "")
    return (case, *getattr(event, "cases", ())) if case else getattr(event, "cases", ())


def remove(home: Path, name: str) -> bool:
    """Remove a kept tail for good, once a person has seen it; whether there was one of that name."""
    for path in _files(home):
        if path.name == name:
            _wipe(path)
            path.unlink()
            flush_directory(path.parent)
            return True
    return False


def _replace(path: Path, content: bytes) -> None:
    """Write the file anew and wipe the old one, whose blocks the disk may keep for a while."""
    with path.open("r+b") as old:
        write_atomically(path, content)
        _zero(old.fileno())


def _wipe(path: Path) -> None:
    with path.open("r+b") as file:
        _zero(file.fileno())


def _zero(descriptor: int) -> None:
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    flush_to_disk(descriptor)
