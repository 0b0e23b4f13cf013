"""A signed-in IMAP connection with a folder open.

What a session offers is what the inbox needs and no more; everything that can go wrong comes out as a ``MailboxError``.
UIDs throughout (RFC 3501), and mod-sequences where the server keeps them (CONDSTORE, RFC 7162).
"""

import difflib
import errno
import select
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError

from appliance.channels.mail import errors
from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.imap_connect import is_stranded, said, sign_in

SEARCHED_AT_ONCE = 100_000  # UIDs in one answer to SEARCH: the library refuses lines over a million characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A folder as the server described it when it was opened."""

    uid_validity: int
    uid_next: int
    exists: int
    condstore: bool
    keywords: bool
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A mail without its words. ``modseq`` is 0 where the server keeps none; ``arrived_at`` is None when it is not told."""

    flags: frozenset[bytes]
    modseq: int = 0
    size: int = 0
    arrived_at: float | None = None


class Session:
    """One connection. Not to be shared between threads, but for ``break_off``."""

    def __init__(self, account: ImapAccount) -> None:
        self.account = account
        self._client: Any = sign_in(account)

    def open(self, folder: str, *, reading_only: bool = False) -> Opened:
        """Select the folder. Raises ``FolderMissing`` with the nearest names, or ``FolderClosed``."""
        with self._explained():
            try:
                # STATUS with HIGHESTMODSEQ makes the server keep mod-sequences from now on (RFC 7162, 3.1), which ENABLE
                # would as well; but not every server with CONDSTORE knows ENABLE.
                condstore = self.has("CONDSTORE")
                if condstore:
                    self._client.folder_status(folder, ["HIGHESTMODSEQ"])
                try:
                    answer = self._client.select_folder(folder, readonly=reading_only)
                except IMAPClientReadOnlyError:
                    answer = self._client.select_folder(folder, readonly=True)
                    reading_only = True
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise self._cannot_open(folder, error) from error
            permanent = answer.get(b"PERMANENTFLAGS", ())
            return Opened(
                uid_validity=int(answer.get(b"UIDVALIDITY", 0)),
                uid_next=int(answer.get(b"UIDNEXT", 0)) or self._uid_next(),
                exists=int(answer.get(b"EXISTS", 0)),
                condstore=condstore and b"HIGHESTMODSEQ" in answer,
                keywords=rb"\*" in permanent,
                writable=b"READ-ONLY" not in answer and not reading_only,
            )

    def has(self, capability: str) -> bool:
        return bool(self._client.has_capability(capability))

    def alive(self) -> int | None:
        """Ask for a sign of life; returns how many mails the folder holds now, None when that has not changed."""
        with self._explained():
            self._check_address()
            _, told = self._client.noop()
            for kind in ("EXISTS", "RECENT", "EXPUNGE", "FETCH"):
                self._client._imap.untagged_responses.pop(kind, None)  # the library would pile them up as long as the session lives
            return max((line[0] for line in told if line[1:2] == (b"EXISTS",)), default=None)

    def uids_above(self, uid: int, exists: int, uid_next: int) -> tuple[int, ...]:
        """The UIDs above ``uid``, in order. Of a huge folder only the first stretch that holds any.

        ``n:*`` alone is a trap: ``*`` is the last mail whatever its UID, so the range never comes back empty (RFC 3501, 6.4.8).
        """
        with self._explained():
            if exists <= SEARCHED_AT_ONCE:
                return tuple(sorted(found for found in self._search(f"{uid + 1}:*") if found > uid))
            for start in range(uid + 1, uid_next, SEARCHED_AT_ONCE):
                found = self._search(f"{start}:{min(start + SEARCHED_AT_ONCE, uid_next) - 1}")
                if found:
                    return tuple(sorted(found))
            return tuple(sorted(found for found in self._search(f"{max(uid + 1, uid_next)}:*") if found > uid))

    def search_header(self, name: str, value: str, *, undeleted: bool = False) -> tuple[int, ...]:
        """The UIDs of mails whose header contains the value; ``undeleted``: without those that are marked as deleted."""
        with self._explained():
            return tuple(self._client.search([*(["UNDELETED"] if undeleted else []), "HEADER", name, value]))

    def glance(self, uids: Collection[int], *, modseq: bool, wholly: bool = False) -> dict[int, Glance]:
        """Flags and mod-sequences; ``wholly`` adds size and time of arrival. Mails that are gone are left out."""
        items = ["FLAGS"] + ["MODSEQ"] * modseq + ["INTERNALDATE", "RFC822.SIZE"] * wholly
        with self._explained():
            answer = self._client.fetch(list(uids), items)
            return {uid: _glance(answer[uid]) for uid in uids if b"FLAGS" in answer.get(uid, {})}

    def fetch(self, uids: Sequence[int]) -> dict[int, bytes | None]:
        """The mails as they are, ``\\Seen`` untouched (BODY.PEEK). None: it is there, but the server does not hand it out."""
        with self._explained():
            try:
                answer = self._client.fetch(uids, ["BODY.PEEK[]"])
                return {uid: answer[uid].get(b"BODY[]") for uid in uids if uid in answer}
            except IMAPClientAbortError:
                raise
            except IMAPClientError:
                # One mail that the server cannot read must not stand in the way of the others.
                return dict.fromkeys(uids) if len(uids) == 1 else {k: v for uid in uids for k, v in self.fetch([uid]).items()}

    def fetch_beginning(self, uid: int, size: int) -> bytes | None:
        """The headers and the first ``size`` bytes of the text."""
        with self._explained():
            answer = self._client.fetch([uid], ["BODY.PEEK[HEADER]", f"BODY.PEEK[TEXT]<0.{size}>"]).get(uid, {})
            head, text = answer.get(b"BODY[HEADER]"), answer.get(b"BODY[TEXT]<0>")
            return None if head is None and text is None else (head or b"") + (text or b"")

    def add_flags(self, groups: Mapping[int | None, Sequence[int]], flags: Sequence[bytes]) -> frozenset[int]:
        """Set the flags on each group of UIDs unless a mail changed after the group's mod-sequence (None: whatever happened).

        All commands are sent before the first answer is read: they name different mails, so their order does not matter
        (RFC 3501, 5.5). Returns the UIDs that had changed. A failed condition is no failed command: the tagged answer is
        OK, or NO, with the UIDs in a MODIFIED code, and the library keeps that among the untagged ones.
        """
        imap = self._client._imap
        words = f"({b' '.join(flags).decode('ascii')})"
        with self._explained():
            imap.untagged_responses.pop("MODIFIED", None)
            tags = []
            for limit, uids in groups.items():
                condition = () if limit is None else (f"(UNCHANGEDSINCE {limit})",)
                numbers = ",".join(map(str, uids))
                tags.append(imap._command("UID", "STORE", numbers, *condition, "+FLAGS.SILENT", words))
            for tag in tags:
                imap._command_complete("STORE", tag)
            return frozenset(uid for line in imap.untagged_responses.pop("MODIFIED", []) for uid in numbers_in(line.decode("ascii")))

    def folders(self) -> tuple[tuple[str, frozenset[bytes]], ...]:
        """All folders with their attributes (``\\Sent`` and the like, RFC 6154)."""
        with self._explained():
            return tuple((str(name), frozenset(attributes)) for attributes, _, name in self._client.list_folders())

    def prefix(self) -> str:
        """What the names of a user's own folders begin with: some servers want them all below the inbox (RFC 2342)."""
        with self._explained():
            personal = self._client.namespace().personal if self.has("NAMESPACE") else None
            return str(personal[0][0]) if personal else ""

    def create(self, folder: str) -> bool:
        """Create the folder; False when the server says no, as it does when it exists."""
        with self._explained():
            try:
                self._client.create_folder(folder)
            except IMAPClientAbortError:
                raise
            except IMAPClientError:
                return False
            return True

    def delete(self, folder: str) -> None:
        with self._explained():
            self._client.delete_folder(folder)

    def append(self, folder: str, raw: bytes, flags: Sequence[bytes] = ()) -> None:
        with self._explained():
            self._client.append(folder, raw, flags)

    def subscribe(self, folder: str) -> None:
        """Have mail programs show the folder; a server that keeps no subscriptions says no, and no harm is done."""
        with self._explained():
            try:
                self._client.subscribe_folder(folder)
            except IMAPClientAbortError:
                raise
            except IMAPClientError:
                return

    def heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The heads of the mails alone, ``\\Seen`` untouched. Mails that are gone are left out."""
        with self._explained():
            answer = self._client.fetch(list(uids), ["BODY.PEEK[HEADER]"])
            return {uid: answer[uid][b"BODY[HEADER]"] for uid in uids if answer.get(uid, {}).get(b"BODY[HEADER]")}

    def take_out(self, uids: Sequence[int]) -> frozenset[int]:
        """Mark the mails as deleted and remove them; those that were still there. Nobody else's mail is touched: where the server
        cannot remove by UID (RFC 4315), ours only stay marked until somebody tidies up."""
        with self._explained():
            marked = self._client.add_flags(list(uids), [b"\\Deleted"])
            there = frozenset(uid for uid in uids if b"\\Deleted" in marked.get(uid, ()))
            if there and self.has("UIDPLUS"):
                self._client.expunge(sorted(there))
            return there

    def idle(self) -> None:
        """Ask to be told of changes (RFC 2177), until ``idle_done``."""
        with self._explained():
            self._client.idle()

    def told_something(self, seconds: float) -> bool:
        """While idle: whether the server has said something, or hung up, waiting for it that long at most."""
        with self._explained():
            if _buffered(self._client):
                return True
            poll = select.poll()
            poll.register(self._client.socket().fileno(), select.POLLIN)
            spoke = bool(poll.poll(seconds * 1000))
            if not spoke:
                self._check_address()
            return spoke

    def _check_address(self) -> None:
        if is_stranded(self._client.socket()):
            raise ConnectionAbortedError(errno.ECONNABORTED, "this machine has another address now")

    def idle_done(self) -> bool:
        """End the idling; True when new mail was told of meanwhile. A server that is gone is noticed here."""
        with self._explained():
            _, told = self._client.idle_done()
            return any(line[1:2] in ((b"EXISTS",), (b"RECENT",)) for line in told)

    def log_out(self) -> None:
        """Say goodbye and close, whatever the other side thinks of it."""
        with suppress(Exception):
            self._client.socket().settimeout(2.0)
            self._client.logout()
        self.break_off()

    def break_off(self) -> None:
        """Close without a word; may be called from another thread to end what the owner waits for."""
        with suppress(Exception):
            self._client._imap.sock.shutdown(socket.SHUT_RDWR)
        with suppress(Exception):
            self._client.shutdown()

    def _search(self, uids: str) -> list[int]:
        return list(self._client.search(["UID", uids]))

    def _uid_next(self) -> int:
        return max(self._client.search(["UID", "*"]), default=0) + 1

    def _cannot_open(self, folder: str, error: Exception) -> errors.MailboxError:
        names = [str(name) for _, _, name in self._client.list_folders()]
        if folder in names or folder.upper() == "INBOX":
            return errors.FolderClosed(
                self.account.mailbox,
                f"the server will not open the folder {folder!r} ({said(error)}).",
                "Check this user's rights on the folder.",
            )
        near = difflib.get_close_matches(folder, names, n=3, cutoff=0.3) or names[:3]
        return errors.FolderMissing(
            self.account.mailbox,
            f"there is no folder {folder!r}.",
            f"Set mailbox.imap.folder to one that exists; the nearest: {', '.join(map(repr, near))}.",
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what the library and the socket raise into our own errors."""
        host = self.account.host
        try:
            yield
        except (IMAPClientAbortError, OSError, EOFError) as error:
            raise errors.LineLost(
                self.account.mailbox, f"the connection to {host} broke ({said(error)}).", "It is made anew by itself."
            ) from error
        except (IMAPClientError, ValueError, IndexError, KeyError, TypeError) as error:
            # The library raises bare ValueErrors and the like where a server's answer does not parse.
            raise errors.ServerRefused(
                self.account.mailbox, f"the server {host} answered {said(error)!r}.", "See the server's log; it is tried again by itself."
            ) from error


def numbers_in(sequence_set: str) -> frozenset[int]:
    """The numbers of an IMAP set such as ``7,9:11``."""
    found: set[int] = set()
    for part in sequence_set.split(","):
        first, _, last = part.partition(":")
        ends = sorted((int(first), int(last or first)))
        found.update(range(ends[0], ends[1] + 1))
    return frozenset(found)


def _glance(answer: dict[bytes, Any]) -> Glance:
    arrived = answer.get(b"INTERNALDATE")
    modseq = answer.get(b"MODSEQ") or (0,)
    return Glance(
        flags=frozenset(flag.lower() for flag in answer[b"FLAGS"] if isinstance(flag, bytes)),
        modseq=int(modseq[0]),
        size=int(answer.get(b"RFC822.SIZE") or 0),
        arrived_at=arrived.timestamp() if arrived is not None else None,
    )


def _buffered(client: Any) -> bool:
    """Whether the server's words are already on our side, where polling the socket cannot see them.

    Mail that comes in just as the idling begins arrives in the same packet as the server's go-ahead.
    """
    if getattr(client._imap, "_readbuf", None):  # Python 3.14 keeps its own
        return True
    line = client.socket()
    patience = line.gettimeout()
    line.setblocking(False)
    try:
        return bool(client._imap.file.peek(1))
    except (OSError, ValueError):
        return False
    finally:
        line.settimeout(patience)
