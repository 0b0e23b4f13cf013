"""The mailbox as the third voice of a pair: a folder in which the order of messages decides.

A question is appended, and everything above the last UID that was read is read; what the messages mean, and what the answer is,
knows a ``Book`` that is handed in. The server is believed in one thing, which RFC 3501 (2.3.1.1) demands of it: it numbers the
messages of a folder upwards, and whoever sees one sees those below it. Nothing has to be locked, and no flag is used.

Therefore one server must decide: a mailbox that two servers keep at once, each taking mail while it cannot see the other, is none.

A look appends nothing. Nobody idles: a question is put when there is one. Every 200 messages or so what nobody needs any more is
deleted. The folder is not subscribed, so most mail programs do not show it, and its messages are read from the start.

How fast it is, is the server's: one APPEND and one FETCH a question. A hosted mailbox takes a second at a bad hour, and may close
an account that writes each second for a day; there a lease (``pair.lease_seconds``) of 20 to 30 seconds is right, with which a
leader that is alone asks a third as often as its lease is long.
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from imapclient.response_parser import parse_fetch_response

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import FolderClosed, FolderMissing, LineLost, MailboxError, ServerRefused
from appliance.channels.mail.imap_session import Opened, Session
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.log import Log, Trouble

FOLDER = "Tandem-witness"
HEADER = "X-Tandem-Witness"
AGAIN_SECONDS = 0.05
RENEWED_SECONDS = 120.0
_MAIL = (
    "From: Tandem <tandem@localhost>\r\nSubject: Tandem notes here which machine leads. Please leave this folder alone.\r\n"
    "{header}: {line}\r\n\r\nTwo machines answer this mailbox, and by these notes only one of them at a time.\r\n"
)

Asked = TypeVar("Asked")
Replied = TypeVar("Replied")
Asked_contra = TypeVar("Asked_contra", contravariant=True)
Replied_co = TypeVar("Replied_co", covariant=True)


class Book(Protocol[Asked_contra, Replied_co]):
    """What the messages mean. Lines are short and of ASCII letters, digits, ``-``, ``_`` and ``=``."""

    @property
    def uid(self) -> int:
        """Everything up to here has been read."""
        ...

    def opened(self, validity: int, uid_next: int) -> None:
        """The folder was opened anew."""
        ...

    def line(self, ask: Asked_contra) -> str:
        """The line that puts a question; "" where reading is enough."""
        ...

    def hole(self, lines: Mapping[int, str]) -> bool:
        """Whether a message seems to be missing, so that a second look is worth it."""
        ...

    def read(self, lines: Mapping[int, str]) -> None:
        """Take in all lines above ``uid``; "" for a message without one."""
        ...

    def answer(self, ask: Asked_contra) -> Replied_co | None:
        """The answer; None while the question's line has not been read."""
        ...

    def checkpoint(self, *, late: bool) -> str:
        """A line that speaks for all that was read, where one is due; else ""."""
        ...

    def needless(self) -> int:
        """Up to this UID nobody needs the messages any more."""
        ...


class ImapWitness(Generic[Asked, Replied]):
    """Puts questions into the folder and reads the answers. One thread asks; see ``pair.witness.protocol``."""

    def __init__(
        self, account: ImapAccount, book: Book[Asked, Replied], clock: Clock, *, folder: str = FOLDER, seconds: float = 2.0
    ) -> None:
        """``seconds`` is the limit of a question; while a connection is made, of each thing that the server says."""
        self._account = account
        self._book = book
        self._clock = clock
        self._folder = folder
        self._seconds = seconds
        self._line: _Line | None = None
        self._made_at = 0.0
        self._trouble = Trouble(Log("pair"), "witness")

    @property
    def trouble(self) -> str:
        """Why the last question got no answer; "" when it got one."""
        return self._trouble.reason

    def ask(self, ask: Asked) -> Replied | None:
        """The answer, or None when the server gave none within the limit. Never raises a ``TandemError``."""
        until = self._clock.elapsed() + self._seconds
        try:
            reply = self._put(self._ready(until, looks=not self._book.line(ask)), ask, until)
        except TandemError as error:
            self.close()
            self._trouble.broke(error.message)
            return None
        if reply is None:
            self.close()
            self._trouble.broke(f"The folder {self._folder!r} of mailbox {self._account.mailbox} does not show what was written to it.")
            return None
        self._trouble.healed()
        return reply

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.break_off()

    def _ready(self, until: float, *, looks: bool) -> "_Line":
        """The connection there is, if it still lives; else a new one with the folder open, made where it is missing.

        A look renews an older one: Dovecot shows a session nothing new any more when somebody has deleted the folder and it was made
        anew at the same moment. Whoever writes notices, for what it wrote does not show; who only looks does not.
        """
        if looks and self._clock.elapsed() - self._made_at >= RENEWED_SECONDS:
            self.close()
        if self._line is not None:
            try:
                self._line.within(until - self._clock.elapsed())
                self._line.alive()
                return self._line
            except MailboxError:
                self.close()
        left = until - self._clock.elapsed()
        if left <= 0:
            raise _too_slow(self._account)
        line = _Line(replace(self._account, connect_seconds=left, reply_seconds=left))
        try:
            name, opened = self._opened(line, until)
        except BaseException:
            line.break_off()
            raise
        line.folder = name
        self._book.opened(opened.uid_validity, opened.uid_next)
        self._line, self._made_at = line, self._clock.elapsed()
        self._read(line)
        return line

    def _opened(self, line: "_Line", until: float) -> tuple[str, Opened]:
        """Open the folder, and make it where it is missing. Returns its whole name too."""
        name = line.prefix() + self._folder
        while True:
            try:
                opened = line.open(name)
                break
            except (FolderMissing, FolderClosed) as reason:
                if self._clock.elapsed() >= until:
                    raise
                # Somebody else may be making it at this moment: it is listed then, and cannot be opened yet.
                if isinstance(reason, FolderClosed) or not line.create(name):
                    self._clock.wait(threading.Event(), AGAIN_SECONDS)
        if not opened.uid_validity or not opened.writable:
            what = "keeps no UIDVALIDITY" if opened.writable else f"lets nobody write into the folder {name!r}"
            raise ServerRefused(line.account.mailbox, f"the server {line.account.host} {what}.", "Set pair.witness to tcp://HOST:PORT.")
        return name, opened

    def _put(self, line: "_Line", ask: Asked, until: float) -> Replied | None:
        words = self._book.line(ask)
        if words:
            line.write(words)
        self._read(line)
        while (reply := self._book.answer(ask)) is None:
            # A server need not show at once what was appended (RFC 3501, 6.3.11: it should).
            self._clock.wait(threading.Event(), AGAIN_SECONDS)
            if self._clock.elapsed() >= until:
                return None
            line.within(until - self._clock.elapsed())
            line.alive()
            self._read(line)
        self._tidy(line, late=bool(words))
        return reply

    def _read(self, line: "_Line") -> None:
        lines = line.lines_above(self._book.uid)
        if self._book.hole(lines):
            line.alive()
            lines = line.lines_above(self._book.uid)
        self._book.read(lines)

    def _tidy(self, line: "_Line", *, late: bool) -> None:
        """Write a checkpoint, and delete what it speaks for once it shows. It may fail: the next time is as good."""
        words = self._book.checkpoint(late=late)
        if not words:
            return
        try:
            line.within(self._seconds)
            line.write(words)
            line.alive()
            self._read(line)
            line.clear(self._book.needless())
        except MailboxError:
            self.close()


class _Line(Session):
    """A session with what this folder needs besides. ``folder`` is its name with whatever prefix the server wants."""

    folder = ""

    def within(self, seconds: float) -> None:
        """How long each of the server's next words may take."""
        with self._explained():
            self._client.socket().settimeout(max(0.01, seconds))

    def write(self, words: str) -> None:
        self.append(self.folder, _MAIL.format(header=HEADER, line=words).encode("ascii"), (rb"\Seen",))

    def lines_above(self, uid: int) -> dict[int, str]:
        """The lines of all messages above this UID, in one command: ``n:*`` also gives the last one below it (RFC 3501, 6.4.8)."""
        imap = self._client._imap
        with self._explained():
            tag = imap._command("UID", "FETCH", f"{uid + 1}:*", f"(UID BODY.PEEK[HEADER.FIELDS ({HEADER})])")
            kind, data = imap._command_complete("FETCH", tag)
            self._client._checkok("fetch", kind, data)
            _, data = imap._untagged_response(kind, data, "FETCH")
            answer = parse_fetch_response(data, self._client.normalise_times, True) if data != [None] else {}
            found = {each: _header_in(parts) for each, parts in answer.items() if each > uid}
            # What comes without a header tells of something else (a flag that changed), or of a message that is going: it was not read.
            return {each: _line_in(header) for each, header in found.items() if header is not None}

    def clear(self, uid: int) -> None:
        """Delete the messages up to this UID. The folder is ours alone, so what somebody else marked as deleted may go with them."""
        if uid <= 0:
            return
        with self._explained():
            old = self._client.search(["UID", f"1:{uid}"])
            if old:
                self._client.add_flags(old, [rb"\Deleted"], silent=True)
                self._client.expunge(old if self.has("UIDPLUS") else None)


def _header_in(parts: Mapping[bytes, Any]) -> bytes | None:
    return next((value for name, value in parts.items() if name.startswith(b"BODY[")), None)


def _line_in(header: bytes) -> str:
    """The line of a message; "" where it has none. A server may have folded it."""
    _, _, words = header.partition(b":")
    return b"".join(words.split()).decode("ascii", "replace")


def _too_slow(account: ImapAccount) -> LineLost:
    return LineLost(account.mailbox, f"the server {account.host} did not answer in time.", "It is asked again by itself.")
