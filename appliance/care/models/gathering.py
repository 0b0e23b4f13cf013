"""Where a model comes together before it has its place on the shelf: one folder, one owner at a time, kept over a failure."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from appliance.care.models.errors import ModelDamaged, ModelError, ModelInUse, ModelUnusable, NoRoomForModel
from appliance.engines.cards import Card, CardFile
from appliance.engines.shelf import PARTIAL, RECORD, Installed, Shelf
from appliance.ground.files import exclusive_lock, flush_directory, flush_to_disk, write_atomically

Told = Callable[[str, int, int], None]
"""How far it is: the file, bytes of the whole that are there, bytes of the whole (0: not known)."""

SPARE_BYTES = 256_000_000  # of the disk, which stay free
CHUNK_BYTES = 1 << 20
_ORIGIN = ".origin"
_MADE = "made"


def nobody(_file: str, _done: int, _total: int) -> None:
    """For whoever does not want to be told."""


class Gathering:
    """The files of one model on their way. ``folder`` holds what has come; ``made`` what is prepared from it."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf = shelf
        self.name = name
        self.folder = shelf.folder / PARTIAL / name
        self.made = shelf.folder / PARTIAL / f"{name}.{_MADE}"

    def begin(self, origin: str) -> None:
        """Go on with what came from this origin before; what came from another one goes."""
        kept = self.folder / _ORIGIN
        if not (kept.is_file() and kept.read_text(encoding="utf-8", errors="replace") == origin):
            shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.made, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, origin.encode("utf-8"))

    def place(self, name: str) -> Path:
        """Where a file of that name comes together. Raises ``ModelUnusable`` for a name that leads elsewhere."""
        try:
            msgspec.convert({"name": name}, CardFile)
        except msgspec.ValidationError as error:
            raise ModelUnusable(
                f"The file name {name[:100]!r} does not belong into a model.", "Bring the model as it was published."
            ) from error
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ModelUnusable(f"The file {name} leads out of the model's folder.", "Bring the model as it was published.")
        return path

    def room_for(self, missing_bytes: int) -> None:
        """Raises ``NoRoomForModel`` when the disk cannot take so many bytes more."""
        self._shelf.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._shelf.folder).free
        if missing_bytes + SPARE_BYTES > free:
            raise NoRoomForModel(
                f"{self.name} needs {missing_bytes // 1_000_000} MB more in {self._shelf.folder}, and {free // 1_000_000} MB are free.",
                "Make room there, or name another folder in [models] path.",
            )

    def drop(self) -> None:
        """Forget what has come: it is of no use."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.made, ignore_errors=True)

    def finish(self, installed: Installed, folder: Path) -> None:
        """Put this folder on the shelf in one step, with its record; what stood there before is gone afterwards."""
        (folder / _ORIGIN).unlink(missing_ok=True)
        _flush(folder)
        write_atomically(folder / RECORD, msgspec.json.format(msgspec.json.encode(installed), indent=1), 0o644)
        place, old = self._shelf.place(self.name), self._shelf.folder / PARTIAL / f"{self.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            os.rename(place, old)
        os.rename(folder, place)
        flush_directory(self._shelf.folder)
        shutil.rmtree(old, ignore_errors=True)
        self.drop()


@contextmanager
def gathering(shelf: Shelf, card: Card) -> Iterator[Gathering]:
    """Be the only one that brings, prepares or removes this model. Raises ``ModelInUse`` when somebody else does."""
    (shelf.folder / PARTIAL).mkdir(parents=True, exist_ok=True)
    with exclusive_lock(shelf.folder / PARTIAL / f"{card.name}.lock") as held:
        if held is None:
            raise ModelInUse(f"{card.name} is being brought or removed by another program now.", "Wait until that has ended.")
        try:
            yield Gathering(shelf, card.name)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise (NoRoomForModel if full else ModelError)(
                f"{card.name} could not be written to {shelf.folder} ({error.strerror or type(error).__name__}).",
                "Make room there, or see that the appliance's account may write; what came is gone on with by the next pull.",
            ) from error


def file_of(path: Path, name: str, told: Callable[[int], None] | None = None) -> CardFile:
    """A file's size and digest. ``told``: how many bytes more were read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            digest.update(data)
            if told is not None:
                told(len(data))
        return CardFile(name=name, bytes=file.tell(), sha256=digest.hexdigest())


def files_below(folder: Path) -> list[str]:
    """The names of the files of a model's folder, ours left out."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return [path.relative_to(folder).as_posix() for path in found]


def compare(found: CardFile, wanted: CardFile | None, model: str) -> None:
    """Raises ``ModelDamaged`` when the file is not what was told of it. What was not told is not compared."""
    if wanted is None:
        return
    if (wanted.bytes and wanted.bytes != found.bytes) or (wanted.sha256 and wanted.sha256 != found.sha256):
        raise ModelDamaged(
            f"{found.name} of {model} is not what it should be: {found.bytes} bytes with SHA-256 {found.sha256[:16]}…, expected "
            f"{wanted.bytes or found.bytes} bytes with {(wanted.sha256 or found.sha256)[:16]}….",
            "It was thrown away. Try again; when it happens twice, bring it from elsewhere: tandem models import",
        )


def _flush(folder: Path) -> None:
    for name in files_below(folder):
        with (folder / name).open("rb") as file:
            flush_to_disk(file.fileno())
