"""Settings, policy, knowledge, secrets: the files that both nodes must have alike, pulled by their digests.

The leader names its files logically ("policy.toml", "knowledge/faq.csv") and never says a path; where a name lies on this node is
this node's own to say, and a name that it does not know is not written. A file is put in place in one step, with its permissions.
"""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from appliance.ground.files import flush_directory, flush_to_disk
from appliance.ground.log import Log
from appliance.pair.copying.errors import FilesFailed
from appliance.pair.copying.frames import PART_BYTES, FileMark, FilePart, FilesWish, FileWish, FromFiles, FromPuller, Manifest, Turned
from appliance.pair.line.wire import Line, Open

log = Log("pair")

NAME_BYTES_MOST = 255
FILE_BYTES_MOST = 1 << 30
FILES_MOST = 10_000
_ANSWER_SECONDS = 60.0
_IDLE_SECONDS = 60.0
_BAD = re.compile(r"[\x00-\x1f\x7f\\:]")
_PERMISSIONS = 0o777

Known = tuple[int, int, int]


class Pulled(NamedTuple):
    """What a pull came to, by names: put in place; gone from the leader, and left for the caller to remove; not for this node."""

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


def is_safe(name: str) -> bool:
    """Whether a logical name can stand for a place below a folder: relative, no way up, nothing that a file system takes for more."""
    if not name or len(name.encode(errors="replace")) > NAME_BYTES_MOST or _BAD.search(name) or not name.isprintable():
        return False
    return all(part not in ("", ".", "..") and part == part.strip() for part in name.split("/"))


class Shared:
    """Makes manifests; remembers the digest of a file for as long as its size and time of change stay the same."""

    def __init__(self, places: Callable[[], Mapping[str, Path]]) -> None:
        self._places = places
        self._known: dict[Path, tuple[Known, FileMark]] = {}
        self._lock = threading.Lock()

    def manifest(self) -> Manifest:
        """The files that are there now. Those that are missing, are no plain files or are too large are left out."""
        found = {}
        for name, path in list(self._places().items())[:FILES_MOST]:
            mark = self._mark(path) if is_safe(name) else None
            if mark is not None:
                found[name] = mark
            elif path.exists():
                log.warning("file_not_shared", name=name)
        return Manifest(files=found)

    def path(self, name: str) -> Path | None:
        """Where a shared file lies."""
        return self._places().get(name)

    def _mark(self, path: Path) -> FileMark | None:
        try:
            status = path.stat()
            if not path.is_file() or status.st_size > FILE_BYTES_MOST:
                return None
            known = (status.st_size, status.st_mtime_ns, status.st_ino)
            with self._lock:
                kept = self._known.get(path)
            digest = kept[1].sha256 if kept is not None and kept[0] == known else _digest(path)
        except OSError:
            return None
        mark = FileMark(sha256=digest, size=status.st_size, mode=status.st_mode & _PERMISSIONS)
        with self._lock:
            self._known[path] = (known, mark)
        return mark


class FilesDesk:
    """The leader's side: the service "files"."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def serve(self, line: Line, _open: Open) -> None:
        """Say which files there are, and give those that are asked for, until the other side is done."""
        offered: Manifest | None = None
        for _wish in range(FILES_MOST + 1):
            wish: FromPuller = line.receive(FromPuller, _IDLE_SECONDS)
            if isinstance(wish, FilesWish):
                offered = self._shared.manifest()
                line.send(offered)
            elif offered is None or wish.name not in offered.files:
                line.send(Turned(code="no_such_file"))
            else:
                self._give(line, wish.name)

    def _give(self, line: Line, name: str) -> None:
        path = self._shared.path(name)
        if path is None:
            line.send(Turned(code="no_such_file"))
            return
        try:
            with path.open("rb") as file:
                data = file.read(PART_BYTES)
                while following := file.read(PART_BYTES) if len(data) == PART_BYTES else b"":
                    line.send(FilePart(data=data, last=False))
                    data = following
            line.send(FilePart(data=data, last=True))
        except OSError as error:
            log.warning("file_unreadable", name=name, reason=error.strerror or "")
            line.send(Turned(code="unreadable"))


def pull(dial: Callable[[], Line], have: Manifest, place: Callable[[str], Path | None]) -> Pulled:
    """Fetch what the leader has and this node has not, or has otherwise. Raises ``FilesFailed``, and what ``dial`` and the line raise.

    ``place`` says where a name lies here, None for a name that this node does not take. What was put in place before a failure stays.
    """
    line = dial()
    try:
        line.send(FilesWish())
        offered: FromFiles = line.receive(FromFiles, _ANSWER_SECONDS)
        if not isinstance(offered, Manifest):
            raise _failed("the list", "the leader did not give one")
        changed, refused = [], []
        for name, mark in sorted(offered.files.items()):
            path = place(name) if is_safe(name) and mark.size <= FILE_BYTES_MOST else None
            if path is None:
                log.warning("file_name_refused", name=name[:100])
                refused.append(name)
            elif have.files.get(name) != mark:
                _fetch(line, name, mark, path)
                changed.append(name)
        removed = tuple(sorted(have.files.keys() - offered.files.keys()))
        if changed or removed:
            log.info("files_pulled", changed=len(changed), removed=len(removed))
        return Pulled(tuple(changed), removed, tuple(refused))
    finally:
        line.close()


def _fetch(line: Line, name: str, mark: FileMark, path: Path) -> None:
    """Write it beside its place, verify it, and put it there in one step."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            digest, size = hashlib.sha256(), 0
            for data in _parts(line, name):
                size += len(data)
                if size > mark.size:
                    raise _failed(name, "more came than was announced")
                digest.update(data)
                file.write(data)
            if size != mark.size or digest.digest() != mark.sha256:
                raise _failed(name, "it changed while it was read")
            os.fchmod(file.fileno(), mark.mode)
            file.flush()
            flush_to_disk(file.fileno())
        os.replace(part, path)
        flush_directory(path.parent)
    except OSError as error:
        raise _failed(name, f"it could not be written here ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)


def _parts(line: Line, name: str) -> Iterator[bytes]:
    line.send(FileWish(name=name))
    last = False
    while not last:
        said: FromFiles = line.receive(FromFiles, _ANSWER_SECONDS)
        if not isinstance(said, FilePart):
            raise _failed(name, "the leader did not give it")
        last = said.last
        yield said.data


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _failed(name: str, reason: str) -> FilesFailed:
    return FilesFailed(f"The shared file {name} could not be fetched: {reason}.", "It is tried again by itself.")
