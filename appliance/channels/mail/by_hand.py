"""Mail files that a person names: taken in by the same steps as any channel, and left where they lie.

A file is known again by its bytes, wherever it lies, so naming it twice adds nothing.
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
from appliance.records.message import Arrival, Batch, Cursor, Origin

FOLDER = "by-hand"
BATCH_MAILS = 50
MAIL_BYTES_MAX = 30_000_000


class FilesInbox:
    """The named files, and the mail files and tables of the named folders. See ``protocol.Inbox``."""

    folder = FOLDER

    def __init__(self, mailbox: str, paths: Sequence[Path], clock: Clock, reader: Reader | None = None) -> None:
        self.mailbox = mailbox
        self._clock = clock
        self._reader = reader or Reader()
        self._arrivals = self._read(sorted(file for path in paths for file in _files(path)))

    def take(self, cursor: Cursor | None) -> Batch:  # noqa: ARG002 - files have none
        arrivals: list[Arrival] = []
        for arrival in self._arrivals:
            arrivals.append(arrival)
            if len(arrivals) == BATCH_MAILS:
                return Batch(arrivals=tuple(arrivals), more=True)
        return Batch(arrivals=tuple(arrivals))

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
            if path.suffix.lower() in table.SUFFIXES:
                yield from self._of_table(path)
                continue
            try:
                with path.open("rb") as file:
                    for piece in KINDS.get(path.suffix.lower(), one_mail)(file, 0, MAIL_BYTES_MAX):
                        origin = Origin(mailbox=self.mailbox, folder=FOLDER, name=hashlib.sha256(piece.raw).hexdigest())
                        yield self._reader.arrival(origin, piece.raw, self._clock.now(), cut=piece.cut)
            except OSError as error:
                reason = f"{path} cannot be read ({error.strerror})."
                raise FolderUnusable(self.mailbox, reason, "Check the name and the rights.") from error

    def _of_table(self, path: Path) -> Iterator[Arrival]:
        for message in table.messages(path, self.mailbox):
            words = f"{message.message_id}\n{message.sender.address}\n{message.subject}\n{message.full_text}"
            origin = Origin(mailbox=self.mailbox, folder=FOLDER, name=hashlib.sha256(words.encode()).hexdigest())
            yield Arrival(origin=origin, message=message, received_at=self._clock.now())


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.suffix.lower() in (*KINDS, *table.SUFFIXES) and file.is_file())
    else:
        yield path
