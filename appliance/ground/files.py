"""Files that are either wholly there or not there at all."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_F_FULLFSYNC = 51  # macOS: ask the drive to empty its own cache too (fcntl.h)


def flush_to_disk(descriptor: int) -> None:
    """Return only when the bytes are on the medium: fsync, and on macOS the full flush that fsync leaves out."""
    if sys.platform == "darwin":
        with suppress(OSError):  # file systems that do not know it (network shares) fall back to fsync
            fcntl.fcntl(descriptor, _F_FULLFSYNC)
            return
    os.fsync(descriptor)


def flush_directory(path: Path) -> None:
    """Make a rename or a new name in this folder survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush_to_disk(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace the file in one step: a reader sees the old content or the new, also after a power loss."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            flush_to_disk(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_directory(path.parent)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A place to write a file that is on the disk, whole, when this ends; else it is not there at all.

    Raises ``FileExistsError`` when there is one already: it is never replaced. The place has the same suffix. A power loss in
    between leaves an empty file at most.
    """
    path.touch(mode=0o600, exist_ok=False)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        partial.touch(mode=0o600)
        yield partial
        with partial.open("rb") as file:
            flush_to_disk(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    flush_directory(path.parent)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[IO[str] | None]:
    """Hold the lock file while inside; yields None at once when another process holds it.

    The holder's process id is written into the file, so that a message can name it.
    """
    with open(path, "a+", encoding="ascii") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield file
