"""A customer's right to be forgotten.

The key goes first, then the entry is written and the bodies are deleted: whoever reads the entry can rely on it. When the
machine dies in between, the words are unreadable already, and the same command finishes the rest. At each start the
erased slots are compared with the keyring, so that a keyring put back from a backup does not bring anybody back.
"""

from collections.abc import Iterable
from typing import Any

from appliance.records.events import CustomerErased
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
    ids = tuple(
        str(books.connection.execute("SELECT id FROM cases WHERE no = ? AND slot = ?", (number, slot)).fetchone()[0])
        for number in sorted(numbers)
    )
    bodies = count_bodies(books.connection, sorted(numbers), slot)
    destroyed = 0
    if slot >= 0:
        destroyed = books.keyring.destroy((slot,))
        books.bodies.forget((slot,))
        books.forget_customer(customer)
    books.append(CustomerErased(at=now, by=by, customer=customer.hex(), bodies=bodies, slot=slot, cases=ids), term=term)
    return {
        "known": slot >= 0,
        "steps": [
            {"step": "key", "status": "destroyed" if destroyed else "none", "count": destroyed},
            {"step": "words", "status": "deleted", "count": bodies},
            {"step": "cases", "status": "closed", "count": len(ids)},
            {"step": "journal", "status": "written", "position": books.position},
        ],
    }


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
