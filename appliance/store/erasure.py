"""A customer's right to be forgotten.

The key goes first, then the entry is written and the bodies are deleted: whoever reads the entry can rely on it. When the
machine dies in between, the words are unreadable already, and the same command or the next term finishes the rest; until
then the customer is a stranger to whom a new key is given. At each start the erased slots are compared with the keyring,
so that a keyring put back from a backup does not bring anybody back.
"""

from collections.abc import Iterable
from typing import Any

from appliance.records.events import CustomerErased, MessageReceived
from appliance.store import journal
from appliance.store.books import Books
from appliance.store.effects.tables import body_number
from appliance.store.keyring import Keyring
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.sqlite import Connection


def erase(books: Books, customer: bytes, seen: Iterable[int], scanned_to: int, by: str, term: int, now: float) -> dict[str, Any]:
    """Destroy the customer's key and every word; the steps, one by one.

    ``seen`` are the customer's cases up to ``scanned_to``, found before by a reader: only what came since is looked for here,
    so that the writer is not held up by a walk through every case.
    """
    books.check_term(term)
    books.write_out()
    row = books.connection.execute("SELECT slot FROM customers WHERE digest = ?", (customer,)).fetchone()
    slot = -1 if row is None else int(row[0])
    numbers = {*seen, *cases_of(books.connection, slot, scanned_to)} if slot >= 0 else set()
    destroyed = 0
    if slot >= 0:
        try:
            destroyed = books.keyring.destroy((slot,))
        finally:  # the key may be gone from the disk even so, and must not seal anything any more
            books.bodies.forget((slot,))
    bodies, ids = _write_down(books, customer, slot, numbers, by, term, now)
    finish_entries(books, by, term, now)
    return {
        "known": slot >= 0,
        "steps": [
            {"step": "key", "status": "destroyed" if destroyed else "none", "count": destroyed},
            {"step": "words", "status": "deleted", "count": bodies},
            {"step": "cases", "status": "closed", "count": len(ids)},
            {"step": "journal", "status": "written", "position": books.position},
        ],
    }


def _write_down(
    books: Books, customer: bytes, slot: int, numbers: Iterable[int], by: str, term: int, now: float
) -> tuple[int, tuple[str, ...]]:
    """The entry of an erasure whose key is gone; how many bodies there were, and the cases."""
    ordered = sorted(numbers)
    ids = tuple(
        str(books.connection.execute("SELECT id FROM cases WHERE no = ? AND slot = ?", (number, slot)).fetchone()[0]) for number in ordered
    )
    bodies = count_bodies(books.connection, ordered, slot)
    books.append(CustomerErased(at=now, by=by, customer=customer.hex(), bodies=bodies, slot=slot, cases=ids), term=term)
    return bodies, ids


def finish_entries(books: Books, by: str, term: int, now: float) -> int:
    """Write the entries of erasures that were cut short after the key was destroyed; how many.

    A destroyed key that no case was sealed with belongs to a customer whom this database does not know.
    """
    gone = books.keyring.destroyed()
    if not gone:
        return 0
    books.write_out()
    known = {int(row[0]) for row in books.connection.execute("SELECT slot FROM erasures").fetchall()}
    numbers: dict[int, list[int]] = {slot: [] for slot in gone if slot not in known}
    if not numbers:
        return 0
    for number, slot in books.connection.execute("SELECT no, slot FROM cases").fetchall():
        if slot in numbers:
            numbers[slot].append(number)
    halves = {slot: sealed for slot, sealed in numbers.items() if sealed}
    for slot, sealed in halves.items():
        _write_down(books, _customer_of(books.connection, sealed[0]), slot, sealed, by, term, now)
    return len(halves)


def _customer_of(connection: Connection, number: int) -> bytes:
    """Whose case it is, as the entry says by which it came in."""
    entry = journal.at(connection, number)
    event = journal.decode(entry.payload) if entry is not None else None
    return bytes.fromhex(event.customer) if isinstance(event, MessageReceived) else b""


def slot_of(connection: Connection, customer: bytes) -> int:
    """The slot of a customer, or -1."""
    row = connection.execute("SELECT slot FROM customers WHERE digest = ?", (customer,)).fetchone()
    return -1 if row is None else int(row[0])


def cases_of(connection: Connection, slot: int, after: int) -> list[int]:
    """The customer's cases after a position. A walk through the table: erasures are rare, and an index would cost every accept."""
    return [int(row[0]) for row in connection.execute("SELECT no FROM cases WHERE slot = ? AND no > ?", (slot, after)).fetchall()]


def count_bodies(connection: Connection, numbers: Iterable[int], slot: int) -> int:
    """How many sealed bodies these cases have."""
    total = 0
    for number in numbers:
        positions = {number, *(row[0] for row in connection.execute("SELECT position FROM lines WHERE case_no = ?", (number,)).fetchall())}
        for position in positions:
            first = body_number(position, 0)
            row = connection.execute(
                "SELECT count(*) FROM bodies WHERE id BETWEEN ? AND ? AND slot = ?", (first, first + BODIES_PER_ENTRY - 1, slot)
            ).fetchone()
            total += int(row[0])
    return total


def finish_erasures(connection: Connection, keyring: Keyring) -> int:
    """Destroy keys of erased customers that are still there; how many."""
    slots = tuple(int(row[0]) for row in connection.execute("SELECT slot FROM erasures").fetchall())
    return keyring.destroy(slots) if slots else 0
