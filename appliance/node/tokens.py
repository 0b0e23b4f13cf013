"""One-time tokens: how the desktop window and ``make demo`` sign a browser in without a password.

A token is good once and for two minutes. The first one also stands in a file only its owner may read.
"""

import hmac
import threading
from dataclasses import dataclass, field

from appliance.ground.clock import Clock
from appliance.ground.ids import new_token
from appliance.records.person import Actor, Role

GOOD_FOR_SECONDS = 120.0
TOKENS_MOST = 32


@dataclass
class Tokens:
    """The tokens that wait to be used."""

    clock: Clock
    _waiting: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self) -> str:
        token = new_token()
        with self._lock:
            while len(self._waiting) >= TOKENS_MOST:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[token] = self.clock.elapsed() + GOOD_FOR_SECONDS
        return token

    def take(self, token: str) -> Actor | None:
        """The owner, when the token is known, unused and fresh; it is used up by this."""
        with self._lock:
            match = next((known for known in self._waiting if hmac.compare_digest(known.encode(), token.encode())), None)
            ends = self._waiting.pop(match) if match is not None else 0.0
        return Actor(name="owner", role=Role.ADMIN) if ends > self.clock.elapsed() else None
