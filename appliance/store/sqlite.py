"""The one door to SQLite.

Only ``pysqlite3`` is ever loaded, since it brings its own SQLite. Two copies of the library in one process drop each other's file
locks, and Apple's build ignores ``fullfsync``. The standard library's module is shut out by name: whoever imports
``sqlite3`` after this module gets the same library (sqlite-utils reaches for it through a helper package).
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pysqlite3  # type: ignore[import-untyped]
from pysqlite3 import dbapi2

from appliance.ground.errors import StoreError
from appliance.store.errors import DiskFull, StoreBroken, StoreCorrupt, StoreOutdated

sys.modules.setdefault("sqlite3", pysqlite3)
sys.modules.setdefault("sqlite3.dbapi2", dbapi2)

OLDEST_SAFE = (3, 51, 3)  # a WAL reset could corrupt the database before it

Error: type[Exception] = dbapi2.Error
IntegrityError: type[Exception] = dbapi2.IntegrityError

_BUSY_MILLISECONDS = 5_000
_STATEMENTS_KEPT = 256  # more than this room has, so each is prepared once a connection
_WRITER_CACHE_KIB = 8_192
_READER_CACHE_KIB = 2_048
_PAGES_A_STEP = 1_000
_JOURNAL_SIZE_BYTES = 64 * 1024 * 1024

_BUSY, _LOCKED, _READONLY, _IO, _CORRUPT, _FULL, _CANNOT_OPEN, _NOT_A_DATABASE = 5, 6, 8, 10, 11, 13, 14, 26


class Cursor(Protocol):
    """What a statement answers."""

    rowcount: int

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def fetchmany(self, size: int) -> list[Any]: ...
    def __iter__(self) -> Any: ...


class Connection(Protocol):
    """A connection that commits only when told to."""

    in_transaction: bool
    total_changes: int

    def execute(self, sql: str, parameters: Sequence[Any] = ...) -> Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Cursor: ...
    def executescript(self, sql: str) -> Cursor: ...
    def backup(self, target: "Connection", *, pages: int = ...) -> None: ...
    def close(self) -> None: ...


def version() -> str:
    """The version of the SQLite library in this process."""
    return str(dbapi2.sqlite_version)


def check_library() -> None:
    """Refuse a SQLite that may lose data."""
    if dbapi2.sqlite_version_info < OLDEST_SAFE:
        oldest = ".".join(map(str, OLDEST_SAFE))
        raise StoreOutdated(
            f"The SQLite library is version {dbapi2.sqlite_version}; versions before {oldest} can corrupt a database.",
            "Install the pinned pysqlite3 of this release.",
        )


def open_writer(path: Path, durable: bool = True) -> Connection:
    """The one connection that writes; makes the file when there is none.

    ``durable=False`` does not wait for the disk: for scratch databases only.
    """
    check_library()
    connection = _connect(str(path), uri=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
    connection.execute("PRAGMA fullfsync=1")  # macOS only: fsync there does not empty the drive's own cache
    connection.execute("PRAGMA checkpoint_fullfsync=1")
    connection.execute("PRAGMA secure_delete=1")  # what is deleted is overwritten, also in pages that become free
    connection.execute("PRAGMA wal_autocheckpoint=0")  # from idle time, by the writer
    connection.execute(f"PRAGMA journal_size_limit={_JOURNAL_SIZE_BYTES}")
    connection.execute(f"PRAGMA cache_size=-{_WRITER_CACHE_KIB}")
    return connection


def open_reader(path: Path) -> Connection:
    """A connection that cannot write."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.execute("PRAGMA query_only=1")
    connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KIB}")
    return connection


def copy(source: Connection, path: Path) -> None:
    """Copy the database, as the source's open transaction sees it, into a file; in steps, so that other threads get their turn."""
    target = _connect(str(path), uri=False)
    try:
        source.backup(target, pages=_PAGES_A_STEP)
    finally:
        target.close()


def open_scratch() -> Connection:
    """An empty database in memory."""
    return _connect(":memory:", uri=False)


def _connect(name: str, uri: bool) -> Connection:
    connection: Connection = dbapi2.connect(
        name, uri=uri, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS_KEPT
    )
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA trusted_schema=0")
    return connection


def explain(error: BaseException, path: Path) -> StoreError:
    """The library's error in words that a person can act on."""
    code = int(getattr(error, "sqlite_errorcode", 0) or 0)
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    primary = code & 0xFF
    if primary == _FULL:
        return DiskFull(
            f"The disk that holds {path} is full; nothing of this step was written and nothing is lost.",
            "Free some space there; work goes on by itself.",
        )
    if primary == _IO:
        return StoreBroken(
            f"The disk that holds {path} failed while it was written to ({name}); the store writes nothing more.",
            "Check the disk and its cable, then start again; what was confirmed before is in the journal.",
        )
    if primary in (_CORRUPT, _NOT_A_DATABASE):
        return StoreCorrupt(
            f"The database {path} is damaged or is no database ({name}).",
            "Move it aside and restore the newest backup with `tandem restore`; the keyring stays where it is.",
        )
    if primary in (_BUSY, _LOCKED):
        return StoreError(f"The database {path} is locked by another program ({name}).", "Close the program that has it open.")
    if primary in (_READONLY, _CANNOT_OPEN):
        return StoreError(f"The database {path} cannot be opened for writing ({name}).", "Check the owner and the rights of the folder.")
    return StoreError(f"The database {path} answered {name}: {error}.", "Run `tandem verify`; if it stays, report it with this line.")


def is_fatal(error: StoreError) -> bool:
    """After such an error nothing may be written any more."""
    return isinstance(error, StoreBroken | StoreCorrupt)
