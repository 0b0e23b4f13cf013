"""The last good reading of each source on disk, so that a broken file after a restart still leaves its passages.

A derived copy: losing it costs one reading. Beside it lies the diff of the last change, for people and programs.
"""

import hashlib
import re
from pathlib import Path

import msgspec

from appliance.ground.files import write_atomically
from appliance.knowledge.compare import Diff
from appliance.knowledge.reading import READING_VERSION
from appliance.records.base import Record
from appliance.records.knowledge import Passage
from appliance.records.language import Code

_NOT_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Kept(Record):
    """One source as it was last read well."""

    source: str
    language: Code
    digest: str
    read_at: float
    passages: tuple[Passage, ...]
    notes: tuple[str, ...] = ()
    reading_version: int = 0


class DiffOnDisk(Record):
    """The last change of a source, as the file beside the state shows it."""

    source: str
    at: float
    digest: str
    digest_before: str
    summary: dict[str, int]
    diff: Diff


class Keeper:
    """Writes and finds the last good readings below a folder; with no folder it keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, source: str, language: Code) -> Kept | None:
        """The kept reading, or None when there is none that this program can use."""
        path = self._path(source, ".json")
        if path is None:
            return None
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            return None  # never written, or not readable any more: the source itself is read again
        usable = kept.source == source and kept.language == language and kept.reading_version == READING_VERSION
        return kept if usable else None

    def save(self, kept: Kept) -> None:
        """Keep this reading. A full disk is no reason to withhold knowledge that was read well, so it is not raised."""
        self._write(self._path(kept.source, ".json"), msgspec.json.encode(kept))

    def save_diff(self, change: DiffOnDisk) -> None:
        """Put the last change beside it, readable for people."""
        self._write(self._path(change.source, ".diff.json"), msgspec.json.format(msgspec.json.encode(change), indent=2))

    def load_diff(self, source: str) -> DiffOnDisk | None:
        """The last change of the source; None when there is none that this program can read."""
        path = self._path(source, ".diff.json")
        if path is None:
            return None
        try:
            found = msgspec.json.decode(path.read_bytes(), type=DiffOnDisk)
        except (OSError, msgspec.MsgspecError):
            return None
        return found if found.source == source else None

    def _write(self, path: Path | None, content: bytes) -> None:
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError:
            return

    def _path(self, source: str, ending: str) -> Path | None:
        if self._folder is None:
            return None
        unique = hashlib.sha256(source.encode()).hexdigest()[:8]
        return self._folder / f"{_NOT_NAME.sub('_', source)[-60:]}.{unique}{ending}"
