"""Sessions of browsers: they outlive a restart, and end when they are told to.

A browser holds the secret, the table its keyed digest. A session ends when it has not been used for a while, and after a longest
time in any case. That it is used is written down only now and then (``USED_PARTS`` times in the idle time): an entry for each
request would be a journal of clicks.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.ids import new_id, new_token
from appliance.records.events import SessionEnded, SessionOpened, SessionUsed
from appliance.records.person import Actor, OpenSession, Role
from appliance.store.books import Books
from appliance.store.prints import Prints
from appliance.store.reading import Readers

SESSIONS_OF_ONE_MOST = 20
USED_PARTS = 12
OWNER = "owner"  # who came by a one-time token of the machine

#: A session with whoever it belongs to, as they stand now: out with the person who was deactivated, with the key that was revoked.
_OPEN = f"""SELECT sessions.id, who, opened_at, sessions.seen_at, until, longest_until,
    CASE WHEN who = '{OWNER}' THEN {int(Role.ADMIN)} ELSE coalesce(people.role, keys.role) END, keys.name
    FROM sessions LEFT JOIN people ON people.id = who AND people.active = 1 LEFT JOIN keys ON keys.id = who AND keys.revoked_at = 0
    WHERE until > ? AND (who = '{OWNER}' OR people.id IS NOT NULL OR keys.id IS NOT NULL)"""


def open_session(books: Books, who: str, digest: str, idle: float, longest: float, by: str, term: int, now: float) -> str:
    """A new session's id. Somebody's twenty-first ends the one of theirs that was unused for longest."""
    rows = books.connection.execute("SELECT id FROM sessions WHERE who = ? ORDER BY seen_at DESC, id DESC", (who,)).fetchall()
    for row in rows[SESSIONS_OF_ONE_MOST - 1 :]:
        books.append(SessionEnded(at=now, by=by, session=row[0]), term=term)
    session = new_id("s")
    ends = {"until": now + min(idle, longest), "longest_until": now + longest}
    books.append(SessionOpened(at=now, by=by, session=session, digest=digest, who=who, **ends), term=term)
    return session


def use(books: Books, session: str, idle: float, by: str, term: int, now: float) -> None:
    """It was used: it lives on. One that has ended meanwhile stays ended."""
    row = books.connection.execute("SELECT longest_until FROM sessions WHERE id = ? AND until > ?", (session, now)).fetchone()
    if row is not None:
        books.append(SessionUsed(at=now, by=by, session=session, until=min(now + idle, row[0])), term=term)


def end(books: Books, session: str, by: str, term: int, now: float) -> None:
    """The session is over. A repeat changes nothing."""
    if books.connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).fetchone() is not None:
        books.append(SessionEnded(at=now, by=by, session=session), term=term)


def end_all(books: Books, who: str, but: str, by: str, term: int, now: float) -> int:
    """All of somebody's sessions but one ("": all); how many there were."""
    count = int(books.connection.execute("SELECT count(*) FROM sessions WHERE who = ? AND id <> ?", (who, but)).fetchone()[0])
    if count:
        books.append(SessionEnded(at=now, by=by, who=who, session=but), term=term)
    return count


class Sessions:
    """The open sessions of one home. May be asked from any thread."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, prints: Prints, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._prints = prints
        self._clock = clock
        self._digest = blake2b(key=prints.key, digest_size=32, person=b"session")

    def open(self, who: str, by: str, *, idle: float, longest: float, term: int) -> str:
        """Sign somebody in, for so many seconds without use and at the longest; the secret, which is told this once."""
        secret, now = new_token(), self._clock.now()
        digest = self._digest_of(secret)
        self._run(lambda books: open_session(books, who, digest, idle, longest, by, term, now))
        return secret

    def of_secret(self, secret: str) -> OpenSession | None:
        """The session of a cookie; None when it has ended or never was."""
        rows = self._ask(f"{_OPEN} AND sessions.digest = ?", self._digest_of(secret))
        return rows[0] if rows else None

    def all(self, who: str = "") -> tuple[OpenSession, ...]:
        """The open sessions, of one or of everybody; the one used last comes first."""
        return self._ask(f"{_OPEN} AND ? IN ('', who) ORDER BY sessions.seen_at DESC, sessions.id DESC", who)

    def is_stale(self, session: OpenSession, idle: float) -> bool:
        """Whether it is time to write down that it is used."""
        return self._clock.now() - session.seen_at >= idle / USED_PARTS and session.until < session.longest_until

    def use(self, session: str, by: str, *, idle: float, term: int) -> None:
        now = self._clock.now()
        self._run(lambda books: use(books, session, idle, by, term, now))

    def end(self, session: str, by: str, *, term: int) -> None:
        now = self._clock.now()
        self._run(lambda books: end(books, session, by, term, now))

    def end_all(self, who: str, by: str, *, but: str = "", term: int) -> int:
        """End somebody's sessions but one; how many there were."""
        now = self._clock.now()
        count: int = self._run(lambda books: end_all(books, who, but, by, term, now))
        return count

    def key_of(self, secret: str) -> str:
        """The id of the API key with this secret, or ""."""
        row = self._readers.one("SELECT id FROM keys WHERE digest = ? AND revoked_at = 0", (self._prints.secret(secret),))
        return str(row[0]) if row else ""

    def _ask(self, sql: str, wanted: str) -> tuple[OpenSession, ...]:
        return tuple(_opened(row) for row in self._readers.all(sql, (self._clock.now(), wanted)))

    def _digest_of(self, secret: str) -> str:
        digest = self._digest.copy()
        digest.update(secret.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def _opened(row: Any) -> OpenSession:
    id, who, opened_at, seen_at, until, longest_until, role, key_name = row
    ends = {"until": until, "longest_until": longest_until}
    return OpenSession(id=id, who=who, actor=Actor(name=key_name or who, role=Role(role)), opened_at=opened_at, seen_at=seen_at, **ends)
