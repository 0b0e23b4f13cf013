"""The whole database for a standby that has none, or one that is too far behind: a snapshot, in parts, with its digest and the keys.

The leader makes the snapshot beside its own files, sends it and deletes it; entries that come meanwhile are caught up afterwards.
What arrives goes into a file with ``.part`` at its end and gets its name only when the digest is right and all is on disk, so a cut
leaves nothing that could be taken for a database. Room is looked for on both sides before a byte is written.
"""

import hashlib
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from appliance.ground.errors import TandemError
from appliance.ground.files import flush_directory, flush_to_disk, write_atomically
from appliance.ground.log import Log
from appliance.pair.copying.errors import SeedFailed
from appliance.pair.copying.frames import (
    PART_BYTES,
    FromSeeded,
    FromSeeder,
    SeedEnd,
    SeedGot,
    SeedKeys,
    SeedPart,
    SeedStart,
    SeedWait,
    SeedWish,
    Turned,
)
from appliance.pair.line.wire import Line, Open
from appliance.store.errors import KeyringError, StoreCorrupt, StoreTooNew
from appliance.store.replication import install_seed
from appliance.store.shipment import JournalEnd
from appliance.store.store import Store

log = Log("pair")

Progress = Callable[[int, int], None]
"""Told how many bytes are through, and of how many."""

_AHEAD = 8 * PART_BYTES  # sent and not yet on the other side
_SPARE = 64 << 20  # that must be left on a disk afterwards
_ANSWER_SECONDS = 120.0  # for a slow disk to take what was sent
_KEYS_MOST = 256 << 20  # the keys of eight million customers
_SNAPSHOT = "seed.snapshot"
ARRIVED = "seed.database"
KEYS = "seed.keys"
_FOLDER = "pair"


class Seed(NamedTuple):
    """What a standby starts from: the database, the shared part of the keyring, and where the journal in it ends."""

    database: Path
    keys: bytes
    end: JournalEnd


def nothing(done: int, total: int) -> None:
    """No progress is asked for."""


class Seeds:
    """The leader's side: the service "seed". One at a time; whoever comes meanwhile is turned away with "busy"."""

    def __init__(self, store: Store, folder: Path, progress: Progress = nothing) -> None:
        self._store = store
        self._folder = folder
        self._progress = progress
        self._busy = threading.Lock()

    def serve(self, line: Line, open_: Open) -> None:
        """Give the whole database to the standby on this line."""
        line.receive(SeedWish, _ANSWER_SECONDS)
        if not self._busy.acquire(blocking=False):
            line.send(Turned(code="busy"))
            return
        try:
            self._give(line, open_)
        finally:
            self._busy.release()

    def _give(self, line: Line, open_: Open) -> None:
        snapshot = self._folder / _SNAPSHOT
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        snapshot.unlink(missing_ok=True)  # of a process that died over it
        try:
            if not _room(self._folder, _size_of(self._store.path)):
                log.warning("seed_no_room")
                line.send(Turned(code="leader_no_room"))
                return
            end = self._made(line, snapshot)
            log.info("seed_started", node=open_.node, position=end.position, bytes=snapshot.stat().st_size)
            self._send(line, snapshot, end)
            log.info("seed_given", node=open_.node, position=end.position)
        finally:
            for path in self._folder.glob(f"{_SNAPSHOT}*"):
                path.unlink(missing_ok=True)

    def _made(self, line: Line, snapshot: Path) -> JournalEnd:
        """The snapshot; the other side hears meanwhile that somebody is at it."""
        done = threading.Event()
        made: list[JournalEnd | Exception] = []

        def make() -> None:
            try:
                made.append(self._store.replication.snapshot(snapshot))
            except Exception as error:
                made.append(error)
            done.set()

        maker = threading.Thread(target=make, name="seed-snapshot", daemon=True)
        maker.start()
        try:
            while not done.wait(1.0):
                line.send(SeedWait())
        finally:
            maker.join()
        if isinstance(made[0], Exception):
            if isinstance(made[0], TandemError):
                line.send(Turned(code=made[0].code or "failed"))
            raise made[0]
        return made[0]

    def _send(self, line: Line, snapshot: Path, end: JournalEnd) -> None:
        total, digest, sent, taken = snapshot.stat().st_size, hashlib.sha256(), 0, 0
        line.send(SeedStart(total=total))
        with snapshot.open("rb") as file:
            while data := file.read(PART_BYTES):
                digest.update(data)
                line.send(SeedPart(data=data))
                sent += len(data)
                while sent - taken > _AHEAD:
                    taken = self._taken(line, sent)
                self._progress(taken, total)
        keys = self._store.replication.keys()  # after the snapshot: they hold whatever it was sealed with
        digest.update(keys)
        for start in range(0, len(keys), PART_BYTES):
            line.send(SeedKeys(data=keys[start : start + PART_BYTES]))
        line.send(SeedEnd(sha256=digest.digest(), position=end.position, term=end.term, hash=end.hash))
        while taken < total:
            taken = self._taken(line, sent)
        self._progress(taken, total)

    def _taken(self, line: Line, sent: int) -> int:
        said: FromSeeded = line.receive(FromSeeded, _ANSWER_SECONDS)
        if isinstance(said, SeedGot) and said.total <= sent:
            return said.total
        code = said.code if isinstance(said, Turned) else "out_of_order"
        raise SeedFailed(f"The standby stopped taking the database ({code}).", "Look at its log; it begins again by itself.", code=code)


def fetch_seed(dial: Callable[[], Line], folder: Path, progress: Progress = nothing) -> Seed:
    """Fetch the leader's whole database into the folder. Raises ``SeedFailed``, and what ``dial`` and the line raise.

    Nothing is left behind when it fails. What was fetched is put in place by ``take_seed`` while the store is closed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear(folder)
    part = folder / f"{ARRIVED}.part"
    line = dial()
    try:
        line.send(SeedWish())
        total = _start(line)
        if not _room(folder, total):
            with suppress(TandemError):
                line.send(Turned(code="standby_no_room"))
                line.let_go()
            raise _failed("standby_no_room", f"It has {total} bytes, and {folder} lies on a disk with less room.")
        keys, end = _take(line, part, total, progress)
        part.replace(folder / ARRIVED)
        flush_directory(folder)
        write_atomically(folder / KEYS, keys)  # last: with it the seed is whole
        line.send(SeedGot(total=total))
        return Seed(folder / ARRIVED, keys, end)
    except OSError as error:
        raise _failed("standby_disk", f"The disk of this node failed ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)
        line.close()


def take_seed(home: Path) -> bool:
    """Put a seed that was fetched in place of the home's database; whether that was done. The store must be closed.

    May be repeated. The keys are the last to arrive and the first to go: where they are, the database is whole. A seed that is damaged
    or of a newer program is thrown away, and the home stays as it was: the node must start to fetch another one.
    """
    folder = home / _FOLDER
    keys = folder / KEYS
    if not keys.exists():
        _clear(folder)
        return False
    try:
        install_seed(home, folder / ARRIVED, keys.read_bytes())
    except (StoreCorrupt, KeyringError, StoreTooNew) as error:
        log.error("seed_unusable", error=error)
        _clear(folder)
        return False
    _clear(folder)
    return True


def _clear(folder: Path) -> None:
    """Leave nothing of a seed. The keys go first, for where they are a whole database is believed to be."""
    for name in (KEYS, ARRIVED, f"{ARRIVED}.part", f"{ARRIVED}-wal", f"{ARRIVED}-shm"):
        path = folder / name
        if path.exists():
            if name == KEYS:
                _wipe(path)
            path.unlink()
            flush_directory(folder)


def _wipe(path: Path) -> None:
    """Overwrite the keys where their blocks may live on: one of them may be of a customer who is erased later."""
    with suppress(OSError), path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        _flush(file)


def _start(line: Line) -> int:
    while isinstance(said := _heard(line), SeedWait):
        pass
    if not isinstance(said, SeedStart):
        raise _failed("out_of_order", "The leader began in the middle.")
    return said.total


def _take(line: Line, part: Path, total: int, progress: Progress) -> tuple[bytes, JournalEnd]:
    """Write the parts and verify them."""
    digest, keys, got = hashlib.sha256(), bytearray(), 0
    part.touch(mode=0o600)
    with part.open("wb") as file:
        while isinstance(said := _heard(line), SeedPart):
            got += len(said.data)
            if got > total:
                raise _failed("out_of_order", "More came than was announced.")
            digest.update(said.data)
            file.write(said.data)
            if got < total:  # the last one is answered when all is verified and flushed
                line.send(SeedGot(total=got))
            progress(got, total)
        _flush(file)
    while isinstance(said, SeedKeys) and len(keys) <= _KEYS_MOST:
        keys += said.data
        said = _heard(line)
    digest.update(keys)
    if not isinstance(said, SeedEnd) or got != total or said.sha256 != digest.digest():
        raise _failed("wrong_digest", "What arrived is not what was sent.")
    return bytes(keys), JournalEnd(said.position, said.term, said.hash)


def _heard(line: Line) -> SeedWait | SeedStart | SeedPart | SeedKeys | SeedEnd:
    said: FromSeeder = line.receive(FromSeeder, _ANSWER_SECONDS)
    if isinstance(said, Turned):
        raise _failed(said.code, _REASONS.get(said.code, "The leader would not."))
    return said


_REASONS = {
    "busy": "The leader gives its database to somebody already.",
    "leader_no_room": "The leader's disk has no room for a second copy of its database.",
}


def _failed(code: str, reason: str) -> SeedFailed:
    remedy = "Make room on that disk." if code.endswith("_room") else "It is tried again by itself; else see the leader's log."
    return SeedFailed(f"The leader's database could not be fetched. {reason}", remedy, code=code)


def _flush(file: BinaryIO) -> None:
    file.flush()
    flush_to_disk(file.fileno())


def _size_of(database: Path) -> int:
    """With the log beside it, which a snapshot folds in."""
    return sum(path.stat().st_size for path in (database, database.with_name(f"{database.name}-wal")) if path.exists())


def _room(folder: Path, needed: int) -> bool:
    return shutil.disk_usage(folder).free >= needed + _SPARE
