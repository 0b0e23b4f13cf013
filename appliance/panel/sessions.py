"""Who is signed in: sessions of browsers, keys of programs, and what happens to those who guess.

A session lives in memory and ends with the process, after two hours without a request, or after twelve hours. One that was
opened with a key ends with the key. A cookie holds the session's secret; here only its digest is kept.
"""

import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.ground.clock import Clock
from appliance.ground.ids import new_token
from appliance.records.person import Actor

IDLE_SECONDS = 2 * 3600.0
LONGEST_SECONDS = 12 * 3600.0
SESSIONS_MOST = 1000
KEY_REMEMBERED_SECONDS = 1.0  # how long a revoked key may still work
KEY_TRUSTED_SECONDS = 900.0  # a key that was right this recently is not locked out by somebody else's guesses
KEYS_REMEMBERED_MOST = 1000
WRONG_MOST = 10
WRONG_WINDOW_SECONDS = 300.0
ADDRESSES_MOST = 10_000


def digest_of(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()


@dataclass(eq=False)
class Session:
    """A browser that is signed in. ``key`` is the API key it was opened with, "" for a one-time token.

    ``notice`` is a sentence to show on the next page: its key in the words, and what fills its gaps.
    """

    actor: Actor
    csrf: str
    opened: float
    seen: float
    key: str = ""
    notice: tuple[str, dict[str, str]] | None = None

    def take_notice(self) -> tuple[str, dict[str, str]] | None:
        notice, self.notice = self.notice, None
        return notice


class Sessions:
    """The open sessions, at most a thousand: then the one unused for longest ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, Session] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, actor: Actor, key: str = "") -> str:
        """A new session; returns the secret for the cookie."""
        secret, now = new_token(), self._clock.elapsed()
        with self._lock:
            while len(self._open) >= SESSIONS_MOST:
                self._open.popitem(last=False)
            self._open[digest_of(secret)] = Session(actor=actor, csrf=new_token(), opened=now, seen=now, key=key)
        return secret

    def find(self, secret: str) -> Session | None:
        """The session of this cookie, if it has not ended. Looking it up counts as use."""
        digest, now = digest_of(secret), self._clock.elapsed()
        with self._lock:
            session = self._open.get(digest)
            if session is None:
                return None
            if not self._lives(session, now):
                del self._open[digest]
                return None
            session.seen = now
            self._open.move_to_end(digest)
            return session

    def lives(self, session: Session) -> bool:
        """Whether an open stream of this session may go on; this does not count as use."""
        with self._lock:
            return self._lives(session, self._clock.elapsed()) and session in self._open.values()

    def close(self, secret: str) -> None:
        with self._lock:
            self._open.pop(digest_of(secret), None)

    @staticmethod
    def _lives(session: Session, now: float) -> bool:
        return now - session.seen < IDLE_SECONDS and now - session.opened < LONGEST_SECONDS


@dataclass
class Strikes:
    """Wrong keys by client address. After ten within five minutes the address has to wait."""

    clock: Clock
    _wrong: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrong(self, address: str) -> None:
        with self._lock:
            while len(self._wrong) >= ADDRESSES_MOST and address not in self._wrong:
                self._wrong.popitem(last=False)
            self._wrong.setdefault(address, deque(maxlen=WRONG_MOST)).append(self.clock.elapsed())
            self._wrong.move_to_end(address)

    def wait_seconds(self, address: str) -> int:
        """How long this address has to wait before its next try; 0: not at all."""
        with self._lock:
            times = self._wrong.get(address)
            if times is None or len(times) < WRONG_MOST:
                return 0
            left = times[0] + WRONG_WINDOW_SECONDS - self.clock.elapsed()
        return max(0, int(left) + 1) if left > 0 else 0


class Keys:
    """Answers whose a key is, remembering it for a second so that a busy program does not cost a database read per request."""

    def __init__(self, actor_of: Callable[[str], Actor | None], clock: Clock) -> None:
        self._actor_of = actor_of
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()
        self._lock = threading.Lock()

    def remembered(self, secret: str) -> Actor | None:
        """Whose key it was within the last second, without asking the store."""
        known = self._known.get(digest_of(secret))
        return known[0] if known is not None and self._clock.elapsed() - known[1] < KEY_REMEMBERED_SECONDS else None

    def was_right(self, secret: str) -> bool:
        """Whether this very key was good within the last quarter of an hour."""
        known = self._known.get(digest_of(secret))
        return known is not None and self._clock.elapsed() - known[1] < KEY_TRUSTED_SECONDS

    def ask(self, secret: str) -> Actor | None:
        """Whose key it is, asking the store; call it outside the event loop."""
        actor, digest = self._actor_of(secret), digest_of(secret)
        with self._lock:
            self._known.pop(digest, None)
            if actor is not None:
                while len(self._known) >= KEYS_REMEMBERED_MOST:
                    self._known.popitem(last=False)
                self._known[digest] = (actor, self._clock.elapsed())
        return actor
