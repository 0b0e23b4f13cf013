"""Who is signed in: the sessions of browsers and the keys of programs, each remembered for a second.

The node's journal says what holds: a session outlives a restart, and one that was ended there is over here a second later. What
stands in memory is only a busy moment's memory of it, and the sentence that the next page will show.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from appliance.ground.clock import Clock
from appliance.records.person import Actor, OpenSession

REMEMBERED_SECONDS = 1.0  # how long a revoked key or an ended session may still work
SESSIONS_REMEMBERED_MOST = 1000
KEY_TRUSTED_SECONDS = 900.0  # a key that was right this recently is not locked out by somebody else's guesses
KEYS_REMEMBERED_MOST = 1000
SECRET_LENGTH_MOST = 200


def digest_of(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32).digest()


@dataclass(eq=False)
class Session:
    """A browser that is signed in. ``csrf`` follows from the secret, so that a form opened before a restart still counts.

    ``notice`` is a sentence to show on the next page: its key in the words, and what fills its gaps. ``decided`` is the case
    that was decided last: what may still be taken back.
    """

    id: str
    actor: Actor
    csrf: str
    secret: str = field(repr=False)
    seen: float = 0.0  # when the node was asked last
    notice: tuple[str, dict[str, str]] | None = None
    decided: str = ""

    def take_notice(self) -> tuple[str, dict[str, str]] | None:
        notice, self.notice = self.notice, None
        return notice


class _Find(Protocol):
    def __call__(self, secret: str, used: bool = True) -> OpenSession | None: ...


class Sessions:
    """Answers whose a cookie is. At most a thousand are remembered; who is forgotten is asked for again."""

    def __init__(self, find: _Find, clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._known: OrderedDict[bytes, Session] = OrderedDict()
        self._lock = threading.Lock()

    def remembered(self, secret: str) -> Session | None:
        """The session of this cookie, if it was still open within the last second."""
        known = self._known.get(digest_of(secret))
        return known if known is not None and self._clock.elapsed() - known.seen < REMEMBERED_SECONDS else None

    def ask(self, secret: str, used: bool = True) -> Session | None:
        """The session of this cookie, asking the node; call it outside the event loop. ``used``: a person did something."""
        now, digest = self._clock.elapsed(), digest_of(secret)
        found = self._find(secret, used) if len(secret) <= SECRET_LENGTH_MOST else None
        with self._lock:
            known = self._known.pop(digest, None)
            if found is None:
                return None
            session = known or Session(found.id, found.actor, _form_token(secret), secret)
            session.actor, session.seen = found.actor, now
            while len(self._known) >= SESSIONS_REMEMBERED_MOST:
                self._known.popitem(last=False)
            self._known[digest] = session
            return session

    def forget(self, secret: str) -> None:
        """The session was ended: it is over here at once."""
        with self._lock:
            self._known.pop(digest_of(secret), None)


def _form_token(secret: str) -> str:
    """What a form must carry: only who holds the cookie can work it out, and it tells nothing about the cookie."""
    return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=24, person=b"form-token").hexdigest()


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
        return known[0] if known is not None and self._clock.elapsed() - known[1] < REMEMBERED_SECONDS else None

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
