"""How many may be inside at once, and who goes when it gets too full.

Three kinds of visitors, each with room of its own, so that none can take another's. *Arriving*: not through the handshake and the
first frame yet; anybody on the network can be one. *Guests*: they showed no certificate and are here to pair. *Members*: the
peer's own lines.

When too many are arriving, the one goes that came first from the address that has the most of them. Whoever floods the door from one
address pushes out itself, and the peer, which needs a few milliseconds to come through, is not kept waiting.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Literal

from appliance.ground.clock import Clock

Kind = Literal["arriving", "guest", "member"]
ROOM: dict[Kind, int] = {"arriving": 16, "guest": 4, "member": 12}
INSIDE_MOST = sum(ROOM.values())
_SILENCE_SECONDS = 60.0
_REMEMBERED_MOST = 256


class Visitor:
    """One connection. ``end`` cuts it from outside, after which its thread leaves by itself."""

    def __init__(self, host: str, end: Callable[[], None]) -> None:
        self.host = host
        self.end = end
        self.kind: Kind = "arriving"


class Lobby:
    """Everybody who is inside, and those who were told to go and have not left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: list[Visitor] = []
        self._going: list[Visitor] = []

    def enter(self, visitor: Visitor, seconds: float) -> bool:
        """Let in whoever knocks, in somebody's place if need be; False when nobody left within that time."""
        with self._changed:
            if self._count("arriving") >= ROOM["arriving"]:
                self._send_away(self._one_too_many())
            if not self._changed.wait_for(lambda: len(self._inside) + len(self._going) < INSIDE_MOST, seconds):
                return False
            self._inside.append(visitor)
            return True

    def admit(self, visitor: Visitor, kind: Kind) -> bool:
        """From now on it is of this kind; False when there is no room."""
        with self._changed:
            if visitor in self._inside and self._count(kind) < ROOM[kind]:
                visitor.kind = kind
                return True
            return False

    def leave(self, visitor: Visitor) -> None:
        with self._changed:
            for those in (self._inside, self._going):
                if visitor in those:
                    those.remove(visitor)
            self._changed.notify_all()

    def clear(self, seconds: float) -> bool:
        """Send everybody away; False when somebody has not left within that time."""
        with self._changed:
            for visitor in list(self._inside):
                self._send_away(visitor)
            return self._changed.wait_for(lambda: not self._inside and not self._going, seconds)

    def _count(self, kind: Kind) -> int:
        return sum(visitor.kind == kind for visitor in self._inside)

    def _one_too_many(self) -> Visitor:
        arriving = [visitor for visitor in self._inside if visitor.kind == "arriving"]
        from_each = Counter(visitor.host for visitor in arriving)
        return max(arriving, key=lambda visitor: from_each[visitor.host])  # of equals the first, which came first

    def _send_away(self, visitor: Visitor) -> None:
        self._inside.remove(visitor)
        self._going.append(visitor)
        visitor.end()


class Hushed:
    """Says of each stranger once a minute at most that there is something to say, and of more than 256 strangers nothing at all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def may_say(self, host: str) -> bool:
        now = self._clock.elapsed()
        with self._lock:
            while self._said and now - next(iter(self._said.values())) >= _SILENCE_SECONDS:
                self._said.popitem(last=False)
            if host in self._said or len(self._said) >= _REMEMBERED_MOST:
                return False
            self._said[host] = now
            return True
