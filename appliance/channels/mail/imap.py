"""Mail in by IMAP: a folder is read upwards by UID, whatever others do with its flags.

The cursor is (UIDVALIDITY, UID): all mail up to it is in the journal. ``\\Seen`` is neither looked at nor set, so it makes no
difference who else reads the mailbox. Where the mailbox is new to us, or the server has numbered it afresh, the line is drawn
first and acknowledged by itself: what lies below it is older mail, which is never answered automatically.

    no cursor, start "now"     older mail is left alone            cursor at UIDNEXT - 1
    no cursor, start "all"     older mail is taken, marked older   cursor at 0, line at UIDNEXT - 1
    UIDVALIDITY changed        the same; known mail is known by its prints (store.receive), and with start "now" what came
                               before the go-live is left alone: ``Cursor.since`` remembers when that was

Our own copies come by here too (copy to self, drafts, handovers in the same mailbox): ``Message.tandem_key`` is set on them.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from msgspec import structs

from appliance.channels.mail import imap_session
from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.arrivals import Reader
from appliance.channels.mail.errors import LineLost, MailboxError
from appliance.channels.mail.imap_claim import CLAIM, carries_claim, claim
from appliance.channels.mail.imap_session import Glance, Opened, Session
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.log import Log, Trouble
from appliance.records.message import Arrival, Batch, Cursor, Origin

PAUSE_SECONDS_MAX = 60.0
IDLE_SECONDS_MAX = 28 * 60.0  # a server may hang up on an idler after 30 minutes (RFC 2177)
LOOK_UP_SECONDS = 0.5  # how often a waiting inbox looks at the stop event
BREAKS_MAX = 2  # how often the line may break over one mail before that mail is taken as one that cannot be had


class ImapInbox:
    """One folder of one mailbox. See ``protocol.Inbox``."""

    def __init__(self, account: ImapAccount, clock: Clock, reader: Reader | None = None) -> None:
        self._account = account
        self._clock = clock
        self._reader = reader or Reader(authserv_id=account.authserv_id, retain_raw=account.retain_raw)
        self._session: Session | None = None
        self._opened: Opened | None = None
        self._exists = 0
        self._found: tuple[int, ...] = ()  # UIDs of the last search, above the cursor as it was then
        self._offered = 0  # the highest UID handed out on this connection
        self._taken: dict[int, Glance] = {}  # the last batch, as it was seen
        self._careful_up_to = 0  # up to this UID one mail at a time: the line broke while these were handed out
        self._breaks: Counter[int] = Counter()  # how often it broke over one mail alone
        self._failures = 0
        self._claims = Trouble(Log("mail"), "mail_claims")

    @property
    def mailbox(self) -> str:
        return self._account.mailbox

    @property
    def folder(self) -> str:
        return self._account.folder

    def take(self, cursor: Cursor | None) -> Batch:
        with self._line() as (session, opened):
            if cursor is None or cursor.uid_validity != opened.uid_validity:
                return Batch(cursor=self._line_drawn(cursor, opened), more=True)
            waiting = self._waiting(session, opened, cursor.uid)
            chosen, glances = self._next(session, opened, waiting, cursor)
            self._taken = glances
            bodies = self._bodies_or_who_broke_the_line(session, glances)
            arrivals = tuple(self._arrival(uid, glances[uid], raw, cursor) for uid, raw in sorted(bodies.items()))
            above = chosen[-1] if chosen else cursor.uid
            self._offered = max(self._offered, above)
            # Of a huge folder only a stretch was searched, so that its end says nothing.
            more = len(waiting) > len(chosen) or (bool(chosen) and self._exists > imap_session.SEARCHED_AT_ONCE)
            return Batch(arrivals=arrivals, cursor=_moved(cursor, above), more=more)

    def left(self, cursor: Cursor | None) -> int:
        """Before the line is drawn, none is ours to take."""
        with self._line() as (session, opened):
            same = cursor is not None and cursor.uid_validity == opened.uid_validity
            self._found = ()  # more may have come since the last search
            return len(self._waiting(session, opened, cursor.uid)) if cursor is not None and same else 0

    def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:
        free = {origin.uid: origin for origin in origins if origin.uid in self._taken and not carries_claim(self._taken[origin.uid])}
        if not free:
            return ()
        with self._line() as (session, opened):
            if any(origin.uid_validity != opened.uid_validity for origin in free.values()):
                return tuple(free.values())  # numbered afresh since ``take``: these UIDs are other mails now, so in doubt not ours
            if not self._can_claim(opened):
                return tuple(free.values()) if self._account.claimant else ()  # the other node of a pair could not see that we have it
            lost = claim(session, {uid: self._taken[uid] for uid in free}, condstore=opened.condstore)
            self._taken |= {uid: replace(self._taken[uid], flags=frozenset((CLAIM,))) for uid in free if uid not in lost}
            return tuple(free[uid] for uid in sorted(lost))

    def done(self, origins: Sequence[Origin]) -> None:
        """Nothing to tidy up: the cursor is all that moves."""

    def wait(self, seconds: float, stop: threading.Event) -> None:
        if self._session is None:
            pause = min(2.0**self._failures / 2, PAUSE_SECONDS_MAX) if self._failures else 0.0
            self._clock.wait(stop, min(pause, seconds))
            return
        try:
            if self._account.idle and self._session.has("IDLE"):
                self._idle(self._session, seconds, stop)
            else:
                self._clock.wait(stop, seconds)
        except MailboxError:
            # The next ``take`` connects anew, and says so if it cannot; not at once, should the server hang up on every idler.
            self._drop()
            self._clock.wait(stop, min(seconds, 1.0))

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.log_out()

    @contextmanager
    def _line(self) -> Iterator[tuple[Session, Opened]]:
        """The session with the folder open; let go of when anything fails in it."""
        try:
            yield self._ready()
        except TandemError:
            self._failures += 1
            self._drop()
            raise
        self._failures = 0

    def _ready(self) -> tuple[Session, Opened]:
        if self._session is not None and self._opened is not None:
            try:
                self._exists = self._session.alive() or self._exists
                return self._session, self._opened
            except MailboxError:
                self._drop()  # it died while it stood idle, which is no news: try afresh at once
        session = Session(self._account)
        try:
            opened = session.open(self._account.folder)
        except BaseException:
            session.break_off()
            raise
        self._session, self._opened, self._exists = session, opened, opened.exists
        self._found, self._offered = (), 0
        return session, opened

    def _drop(self) -> None:
        session, self._session, self._opened, self._found = self._session, None, None, ()
        if session is not None:
            session.break_off()

    def _line_drawn(self, cursor: Cursor | None, opened: Opened) -> Cursor:
        self._careful_up_to, self._breaks = 0, Counter()
        there = opened.uid_next - 1
        from_now = cursor is None and self._account.start == "now"
        return Cursor(
            mailbox=self.mailbox,
            folder=self.folder,
            uid_validity=opened.uid_validity,
            uid=there if from_now else 0,
            older_until_uid=there,
            since=cursor.since if cursor is not None else self._clock.now(),
        )

    def _waiting(self, session: Session, opened: Opened, uid: int) -> tuple[int, ...]:
        """The UIDs above this one; from the last search while it lasts, since new mail only ever comes above it."""
        self._found = tuple(found for found in self._found if found > uid)
        if not self._found:
            self._found = session.uids_above(uid, self._exists, opened.uid_next)
        return self._found

    def _next(
        self, session: Session, opened: Opened, waiting: tuple[int, ...], cursor: Cursor
    ) -> tuple[tuple[int, ...], dict[int, Glance]]:
        """Which of them fit into a batch, and what is known of those. Passed over are one that vanished since the search, and
        one from before the go-live."""
        if not waiting:
            return (), {}
        first = waiting[: 1 if waiting[0] <= self._careful_up_to else self._account.batch_mails]
        seen = session.glance(first, modseq=opened.condstore, wholly=True)
        glances = {uid: glance for uid, glance in seen.items() if not self._is_left_alone(uid, glance, cursor)}
        room = self._account.batch_bytes
        for count, uid in enumerate(first):
            room -= min(glances[uid].size, self._account.mail_bytes_max) if uid in glances else 0
            if room < 0 and count:
                first = first[:count]
                break
        return first, {uid: glances[uid] for uid in first if uid in glances}

    def _is_left_alone(self, uid: int, glance: Glance, cursor: Cursor) -> bool:
        """Whether it came before the go-live, as after a change of UIDVALIDITY can be told by its time alone. Servers keep that
        in whole seconds. One whose time is not told is rather taken than lost."""
        from_before = uid <= cursor.older_until_uid and glance.arrived_at is not None and glance.arrived_at < int(cursor.since)
        return from_before and self._account.start == "now"

    def _bodies_or_who_broke_the_line(self, session: Session, glances: dict[int, Glance]) -> dict[int, bytes | None]:
        """The bodies. Some servers hang up over a mail that they cannot read, which must not keep all later mail from us: so
        after such a break mails are fetched one by one, and the one that does it again is taken as one that cannot be had."""
        alone = next(iter(glances)) if len(glances) == 1 else 0
        if self._breaks[alone] >= BREAKS_MAX:
            return {alone: None}
        try:
            return self._bodies(session, glances)
        except LineLost:
            self._careful_up_to = max(glances, default=0)
            self._breaks[alone] += 1 if alone else 0
            raise

    def _bodies(self, session: Session, glances: dict[int, Glance]) -> dict[int, bytes | None]:
        """The bytes of each mail that is still there; None for one that the server does not hand out."""
        limit = self._account.mail_bytes_max
        small = [uid for uid, glance in glances.items() if glance.size <= limit]
        bodies = session.fetch(small) if small else {}
        bodies |= {uid: session.fetch_beginning(uid, limit) for uid, glance in glances.items() if glance.size > limit}
        missing = [uid for uid in glances if bodies.get(uid) is None]
        there = session.glance(missing, modseq=False) if missing else {}
        return {uid: bodies.get(uid) for uid in glances if bodies.get(uid) is not None or uid in there}

    def _arrival(self, uid: int, glance: Glance, raw: bytes | None, cursor: Cursor) -> Arrival:
        now = self._clock.now()
        return self._reader.arrival(
            Origin(mailbox=self.mailbox, folder=self.folder, uid_validity=cursor.uid_validity, uid=uid),
            raw,
            # When the server got it, so that a weekend in the mailbox counts as waiting; but never in the future.
            min(now, glance.arrived_at) if glance.arrived_at is not None else now,
            cut=glance.size > self._account.mail_bytes_max,
            older=uid <= cursor.older_until_uid,
            claimed_elsewhere=carries_claim(glance),
        )

    def _can_claim(self, opened: Opened) -> bool:
        """Whether a flag would stay. Where it would not, mail is taken without a claim and the log says so once."""
        if not opened.writable:
            self._claims.broke("the folder is read-only for this user, so no claim can be set", mailbox=self.mailbox)
        elif not opened.keywords:
            self._claims.broke("the server keeps no keywords in this folder, so no claim can be set", mailbox=self.mailbox)
        else:
            if not opened.condstore:
                self._claims.broke("the server has no CONDSTORE: claims are visible, but no race can be decided", mailbox=self.mailbox)
            return True
        return False

    def _idle(self, session: Session, seconds: float, stop: threading.Event) -> None:
        """Wait to be told. New mail that was told of between commands is asked for first: the library swallows such words."""
        if self._opened is None or session.uids_above(max(self._offered, self._opened.uid_next - 1), self._exists, self._opened.uid_next):
            return
        end = self._clock.elapsed() + seconds
        while not stop.is_set() and self._clock.elapsed() < end:
            session.idle()
            again = min(end, self._clock.elapsed() + IDLE_SECONDS_MAX)
            while not stop.is_set() and not self._heard(session, again):
                pass
            if session.idle_done():
                return

    def _heard(self, session: Session, until: float) -> bool:
        """True when the server spoke or the time is over; comes back soon in any case, so that ``stop`` is seen."""
        left = until - self._clock.elapsed()
        return left <= 0 or session.told_something(min(left, LOOK_UP_SECONDS))


def _moved(cursor: Cursor, uid: int) -> Cursor:
    return structs.replace(cursor, uid=uid)
