"""The tables follow from the journal: apply every entry to an empty database, and compare."""

import hashlib

from appliance.store import journal
from appliance.store.apply import apply
from appliance.store.schema import STATE_TABLES, bring_up_to_date
from appliance.store.sqlite import Connection, open_scratch

_LOT = 1_000


def table_digests(connection: Connection) -> dict[str, str]:
    """A digest of each table that follows from the journal. What was derived from sealed words stands in none of them."""
    return {table: _digest(connection, table, order) for table, order in STATE_TABLES.items()}


def _digest(connection: Connection, table: str, order: str) -> str:
    digest = hashlib.sha256()
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
    while lot := rows.fetchmany(_LOT):
        for row in lot:
            digest.update(repr(row).encode())
    return digest.hexdigest()


def replay(source: Connection, up_to: int) -> Connection:
    """A database in memory with every entry up to a position applied to it."""
    from pathlib import Path

    scratch = open_scratch()
    bring_up_to_date(scratch, Path(":memory:"))
    scratch.execute("BEGIN")
    for entry in journal.read(source):
        if entry.position > up_to:
            break
        apply(scratch, entry.position, entry.term, journal.decode(entry.payload))
    scratch.execute("COMMIT")
    return scratch


def differing_tables(source: Connection) -> tuple[str, ...]:
    """The tables that are not what the journal makes of them, as of one moment."""
    source.execute("BEGIN")  # one snapshot for the journal and the tables
    try:
        last = journal.last(source)
        scratch = replay(source, last.position if last else 0)
        expected, found = table_digests(scratch), table_digests(source)
        scratch.close()
    finally:
        source.execute("ROLLBACK")
    return tuple(table for table in STATE_TABLES if expected[table] != found[table])
