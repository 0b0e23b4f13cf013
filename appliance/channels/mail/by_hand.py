"""Mail files that a person names: taken in by the same steps as any channel, and left where they lie.

A file is known again by its bytes, wherever it lies, so naming it twice adds nothing. One that cannot be taken is named with the
reason, and the others go on.
"""

import hashlib
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from appliance.channels.mail import table
from appliance.channels.mail.arrivals import Reader
from appliance.channels.mail.errors import FolderUnusable
from appliance.channels.mail.folder import KINDS
from appliance.channels.mail.mbox import one_mail
from appliance.ground.clock import Clock
from appliance.records.base import Record
from appliance.records.message import Arrival, Batch, Cursor, Origin

FOLDER = "by-hand"
BATCH_MAILS = 50
MAIL_BYTES_MAX = 30_000_000
REFUSED_MOST = 1_000
_LOOKED_AT_BYTES = 8_192  # of a file that is not called a mail: one that is text has no zero byte in it


class Refused(Record):
    """A file that was not taken in, why, and what to do about it."""

    file: str
    reason: str
    remedy: str


class FilesInbox:
    """The named files, and the mail files and tables of the named folders. See ``protocol.Inbox``.

    ``refused`` are those that could not be taken, as far as ``take`` has come: the first 1,000 of them.
    """

    folder = FOLDER

    def __init__(self, mailbox: str, paths: Sequence[Path], clock: Clock, reader: Reader | None = None) -> None:
        self.mailbox = mailbox
        self._clock = clock
        self._reader = reader or Reader()
        self.refused: list[Refused] = []
        self._named = {path for path in paths if not path.is_dir()}
        self._arrivals = self._read(sorted(file for path in paths for file in _files(path)))

    def take(self, cursor: Cursor | None) -> Batch:  # noqa: ARG002 - files have none
        arrivals: list[Arrival] = []
        for arrival in self._arrivals:
            arrivals.append(arrival)
            if len(arrivals) == BATCH_MAILS:
                return Batch(arrivals=tuple(arrivals), more=True)
        return Batch(arrivals=tuple(arrivals))

    def left(self, cursor: Cursor | None) -> int:  # noqa: ARG002
        """Not known before they are read."""
        return 0

    def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:  # noqa: ARG002
        """Nobody else reads the files."""
        return ()

    def done(self, origins: Sequence[Origin]) -> None:
        """The files stay where they are."""

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Nothing more comes."""

    def close(self) -> None:
        self._arrivals.close()

    def _read(self, files: Sequence[Path]) -> Generator[Arrival, None, None]:
        for path in files:
            try:
                yield from self._of_table(path) if path.suffix.lower() in table.SUFFIXES else self._of_mails(path)
            except FolderUnusable as error:
                self._refuse(path, error.reason, error.remedy)
            except OSError as error:
                self._refuse(path, f"{path} cannot be read ({error.strerror}).", "Check the name and the rights.")

    def _refuse(self, path: Path, reason: str, remedy: str) -> None:
        if len(self.refused) < REFUSED_MOST:
            self.refused.append(Refused(file=str(path), reason=reason, remedy=remedy))

    def _of_mails(self, path: Path) -> Iterator[Arrival]:
        """What a person names is a mail whatever it is called; in a folder its name must say so."""
        suffix = path.suffix.lower()
        with path.open("rb") as file:
            if suffix not in KINDS and (path not in self._named or b"\0" in file.read(_LOOKED_AT_BYTES)):
                self._refuse(path, f"{path} is no mail and no table.", f"Taken are {', '.join(sorted((*KINDS, *table.SUFFIXES)))}.")
                return
            file.seek(0)
            for piece in KINDS.get(suffix, one_mail)(file, 0, MAIL_BYTES_MAX):
                origin = Origin(mailbox=self.mailbox, folder=FOLDER, name=hashlib.sha256(piece.raw).hexdigest())
                yield self._reader.arrival(origin, piece.raw, self._clock.now(), cut=piece.cut)

    def _of_table(self, path: Path) -> Iterator[Arrival]:
        for message in table.messages(path, self.mailbox):
            words = f"{message.message_id}\n{message.sender.address}\n{message.subject}\n{message.full_text}"
            origin = Origin(mailbox=self.mailbox, folder=FOLDER, name=hashlib.sha256(words.encode()).hexdigest())
            yield Arrival(origin=origin, message=message, received_at=self._clock.now())


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    else:
        yield path
