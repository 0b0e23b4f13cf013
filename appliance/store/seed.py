"""A whole home for a node that has none, or whose tail lost: a copy of the leader's database, and the keys that both share.

    taken      by SQLite's own backup from a reader's snapshot: one moment, while the writer goes on
    installed  with the store closed: the keyring first, then the database in one step

The node keeps its own signing key, for its heads are its own; the other node's heads do not come along. Until the database is in its
place nothing of the seed is in use, and each step may be done again: whoever was interrupted calls ``install_seed`` once more.
"""

import os
from contextlib import closing
from pathlib import Path

from appliance.ground.errors import StoreError
from appliance.ground.files import exclusive_lock, flush_directory, flush_to_disk
from appliance.store import audit, journal, schema, sqlite
from appliance.store.digests import end_of
from appliance.store.errors import KeyringError, StoreCorrupt, StoreLocked
from appliance.store.keyring import Keyring
from appliance.store.shipment import JournalEnd

_AGAIN = "Let it be sent anew."


def snapshot(path: Path, target: Path) -> JournalEnd:
    """Copy a database as of one moment into a file, flushed and 0600; where its journal ends. What was there is replaced."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with closing(sqlite.open_reader(path)) as connection:
        try:
            connection.execute("BEGIN")
            end = end_of(connection)  # the first read opens the snapshot; the copy is of the same one
            sqlite.copy(connection, target)
        except sqlite.Error as error:
            target.unlink(missing_ok=True)
            raise sqlite.explain(error, target) from error
    _flush(target)
    return end


def install_seed(home: Path, database: Path, keys: bytes) -> None:
    """Put a snapshot and the shared keys in place of the home's own. The store must be closed. ``database`` is moved, and gone then.

    It must lie on the home's file system. Raises ``StoreLocked``, ``KeyringError`` or ``StoreCorrupt`` (a seed that is damaged, or
    whose keys are another home's), ``StoreTooNew``. Nothing of the home was touched then.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "run").mkdir(exist_ok=True, mode=0o700)
    with exclusive_lock(home / "run" / "store.lock") as held:
        if held is None:
            raise StoreLocked(f"Another process has {home} open.", "Stop it first.")
        try:
            _install(home, database, keys)
        except OSError as error:
            raise StoreError(f"The seed cannot be put into {home}: {error.strerror}.", "Check the disk's room and the rights.") from error
        except sqlite.Error as error:
            raise sqlite.explain(error, database) from error


def _install(home: Path, database: Path, keys: bytes) -> None:
    place = home / "tandem.db"
    if database.exists():
        _prepare(database, keys, home / "keyring")
        _remove_log(database)
        Keyring.install(home / "keyring", keys)
        (home / "anchor").unlink(missing_ok=True)  # it vouches for the journal that goes
        _remove_log(place)
        os.replace(database, place)
        flush_directory(home)
    else:  # cut short after the last step, or nothing was ever sent
        _must_fit(place, keys, home / "keyring")
    place.chmod(0o600)


def _prepare(database: Path, keys: bytes, keyring: Path) -> None:
    """Look whether the seed is whole, and take the other node's own tables out of it."""
    _must_fit(database, keys, keyring)
    with closing(sqlite.open_writer(database)) as connection:
        schema.bring_up_to_date(connection, database)
        for table in schema.LOCAL_TABLES:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _flush(database)


def _must_fit(database: Path, keys: bytes, keyring: Path) -> None:
    """The file is whole, and its last entry was hashed with these keys."""
    chain = journal.Chain(Keyring.chain_of(keyring, keys))
    if not database.exists():
        raise StoreCorrupt(f"There is no seed {database}.", _AGAIN)
    with closing(sqlite.open_writer(database)) as connection:
        damage = audit.check_integrity(connection)
        if damage:
            raise StoreCorrupt(f"The seed {database} is damaged: {damage[0]}", _AGAIN)
        last = journal.last(connection)
        if last is not None and chain.of(last) != last.hash:
            raise KeyringError(f"The keys are not those of the seed {database}.", _AGAIN)


def _remove_log(database: Path) -> None:
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush_to_disk(descriptor)
    finally:
        os.close(descriptor)
    flush_directory(path.parent)
