"""Where the peer may be reached: every hint counts, and only what answers is believed.

There are four sources. What was *configured*; what answered *last*, also before a restart; what the network's own *discovery* says;
and from where an authenticated heartbeat was *seen* to come. Any of them may be wrong or missing: discovery is blocked in many
networks and may be told lies by anybody in them, and a configured address is of a year ago. So all are tried, and the one that
answers is used.

Who answers keeps the place as long as it does not fall silent. A datagram of the peer that somebody else repeats from an address of
their own therefore changes nothing while the peer itself is heard; and when the peer moves, the next heartbeat that it sends from its new
address is followed as soon as the old one has been silent for a second.

Pure: times (``now``, seconds of a steady clock) are handed in, nothing is looked up and nothing is sent.
"""

import re
import threading
from collections.abc import Iterable

from appliance.records.base import Record

Address = tuple[str, int]
"""A host, as a number or a name, and a port."""

ADDRESSES_MOST = 8
_HOST_MOST = 253  # RFC 1035, 2.3.4


class Manners(Record):
    """How long things hold, in seconds. The first is the lease's: a peer unheard for so long is suspect."""

    silent_seconds: float = 1.0
    others_seconds: float = 5.0
    """So often the other addresses get a heartbeat too while one answers: the peer learns from it where this node may be reached."""
    discovered_seconds: float = 180.0
    """Host records of mDNS hold 120 s (RFC 6762, 10), and a finding is told again every 60 s while it holds."""
    seen_seconds: float = 600.0


def as_text(address: Address) -> str:
    """Such as ``10.0.0.7:7789``, or ``[fd00::7]:7789``."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def from_text(text: str, port: int = 0) -> Address | None:
    """What ``as_text`` wrote, or a host alone where a port is given to go with it; None for anything else."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:\[\]/@]+))(?::([0-9]{1,5}))?", text.strip(), re.ASCII)
    if found is None:
        return None
    host, number = found[1] or found[2], int(found[3] or port)
    return (host, number) if 0 < number < 65536 and len(host) <= _HOST_MOST else None


class AddressBook:
    """The peer's addresses, at most eight. Any thread may ask and tell."""

    def __init__(self, configured: Iterable[Address] = (), last: Address | None = None, manners: Manners | None = None) -> None:
        self._manners = manners or Manners()
        # One place stays free for what answers, however many somebody configures.
        self._configured = tuple(dict.fromkeys(configured))[: ADDRESSES_MOST - 1]
        self._last = last
        self._answered_at = float("-inf")
        self._others_due = float("-inf")
        self._until: dict[str, dict[Address, float]] = {"seen": {}, "discovered": {}}
        self._lock = threading.Lock()

    @property
    def last(self) -> Address | None:
        """What answered last; to be kept for the next start."""
        with self._lock:
            return self._last

    def all(self, now: float) -> tuple[Address, ...]:
        """Where to dial, in this order: what worked last, configured, seen, discovered (of these the newest first)."""
        with self._lock:
            return self._all(now)

    def beat_to(self, now: float) -> tuple[Address, ...]:
        """Where this heartbeat goes: everywhere until one answers; then there, and now and then everywhere."""
        with self._lock:
            last, everywhere = self._last, self._all(now)
            if last is None or self._silent(now) or now >= self._others_due:
                self._others_due = now + self._manners.others_seconds
                return everywhere
            return (last,)

    def seen(self, address: Address, now: float) -> bool:
        """A fresh authenticated heartbeat came from there. True when the peer is from now on believed to be at another address.

        To be told only of heartbeats newer than all before: an old one says where somebody repeated it from.
        """
        with self._lock:
            self._note("seen", address, now + self._manners.seen_seconds)
            return self._answered(address, now)

    def worked(self, address: Address, now: float) -> bool:
        """A line could be opened to there, with the peer's certificate. True when that is another address than before."""
        with self._lock:
            return self._answered(address, now)

    def discovered(self, addresses: Iterable[Address], now: float) -> None:
        """All that discovery says of the peer now; what it said before and does not say any more is dropped."""
        with self._lock:
            self._until["discovered"] = {}
            for address in tuple(addresses)[:ADDRESSES_MOST][::-1]:
                self._note("discovered", address, now + self._manners.discovered_seconds)

    def withdrawn(self) -> None:
        """The peer said goodbye to discovery, or somebody in its name: only these hints are dropped, and nobody is called dead."""
        with self._lock:
            self._until["discovered"] = {}

    def _answered(self, address: Address, now: float) -> bool:
        if address == self._last:
            self._answered_at = now
            return False
        if not self._silent(now):
            return False
        self._last, self._answered_at = address, now
        return True

    def _silent(self, now: float) -> bool:
        return now - self._answered_at >= self._manners.silent_seconds

    def _note(self, source: str, address: Address, until: float) -> None:
        """Put it last, which is newest; the oldest makes room."""
        known = self._until[source]
        known.pop(address, None)
        known[address] = until
        if len(known) > ADDRESSES_MOST:
            del known[next(iter(known))]

    def _all(self, now: float) -> tuple[Address, ...]:
        for known in self._until.values():
            for address in [address for address, until in known.items() if until <= now]:
                del known[address]
        seen, discovered = (tuple(self._until[source])[::-1] for source in ("seen", "discovered"))
        first = (self._last,) if self._last else ()
        return tuple(dict.fromkeys((*first, *self._configured, *seen, *discovered)))[:ADDRESSES_MOST]
