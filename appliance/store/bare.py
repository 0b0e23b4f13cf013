"""SQLite with nothing around it: what the benchmarks compare the store with. The appliance itself never uses this.

It stands here because this room is the only one that may open a database.
"""

from collections.abc import Sequence
from pathlib import Path

from appliance.records.events import SourceRefreshed
from appliance.store import journal, sqlite
from appliance.store.journal import GENESIS, VERSION, Chain

_LOT = 5_000
_AT = 1_800_000_000.0


class BareCommits:
    """One row, one durable transaction: the least that a durable accept can cost."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.open_writer(path)
        self._connection.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT")

    def commit(self, row: bytes) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO bare (row) VALUES (?)", (row,))
        self._connection.execute("COMMIT")

    def tidy(self) -> None:
        """Bring the log home, as the store does from idle time."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self._connection.close()


class JournalOnly:
    """A journal without tables, chained or plain: the same rows, with and without their hashes worked out."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.connection = sqlite.open_writer(path)
        self.connection.execute(
            """CREATE TABLE journal (position INTEGER PRIMARY KEY, term INTEGER NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL,
            at REAL NOT NULL, payload BLOB NOT NULL, bodies INTEGER NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT"""
        )
        self.chain = Chain(key)
        self._position = 0
        self._hash = GENESIS

    def append_plain(self, payloads: Sequence[bytes]) -> None:
        """One transaction of entries whose hashes are only stored."""
        self._insert([(self._next(), 1, VERSION, "source_refreshed", _AT, payload, 0, GENESIS, GENESIS) for payload in payloads])

    def append_chained(self, payloads: Sequence[bytes]) -> None:
        """One transaction of entries, each bound to the one before it."""
        rows = []
        for payload in payloads:
            position, prev = self._next(), self._hash
            self._hash = self.chain.hash(prev, position, 1, VERSION, b"source_refreshed", _AT, 0, payload)
            rows.append((position, 1, VERSION, "source_refreshed", _AT, payload, 0, prev, self._hash))
        self._insert(rows)

    def scan(self) -> int:
        """Read every entry and do nothing with it; how many."""
        count = after = 0
        while lot := journal.read_lot(self.connection, after, _LOT):
            for row in lot:
                count += len(row) > 0
            after = lot[-1][0]
        return count

    def tidy(self) -> None:
        """Bring the log home."""
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self.connection.close()

    def _next(self) -> int:
        self._position += 1
        return self._position

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(journal.INSERT, rows)
        self.connection.execute("COMMIT")


def sample_payload(number: int) -> bytes:
    """A payload of the usual size."""
    event = SourceRefreshed(at=_AT + number, source=f"source-{number}", digest="0" * 64, passages=number, by="knowledge" * 20)
    return journal.encode(event)
