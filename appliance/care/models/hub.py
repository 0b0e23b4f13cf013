"""The hub that models are pulled from, over plain HTTPS: which files a model has, and one file, gone on with where it broke off.

A line that breaks is taken up again by itself for as long as something still comes; a file that has changed on the hub meanwhile
(``If-Range``) is begun anew. The token goes to the hub and to nobody whom it sends us on to.
"""

import hashlib
import http.client
import os
import re
import shutil
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import Message
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
from msgspec import Meta

from appliance import __version__
from appliance.care.models.errors import HubRefused, HubUnreachable, ModelDamaged, ModelError, NoRoomForModel
from appliance.care.models.gathering import CHUNK_BYTES, SPARE_BYTES, compare
from appliance.engines.cards import Card, CardFile
from appliance.engines.shelf import FILES_MOST
from appliance.ground.clock import Clock
from appliance.records.base import Record

SILENT_SECONDS = 30.0
TRIES_WITHOUT_A_BYTE = 4
PAUSE_SECONDS = 1.0
LISTING_BYTES_MOST = 8 << 20
WITHOUT_A_NETWORK = "Bring it without one: tandem models import FOLDER, or from the other machine: tandem models pull NAME --from-peer"
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class HubFile(Record):
    """One file of a model. ``git`` is the hub's other digest, of files that are small enough to be text; "" where there is none."""

    file: CardFile
    git: str = ""


class Listing(Record):
    """What the hub has of a model at one revision."""

    revision: str
    files: tuple[HubFile, ...]


class _Large(msgspec.Struct):
    sha256: str = ""


class _Sibling(msgspec.Struct):
    rfilename: str
    size: int | None = None
    blobId: str | None = None  # the hub's spelling
    lfs: _Large | None = None


class _About(msgspec.Struct):
    siblings: Annotated[list[_Sibling], Meta(max_length=20_000)]
    sha: str = ""


class Hub:
    """One hub, for one pull. ``stop``: set when the pull is to end."""

    def __init__(self, url: str, clock: Clock, token: str = "", stop: threading.Event | None = None) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._token = token
        self._stop = stop or threading.Event()
        self._opener = urllib.request.build_opener(_Redirects())

    def listing(self, card: Card) -> Listing:
        """The files of a card's repository that are wanted. Raises ``HubUnreachable`` and ``HubRefused``."""
        address = f"{self.url}/api/models/{card.repository}/revision/{urllib.parse.quote(card.revision or 'main', safe='')}?blobs=true"
        said = self._whole(address, card)
        try:
            about = msgspec.json.decode(said, type=_About)
            files = tuple(_hub_file(one) for one in about.siblings if wanted(card, one.rfilename))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise HubRefused(
                f"What {self.url} says of {card.repository} is no list of files.", "Is [models] hub the address of a hub?"
            ) from error
        if not files or len(files) > FILES_MOST:
            raise HubRefused(
                f"{card.repository} has {len(files)} files that {card.name} could be made of.",
                "Check the card: repository, revision, only.",
            )
        return Listing(revision=about.sha or card.revision or "main", files=files)

    def fetch(self, card: Card, revision: str, one: HubFile, path: Path, told: Callable[[int], None]) -> CardFile:
        """The file, whole and compared with what is known of it; ``told`` how many of its bytes are there.

        Raises ``HubUnreachable`` (what came is kept for the next try), ``HubRefused`` and ``ModelDamaged`` (nothing is kept).
        """
        part = path.with_name(f".{path.name}.part")
        resumed = part.exists() and part.stat().st_size > 0
        try:
            return self._fetched(card, revision, one, path, part, told)
        except ModelDamaged:
            part.unlink(missing_ok=True)
            if not resumed:
                raise
        return self._fetched(card, revision, one, path, part, told)  # what was left from an earlier try may be what was wrong

    def _fetched(self, card: Card, revision: str, one: HubFile, path: Path, part: Path, told: Callable[[int], None]) -> CardFile:
        address = f"{self.url}/{card.repository}/resolve/{urllib.parse.quote(revision, safe='')}/{urllib.parse.quote(one.file.name)}"
        fruitless = 0
        while True:
            before = _size(part)
            try:
                self._some(card, address, one, part, told)
                break
            except _TooLong:
                part.unlink(missing_ok=True)
            except _BrokeOff as broke:
                fruitless = 0 if _size(part) > before else fruitless + 1
                if fruitless >= TRIES_WITHOUT_A_BYTE:
                    raise HubUnreachable(
                        f"{self.url} went away while {one.file.name} came ({broke}).",
                        f"Pull again: it goes on from there. {WITHOUT_A_NETWORK}",
                    ) from broke
                self._clock.wait(self._stop, PAUSE_SECONDS * (1 + fruitless))
        found = _checked(one, part, card.name)
        os.replace(part, path)
        return found

    def _some(self, card: Card, address: str, one: HubFile, part: Path, told: Callable[[int], None]) -> None:
        """What is missing of the file, or as much as comes of it. Raises ``_BrokeOff`` when the line did not hold."""
        have = _size(part)
        if have and have == one.file.bytes:
            return
        mark = part.with_name(f"{part.name}.mark")
        headers = {"Range": f"bytes={have}-", "If-Range": mark.read_text("ascii")} if have and mark.exists() else {}
        with self._open(address, card, one.file.name, headers) as answer:
            goes_on = answer.status == http.client.PARTIAL_CONTENT and _begins_at(answer.headers, have)
            if answer.status == http.client.PARTIAL_CONTENT and not goes_on:
                part.unlink(missing_ok=True)
                raise _BrokeOff("it went on from another place")
            _keep_mark(mark, answer.headers)
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_APPEND if goes_on else os.O_TRUNC), 0o644), "wb"
            ) as file:
                self._copy(answer, file, have if goes_on else 0, one, told)
        mark.unlink(missing_ok=True)

    def _copy(self, answer: Any, file: IO[bytes], have: int, one: HubFile, told: Callable[[int], None]) -> None:
        whole = have + int(answer.headers.get("content-length") or 0)
        if one.file.bytes and whole > one.file.bytes:
            raise ModelDamaged(
                f"The hub wants to send {whole} bytes of {one.file.name}, which has {one.file.bytes}.",
                "Check the card, or bring the model from elsewhere.",
            )
        while data := _read(answer):
            if self._stop.is_set():
                raise ModelError("The pull was stopped.", "Pull again: it goes on from where it was.", code="stopped")
            have += len(data)
            if one.file.bytes and have > one.file.bytes:
                raise ModelDamaged(f"More came of {one.file.name} than it has.", "Check the card, or bring the model from elsewhere.")
            if not one.file.bytes and shutil.disk_usage(file.fileno()).free < SPARE_BYTES:
                raise NoRoomForModel(f"{one.file.name} is larger than the disk has room for.", "Make room, or check the card and the hub.")
            file.write(data)
            told(have)
        if have < (one.file.bytes or whole):
            raise _BrokeOff("the line was cut")

    def _whole(self, address: str, card: Card) -> bytes:
        for trial in range(TRIES_WITHOUT_A_BYTE):
            try:
                with self._open(address, card, "", {}) as answer:
                    return _at_most(answer, LISTING_BYTES_MOST)
            except _BrokeOff as broke:
                reason = str(broke)
            self._clock.wait(self._stop, PAUSE_SECONDS * (trial + 1) if trial + 1 < TRIES_WITHOUT_A_BYTE else 0.0)
        raise HubUnreachable(f"{self.url} cannot be reached ({reason}).", f"Check the network. {WITHOUT_A_NETWORK}")

    def _open(self, address: str, card: Card, name: str, headers: dict[str, str]) -> Any:
        token = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        request = urllib.request.Request(
            address, headers={**headers, **token, "User-Agent": f"tandem/{__version__}", "Accept-Encoding": "identity"}
        )
        try:
            return self._opener.open(request, timeout=SILENT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error, card, name) from error
        except (OSError, http.client.HTTPException) as error:
            raise _BrokeOff(_in_words(error)) from error

    def _refusal(self, error: urllib.error.HTTPError, card: Card, name: str) -> Exception:
        what = f"{card.repository}{f', file {name}' if name else ''}"
        if error.code in (401, 403):
            gated = f"Accept its terms at {self.url}/{card.repository}, make a token there, and name its file in [models] hub_token_file."
            return HubRefused(f"The hub gives {what} to known people only ({error.code}).", gated)
        if error.code in (404, 410):
            return HubRefused(
                f"The hub has no {what} at revision {card.revision or 'main'} ({error.code}).",
                "Correct the card's repository and revision.",
            )
        if error.code == 416:
            return _TooLong("what is here is longer than the file")
        if error.code == 429 or error.code >= 500:
            return _BrokeOff(f"it answers {error.code}")
        return HubRefused(f"The hub answers {error.code} for {what}.", "Check [models] hub and the card.")


class _BrokeOff(Exception):
    """The line did not hold; it is taken up again."""


class _TooLong(_BrokeOff):
    """What is here is no beginning of the file: it is begun anew."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows the hub to where it keeps its files, without the token, and never from a protected line to an open one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        there = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if there is None:
            return None
        if there.type not in ("https", req.type):  # open from protected, or another kind of line, which urllib would take too
            raise HubRefused("The hub wants to go on over a line that is not protected.", "Check [models] hub.")
        if there.host != req.host:
            there.remove_header("Authorization")
        return there


def wanted(card: Card, name: str) -> bool:
    """Whether a file of the hub belongs to the model: by the card's list, else by its patterns, else every one without a dot before it."""
    if any(part.startswith(".") for part in name.split("/")):
        return False
    if card.files:
        return any(file.name == name for file in card.files)
    return any(fnmatchcase(name, pattern) for pattern in card.only) if card.only else True


def _hub_file(one: _Sibling) -> HubFile:
    file = {"name": one.rfilename, "bytes": one.size or 0, "sha256": one.lfs.sha256 if one.lfs else ""}
    git = one.blobId if one.blobId and not one.lfs and re.fullmatch(r"[0-9a-f]{40}", one.blobId) else ""
    return HubFile(file=msgspec.convert(file, CardFile), git=git or "")


def _checked(one: HubFile, path: Path, model: str) -> CardFile:
    """What came, compared. A file without a byte has no part yet."""
    path.touch()
    size = path.stat().st_size
    digest, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            digest.update(data)
            if one.git:
                git.update(data)
    found = CardFile(name=one.file.name, bytes=size, sha256=digest.hexdigest())
    compare(found, one.file, model)
    if one.git and git.hexdigest() != one.git:
        raise ModelDamaged(f"{one.file.name} of {model} is not what the hub says it is.", "Pull again; what came was thrown away.")
    return found


def _begins_at(headers: Any, have: int) -> bool:
    found = _RANGE.match(headers.get("content-range") or "")
    return found is not None and int(found[1]) == have


def _keep_mark(mark: Path, headers: Any) -> None:
    """By which the hub knows the file again: without a strong one nothing can be gone on with."""
    tag = headers.get("etag") or ""
    if tag.isascii() and tag.isprintable() and tag.startswith('"'):
        mark.write_text(tag, "ascii")
    else:
        mark.unlink(missing_ok=True)


def _read(answer: Any) -> bytes:
    try:
        data: bytes = answer.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokeOff(_in_words(error)) from error
    return data


def _at_most(answer: Any, most: int) -> bytes:
    found = bytearray()
    while data := _read(answer):
        found += data
        if len(found) > most:
            raise HubRefused("The hub's list of files is too long.", "Is [models] hub the address of a hub?")
    return bytes(found)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _in_words(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception) else error
    if isinstance(cause, socket.gaierror):
        return "its name is not known: there is no network, or no name server"
    if isinstance(cause, TimeoutError):
        return f"it was silent for {SILENT_SECONDS:.0f} seconds"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return type(cause).__name__
