"""Who is signed in at this machine alone, while nobody leads and no session can be written down.

A person must be able to look, and to say that the other machine is switched off, when that is what it takes for somebody to lead again.
Such a visit is known to this process only. It is short, and over a moment after somebody leads: then one signs in as always.
"""

import threading
from hashlib import blake2b

from appliance.ground.clock import Clock
from appliance.ground.ids import new_id, new_token
from appliance.records.base import Record

VISIT_SECONDS = 900.0
LEFT_SECONDS = 60.0  # once somebody leads: time to see that it went well
VISITS_MOST = 32


class Visit(Record):
    """Somebody's visit, in Unix seconds. ``proof``: what stood for their password when they came; with another one it is over."""

    id: str
    who: str
    proof: str
    began: float
    until: float


class Visits:
    """The visits of one process, by a digest of their secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[bytes, Visit] = {}
        self._lock = threading.Lock()

    def begin(self, who: str, proof: str) -> str:
        """A new visit's secret, which is told this once."""
        secret, now = new_token(), self._clock.now()
        with self._lock:
            while len(self._open) >= VISITS_MOST:
                self._open.pop(next(iter(self._open)))
            self._open[_digest(secret)] = Visit(id=new_id("s"), who=who, proof=proof, began=now, until=now + VISIT_SECONDS)
        return secret

    def find(self, secret: str, somebody_leads: bool) -> Visit | None:
        """The visit with this secret; None when it is over or never was."""
        digest, now = _digest(secret), self._clock.now()
        with self._lock:
            visit = self._open.get(digest)
            if visit is None:
                return None
            if not visit.began <= now < visit.until:
                del self._open[digest]
                return None
            if somebody_leads and visit.until > now + LEFT_SECONDS:
                visit = Visit(id=visit.id, who=visit.who, proof=visit.proof, began=visit.began, until=now + LEFT_SECONDS)
                self._open[digest] = visit
            return visit

    def end(self, secret: str) -> bool:
        """The visit is over; whether there was one."""
        with self._lock:
            return self._open.pop(_digest(secret), None) is not None


def _digest(secret: str) -> bytes:
    return blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32).digest()
