"""The Drafts and the Sent folder of a mailbox: where people who work in a mail program meet us.

Drafts: a held draft is laid there, found again by its X-Tandem-Key, and taken out when it is no longer wanted. A repeat finds it
there and lays down nothing. Sent: read upwards by UID as the inbox is, heads alone, beginning at UIDNEXT; where the server has
numbered the folder afresh it begins there again, for what lies below was looked at or came while we could not.

Several threads may use it: they take turns. Only mails whose key is exactly the one that we were given are ever touched.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import structs

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import FolderMissing, MailboxError
from appliance.channels.mail.imap_session import Opened, Session
from appliance.channels.mail.parse import parse
from appliance.channels.mail.special import Use, folders_for
from appliance.channels.protocol import SentMails
from appliance.ground.clock import Clock
from appliance.ground.faults import reach
from appliance.records.message import Cursor

MAILS_AT_ONCE = 100
_AS_DRAFT = (b"\\Draft", b"\\Seen")


class ImapOwnFolders:
    """See ``protocol.OwnFolders``."""

    def __init__(self, account: ImapAccount, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._session: Session | None = None
        self._names: dict[Use, str] = {}
        self._turn = threading.Lock()

    @property
    def mailbox(self) -> str:
        return self._account.mailbox

    def lies(self, key: str) -> bool:
        with self._line() as session:
            return bool(self._drafts_with(session, key))

    def lay(self, key: str, raw: bytes) -> None:
        with self._line() as session:
            if self._drafts_with(session, key):
                return
            folder = self._folder(session, "Drafts") or self._made(session, "Drafts")
            reach("drafts.before_append")
            session.append(folder, raw, _AS_DRAFT)
            reach("drafts.after_append")

    def take_out(self, key: str) -> bool:
        with self._line() as session:
            found = self._drafts_with(session, key)
            if not found:
                return False
            reach("drafts.before_removal")
            there = session.take_out(found)
            reach("drafts.after_removal")
            return bool(there)

    def sent_folder(self) -> str:
        with self._line() as session:
            return self._folder(session, "Sent")

    def sent(self, cursor: Cursor | None) -> SentMails:
        with self._line() as session:
            folder = self._folder(session, "Sent")
            if not folder:
                return SentMails()
            opened = session.open(folder, reading_only=True)
            if cursor is None or cursor.uid_validity != opened.uid_validity:
                return SentMails(cursor=self._line_drawn(folder, opened))
            uids = session.uids_above(cursor.uid, opened.exists, opened.uid_next)[:MAILS_AT_ONCE]
            if not uids:
                return SentMails(cursor=cursor)
            heads = session.heads(uids)
            mails = tuple(parse(heads[uid]) for uid in uids if uid in heads)
            return SentMails(mails=mails, cursor=structs.replace(cursor, uid=uids[-1]), more=len(uids) == MAILS_AT_ONCE)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.log_out()

    @contextmanager
    def _line(self) -> Iterator[Session]:
        """The session, made anew when it died while it stood idle; let go of when anything fails in it."""
        with self._turn:
            try:
                yield self._alive() or self._fresh()
            except MailboxError:
                self._drop()
                raise

    def _alive(self) -> Session | None:
        if self._session is None:
            return None
        try:
            self._session.alive()
        except MailboxError:
            self._drop()
        return self._session

    def _fresh(self) -> Session:
        self._names = {}
        self._session = Session(self._account)
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.break_off()

    def _folder(self, session: Session, use: Use) -> str:
        """The folder for this, "" when there is none; asked for once a connection."""
        if use not in self._names:
            found = folders_for(use, session.folders())
            if not found:
                return ""
            self._names[use] = found[0]
        return self._names[use]

    def _made(self, session: Session, use: Use) -> str:
        """A new folder for this, or the one that somebody else made at this very moment."""
        name = session.prefix() + use
        if session.create(name):
            session.subscribe(name)
        elif not folders_for(use, session.folders()):
            raise FolderMissing(self.mailbox, f"there is no folder for {use}, and none can be made.", f"Make a folder named {name}.")
        return self._folder(session, use) or name

    def _drafts_with(self, session: Session, key: str) -> tuple[int, ...]:
        """The drafts with exactly this key. A server's search finds parts of it as well."""
        folder = self._folder(session, "Drafts")
        if not folder or not key:
            return ()
        session.open(folder)
        found = session.search_header("X-Tandem-Key", key, undeleted=True)
        heads = session.heads(found) if found else {}
        return tuple(uid for uid, head in sorted(heads.items()) if parse(head).tandem_key == key)

    def _line_drawn(self, folder: str, opened: Opened) -> Cursor:
        there = opened.uid_next - 1
        return Cursor(
            mailbox=self.mailbox,
            folder=folder,
            uid_validity=opened.uid_validity,
            uid=there,
            older_until_uid=there,
            since=self._clock.now(),
        )
