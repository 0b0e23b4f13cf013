"""How long somebody who guessed wrong has to wait: longer each time, never for ever, and forgotten when they keep still.

A few mistakes are free. Each one after them doubles the wait, up to a limit, so that a stranger who guesses at an owner's password
can slow the owner down and not lock them out. A try during the wait is not looked at, and does not lengthen it.
"""

import ipaddress
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from appliance.ground.clock import Clock

KNOWN_MOST = 10_000


@dataclass(frozen=True)
class Wrong:
    """How often somebody was wrong, and when last (steady seconds)."""

    times: int
    last: float


@dataclass
class Patience:
    """Mistakes by name: of an account, or of an address. ``free`` cost nothing; one is forgiven each ``forgive_seconds``."""

    clock: Clock
    free: int = 5
    first_seconds: float = 1.0
    longest_seconds: float = 300.0
    forgive_seconds: float = 600.0
    _known: OrderedDict[str, Wrong] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrong(self, name: str) -> None:
        """One more mistake."""
        with self._lock:
            now = self.clock.elapsed()
            times = self._times(name, now) + 1
            self._known[name] = Wrong(times, now)
            self._known.move_to_end(name)
            while len(self._known) > KNOWN_MOST:
                self._known.popitem(last=False)

    def right(self, name: str) -> None:
        """They knew: what was wrong before is forgotten."""
        with self._lock:
            self._known.pop(name, None)

    def wait_seconds(self, name: str) -> int:
        """How long before the next try is looked at, in whole seconds; 0: not at all."""
        with self._lock:
            known, now = self._known.get(name), self.clock.elapsed()
            over = self._times(name, now) - self.free
        if known is None or over < 0:
            return 0
        delay = min(self.longest_seconds, self.first_seconds * 2.0 ** min(over, 32))
        return max(0, math.ceil(known.last + delay - now))

    def _times(self, name: str, now: float) -> int:
        known = self._known.get(name)
        return 0 if known is None else max(0, known.times - int((now - known.last) / self.forgive_seconds))


class SignInPatience:
    """Of sign-ins: by account, and by the address that they come from, which several people may share."""

    def __init__(self, clock: Clock) -> None:
        self.accounts = Patience(clock)
        self.addresses = Patience(clock, free=20)


def network_of(address: str) -> str:
    """What is counted of an address: of IPv6 the first 64 bits, for one machine has all the rest to itself.

    A socket that listens for both gives an IPv4 address as IPv6 (RFC 4291, 2.5.5.2); counted as such, everybody would be one.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
