"""Digests of the tables: whether both nodes have made the same of the same entries, and whether both disks still hold it.

Each digest is of one position. A small table is read whole; of a large one a part, so that a look takes about a second however much there
is. Both nodes must look at the same part: the turn says which. Where none is given it is drawn from the position, which both know; turns
that count up go round evenly instead. A table of N rows is gone through in N / ``limits.digest_rows`` turns: at one a minute a
million cases take 50 minutes, and drawn from the position about five times as long until the last part was seen.

The journal and the sealed bodies are looked at in the same way, so that a row which changed on the disk is found, whatever it
belongs to; bodies are large and so fewer are read in one turn.

While the two run different releases, a table may have columns on one of them that the other does not know, or count something
otherwise. Such a table is not compared; the journal, of which every table is made, always is.
"""

import hashlib
import re
import threading
from typing import Any

import msgspec

from appliance.store import journal, sqlite
from appliance.store.limits import StoreLimits
from appliance.store.schema import STATE_TABLES
from appliance.store.shipment import JournalEnd, TableDigest

_LOT = 1_000
_ENCODER = msgspec.msgpack.Encoder()


class OpenDigest:
    """A snapshot between two transactions whose tables are still to be read. It must be computed or closed soon: it holds the log."""

    def __init__(self, connection: sqlite.Connection, limits: StoreLimits, turn: int | None) -> None:
        self._connection: sqlite.Connection | None = connection
        self._lock = threading.Lock()
        self._limits = limits
        try:
            connection.execute("BEGIN")
            self.end = end_of(connection)
        except BaseException:
            connection.close()
            raise
        self.turn = drawn(self.end.position) if turn is None else turn

    def compute(self) -> TableDigest:
        """Read the tables and let the snapshot go; on any thread, once."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is None:
            raise ValueError("this digest was computed or closed before")
        try:
            tables = {table: self._digest(connection, table, order) for table, order in STATE_TABLES.items()}
            tables["journal"] = self._digest(connection, "journal", "position")
            tables["bodies"] = self._digest(connection, "bodies", "id", self._limits.digest_bodies)
            shapes = {table: _shape(connection, table) for table in tables}
        finally:
            connection.close()
        return TableDigest(position=self.end.position, hash=self.end.hash, turn=self.turn, tables=tables, shapes=shapes)

    def close(self) -> None:
        """Let the snapshot go without reading. May be called twice."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _digest(self, connection: sqlite.Connection, table: str, order: str, most: int = 0) -> str:
        most = most or self._limits.digest_rows
        count = int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        parts = max(1, -(-count // most))
        digest = hashlib.sha256(_ENCODER.encode((count, self.turn % parts)))
        sql = f"SELECT * FROM {table} ORDER BY {order} LIMIT ? OFFSET ?"
        rows: Any = connection.execute(sql, (most, self.turn % parts * most))
        while lot := rows.fetchmany(_LOT):
            digest.update(_ENCODER.encode(lot))
        return digest.hexdigest()


def _shape(connection: sqlite.Connection, table: str) -> str:
    """A mark of a table's columns, of the triggers that write it, and of the version of the operations that fill it."""
    columns = [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]
    triggers = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").fetchall()
    writes = re.compile(rf"\b(?:INTO|FROM|UPDATE) {table}\b")
    fills = [sql for (sql,) in triggers if writes.search(sql)]
    return hashlib.sha256(repr((journal.VERSION, columns, fills)).encode()).hexdigest()[:16]


def end_of(connection: sqlite.Connection) -> JournalEnd:
    """Where the journal ends."""
    row = connection.execute("SELECT position, term, hash FROM journal ORDER BY position DESC LIMIT 1").fetchone()
    return JournalEnd(0, 0, journal.GENESIS) if row is None else JournalEnd(*row)


def drawn(position: int) -> int:
    """The turn for a position: the same on both nodes, and no neighbour of the one for the next position."""
    return int.from_bytes(hashlib.blake2b(position.to_bytes(8, "big"), digest_size=4).digest(), "big")
