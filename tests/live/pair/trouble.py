"""What can go wrong inside a machine: its disk slow, broken, full or rotten, its wall clock moved.

``Trouble`` acts on a process that runs under it, at once; the rest acts on the files of a home.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.pair.net import run
from tests.live.servers.child import CannotStart

_SOURCE = Path(__file__).with_name("trouble.c")
_NUMBERS = struct.Struct("=qqq")


class Trouble:
    """The switchboard of ``trouble.c`` for one machine; all is well until something is set."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._file, self._library = folder / "trouble", library
        self._flush_seconds, self._flush_error, self._clock_seconds = 0.0, 0, 0
        self._write()

    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "TANDEM_LAB_TROUBLE": str(self._file)}

    def slow_disk(self, seconds: float) -> None:
        """Each flush takes so much longer."""
        self._flush_seconds = seconds
        self._write()

    def broken_disk(self) -> None:
        """Each flush ends with EIO: what it should have made safe may be lost."""
        self._flush_error = errno.EIO
        self._write()

    def jump_clock(self, seconds: int) -> None:
        """The wall clock is off by so much from now on; the steady clock goes on."""
        self._clock_seconds = seconds
        self._write()

    def over(self) -> None:
        self._flush_seconds, self._flush_error, self._clock_seconds = 0.0, 0, 0
        self._write()

    def _write(self) -> None:
        """In place, for the processes have the file mapped."""
        numbers = _NUMBERS.pack(int(self._flush_seconds * 1e6), self._flush_error, self._clock_seconds)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, numbers, 0)
        finally:
            os.close(descriptor)


def build(folder: Path) -> Path:
    """Compile the library. Raises ``CannotStart`` where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise CannotStart("cc is not installed (Debian: apt-get install gcc libc6-dev)")
    library = folder / "trouble.so"
    run(compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", str(library), str(_SOURCE))
    return library


@contextmanager
def small_disk(place: Path, kibibytes: int) -> Iterator[Path]:
    """A disk of its own of this size, mounted there meanwhile."""
    place.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=0700", "tandem-lab", str(place))
    try:
        yield place
    finally:
        run("umount", "--lazy", str(place))


def fill(place: Path) -> Path:
    """Write until the disk is full; the file that did it. Deleting it makes room again."""
    file = place / "filler"
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        for size in (65536, 4096, 512):
            with contextlib.suppress(OSError):
                while filler.write(b"\0" * size):
                    pass
    return file


def rot(home: Path) -> int:
    """Flip a bit of the newest journal entry where it lies in the database, as a dying disk does; the entry's position.

    Only on a node that is stopped: what lies in the write-ahead log is put into the database first.
    """
    file = home / "tandem.db"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        position, digest = database.execute("SELECT position, hash FROM journal ORDER BY position DESC LIMIT 1").fetchone()
    raw = bytearray(file.read_bytes())
    place = raw.find(digest)
    assert place > 0, f"entry {position} is not found in the database as it lies on the disk"
    raw[place] ^= 0x01
    file.write_bytes(raw)
    return int(position)
