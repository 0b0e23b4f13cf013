"""Mail in from files and out to files: a folder of ``.eml`` and ``.mbox``, or one ``.mbox``.

Files have no cursor. A file is offered until ``done`` has moved it to the archive or deleted it; the store knows by the origin
what it has already. An origin names the file *and* a digest of what is in it, so that another mail under an old name is
another mail.

A file is taken only when it is whole: when it did not change for a while. Whoever writes slowly should write under another
name (``.part``, ``.tmp``, a leading dot) and rename; such a file is taken at once.
"""

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from appliance.channels.mail.accounts import FolderAccount
from appliance.channels.mail.arrivals import Reader
from appliance.channels.mail.compose import compose
from appliance.channels.mail.errors import FolderUnusable, Unsendable
from appliance.channels.mail.mbox import Piece, Splitter, many_mails, one_mail
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.faults import reach
from appliance.ground.files import write_atomically
from appliance.ground.log import Log, Trouble
from appliance.records.delivery import Delivery, DeliveryOutcome, DeliveryResult
from appliance.records.message import Address, Arrival, Batch, Cursor, Origin

KINDS: dict[str, Splitter] = {".eml": one_mail, ".mbox": many_mails}
EMPTY_SECONDS = 60.0  # an empty file is most likely one that somebody is about to fill
LOOK_SECONDS = 1.0
LAY_THERE_SECONDS = 3600.0  # before we went live; a file put there while the appliance was being set up is new


@dataclass(frozen=True, slots=True)
class Look:
    """What a glance at a file showed; as long as it stays the same, so has the file."""

    size: int
    changed_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail of a file: what it becomes, its length, and the place behind it with its number there."""

    arrival: Arrival
    size: int
    end: int
    number: int


@dataclass(slots=True)
class _Opened:
    """A file of which mails have been handed out. ``start`` and ``number``: up to there every one is done."""

    look: Look
    start: int = 0
    number: int = 0
    out: dict[str, _Mail] = field(default_factory=dict)  # handed out and not done, in the order of the file
    finished: bool = False  # the last mail of the file has been handed out

    def tick_off(self, names: set[str]) -> None:
        """Move on over what is done, up to the first that is not: that one and all behind it are offered again."""
        for name, mail in list(self.out.items()):
            if name not in names:
                return
            del self.out[name]
            self.start, self.number = mail.end, mail.number


class FolderInbox:
    """A folder of mail files. See ``protocol.Inbox``. Nobody else claims them: one appliance reads a folder."""

    def __init__(self, account: FolderAccount, clock: Clock, reader: Reader | None = None) -> None:
        self._account = account
        self._clock = clock
        self._reader = reader or Reader(authserv_id=account.authserv_id, retain_raw=account.retain_raw)
        self._folder = hashlib.sha256(os.fsencode(account.inbox.absolute())).hexdigest()[:16]
        self._looks: dict[Path, tuple[Look, float]] = {}
        self._opened: dict[Path, _Opened] = {}
        self._left: dict[Path, Look] = {}  # handled, but it could not be moved away: not offered again as it is
        if account.archive is not None and account.archive.absolute() == account.inbox.absolute():
            raise FolderUnusable(account.mailbox, "the archive is the inbox itself.", "Set mailbox.folder.archive to another folder.")

    @property
    def mailbox(self) -> str:
        return self._account.mailbox

    @property
    def folder(self) -> str:
        return self._folder

    def take(self, cursor: Cursor | None) -> Batch:
        """What lay in the folder for over an hour when it was first looked at is older mail: for a person, never answered."""
        drawn = Cursor(mailbox=self.mailbox, folder=self._folder, since=self._clock.now()) if cursor is None else None
        since = drawn.since if drawn is not None else cursor.since if cursor is not None else 0.0
        batch = self._batch(since - LAY_THERE_SECONDS)
        return msgspec.structs.replace(batch, cursor=drawn)

    def _batch(self, older_than: float) -> Batch:
        arrivals: list[Arrival] = []
        room = self._account.batch_bytes
        for path in self._whole():
            opened = self._open(path)
            for mail in self._mails(path, opened, older_than):
                if arrivals and (len(arrivals) >= self._account.batch_mails or mail.size > room):
                    return Batch(arrivals=tuple(arrivals), more=True)
                opened.out[mail.arrival.origin.name] = mail
                arrivals.append(mail.arrival)
                room -= mail.size
            opened.finished = True
            if not opened.out:
                self._put_away(path)  # an empty .mbox
        return Batch(arrivals=tuple(arrivals))

    def left(self, cursor: Cursor | None) -> int:  # noqa: ARG002
        """Files; an .mbox counts as one."""
        return len(self._whole())

    def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:  # noqa: ARG002
        """Nobody else reads the folder."""
        return ()

    def done(self, origins: Sequence[Origin]) -> None:
        names = {origin.name for origin in origins}
        troubles = [error for path in list(self._opened) if (error := self._finish(path, names)) is not None]
        if troubles:
            raise troubles[0]

    def wait(self, seconds: float, stop: threading.Event) -> None:
        end = self._clock.elapsed() + seconds
        while not stop.is_set() and (left := end - self._clock.elapsed()) > 0:
            self._clock.wait(stop, min(left, LOOK_SECONDS))
            with suppress(FolderUnusable):
                if self._whole():
                    return

    def close(self) -> None:
        """Nothing is held open."""

    def _files(self) -> Iterator[Path]:
        try:
            with os.scandir(self._account.inbox) as entries:
                for entry in entries:
                    if (
                        not entry.name.startswith(".")
                        and Path(entry.name).suffix.lower() in KINDS
                        and not entry.is_dir(follow_symlinks=False)
                    ):
                        yield Path(entry.path)
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> FolderUnusable:
        """To be raised ``from None``: the error itself may name a file."""
        return FolderUnusable(
            self.mailbox,
            f"the folder {self._account.inbox} cannot be read ({error.strerror}).",
            "Create it, or set mailbox.folder.inbox to one that this user may read.",
        )

    def _whole(self) -> list[Path]:
        """The files that have not changed for a while, oldest first."""
        now, wall = self._clock.elapsed(), self._clock.now()
        looks: dict[Path, tuple[Look, float]] = {}
        whole: list[tuple[int, Path]] = []
        for path in self._files():
            try:
                look = _look(path)
            except FileNotFoundError:
                continue  # somebody took it away again
            except OSError as error:
                raise self._unreadable(error) from None
            before = self._looks.get(path)
            since = before[1] if before is not None and before[0] == look else now
            looks[path] = (look, since)
            quiet = EMPTY_SECONDS if look.size == 0 else self._account.settle_seconds
            if self._left.get(path) != look and max(now - since, wall - look.changed_ns / 1e9) >= quiet:
                whole.append((look.changed_ns, path))
        self._looks = looks
        return [path for _, path in sorted(whole)]

    def _open(self, path: Path) -> _Opened:
        """The file from the first mail on that is not done; from its beginning when it has changed."""
        look = self._looks[path][0]
        opened = self._opened.get(path)
        if opened is None or opened.look != look:
            opened = self._opened[path] = _Opened(look)
        opened.out, opened.finished = {}, False
        return opened

    def _mails(self, path: Path, opened: _Opened, older_than: float) -> Iterator[_Mail]:
        received_at = min(opened.look.changed_ns / 1e9, self._clock.now())
        pieces = _pieces(path, opened.start, self._account.mail_bytes_max)
        for number, piece in enumerate(pieces, opened.number + 1):
            raw = piece.raw if piece is not None else None
            digest = hashlib.sha256(raw if raw is not None else repr(opened.look).encode()).hexdigest()[:12]
            place = f"#{number}" if _splitter(path) is many_mails else ""
            origin = Origin(mailbox=self.mailbox, folder=self._folder, name=f"{shown(path.name)}{place}~{digest}")
            older = opened.look.changed_ns / 1e9 < older_than
            arrival = self._reader.arrival(origin, raw, received_at, cut=piece is not None and piece.cut, older=older)
            end = piece.end if piece is not None else max(opened.look.size, 1)
            yield _Mail(arrival, len(raw or b""), end, number)

    def _finish(self, path: Path, names: set[str]) -> FolderUnusable | None:
        opened = self._opened[path]
        opened.tick_off(names)
        return self._put_away(path) if opened.finished and not opened.out else None

    def _put_away(self, path: Path) -> FolderUnusable | None:
        """Archive or delete the file, unless somebody has put another one under its name. People write names and subjects into
        file names, so that an error, which is logged, tells a digest (the first digits of SHA-256) instead."""
        look = self._opened.pop(path).look
        try:
            if _look(path) == look:
                _remove(path, self._account.archive)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._left[path] = look
            digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]
            return FolderUnusable(
                self.mailbox,
                f"a handled file in {path.parent} cannot be moved away ({error.strerror}); the digest of its name is {digest}.",
                "Give this user the right to change the folder; the mail itself is safe and is not read again.",
            )
        return None


class MboxInbox(FolderInbox):
    """One ``.mbox`` file. That it is not there yet is no error: no mail has come."""

    def _files(self) -> Iterator[Path]:
        if self._account.inbox.exists():
            yield self._account.inbox


class FolderOutbox:
    """Replies as ``.eml`` files. See ``protocol.Outbox``. A repeat writes the same file again."""

    def __init__(self, mailbox: str, outbox: Path, sender: Address, signature: str, company: str, clock: Clock) -> None:
        self._mailbox = mailbox
        self._outbox = outbox
        self._sender = sender
        self._signature = signature
        self._company = company
        self._clock = clock
        self._trouble = Trouble(Log("mail"), "outbox")

    @property
    def mailbox(self) -> str:
        return self._mailbox

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; "" when nothing stands in the way."""
        return self._trouble.reason

    @property
    def fault(self) -> TandemError | None:
        """The same as the error it was; None when nothing stands in the way."""
        return self._trouble.error

    def deliver(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:
        try:
            raw = compose(delivery, self._sender, self._signature, self._company, at=self._clock.now())
        except Unsendable:
            return DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="address")
        try:
            self._outbox.mkdir(parents=True, exist_ok=True)
            reach("deliver.connected")
            reach("deliver.before_data")
            if not may_still_send():
                return DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage="lease", blameless=True, retry_after_seconds=1.0)
            write_atomically(self.path_of(delivery), raw, mode=0o640)
        except OSError as error:
            reason = f"{self._outbox} cannot be written ({error.strerror})."
            fault = FolderUnusable(self._mailbox, reason, "Check its path and its rights; mail waits meanwhile.")
            self._trouble.broke(fault.message, error=fault, mailbox=self._mailbox)
            return DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage="folder", blameless=True)
        self._trouble.healed()
        reach("deliver.after_data")
        return DeliveryResult(outcome=DeliveryOutcome.SENT, stage="sent")

    def find(self, delivery: Delivery) -> bool:
        return self.path_of(delivery).exists()

    def close(self) -> None:
        """Nothing is held open."""

    def path_of(self, delivery: Delivery) -> Path:
        """The file a delivery is written to: named by its Message-ID."""
        message_id = delivery.message_id.strip("<>")
        readable = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "@._-") else "_" for letter in message_id)
        digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return self._outbox / f"{readable[:120].lstrip('.')}~{digest}.eml"


def shown(name: str) -> str:
    """A file's name as text that fits anywhere: bytes that are no letters, and our own signs, as ``%`` and two digits."""
    return "".join(
        letter if letter.isprintable() and letter not in "%~" else "".join(f"%{byte:02X}" for byte in os.fsencode(letter))
        for letter in name
    )


def _look(path: Path) -> Look:
    try:
        found = os.stat(path)
    except OSError:
        found = os.lstat(path)  # a link to nowhere: it is there, and it will turn out to be unreadable
    return Look(found.st_size, found.st_mtime_ns, found.st_ino)


def _splitter(path: Path) -> Splitter:
    return KINDS.get(path.suffix.lower(), many_mails)


def _pieces(path: Path, start: int, limit: int) -> Iterator[Piece | None]:
    """The mails of a file; None for a file, or the rest of one, that cannot be read."""
    try:
        if not path.is_file():  # a pipe would be waited for, and a link to nowhere cannot be opened
            yield None
            return
        with open(path, "rb") as file:
            yield from _splitter(path)(file, start, limit)
    except OSError:
        yield None


def _remove(path: Path, archive: Path | None) -> None:
    if archive is None:
        path.unlink()
        return
    archive.mkdir(parents=True, exist_ok=True)
    shutil.move(path, _free_name(archive, path.name))


def _free_name(archive: Path, name: str) -> Path:
    """The name in the archive, with a number where a file of that name lies there already."""
    target, number = archive / name, 1
    while os.path.lexists(target):
        number += 1
        target = archive / f"{Path(name).stem}~{number}{Path(name).suffix}"
    return target
