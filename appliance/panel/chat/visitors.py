"""How much one network address may ask of the chat. Kept in memory: after a restart everybody is new."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable

from appliance.ground.clock import Clock
from appliance.node.patience import network_of

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3_600.0
REQUESTS_PER_MINUTE = 120
STREAMS_MOST = 10  # open at a time from one address: every open page keeps one
ADDRESSES_MOST = 10_000


class Rate:
    """So many within so many seconds, for each of many addresses; who has not come for longest is forgotten first. For any thread."""

    def __init__(self, clock: Clock, most: int, seconds: float) -> None:
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str) -> bool:
        """Count one more; False when it is one too many, which does not count."""
        with self._lock:
            return self._take(address, self._clock.elapsed())

    def _take(self, address: str, now: float) -> bool:
        times = self._times.setdefault(address, deque())
        self._times.move_to_end(address)
        if len(self._times) > ADDRESSES_MOST:
            self._times.popitem(last=False)
        while times and now - times[0] >= self._seconds:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


class Visitors:
    """The rates of the chat's visitors. Streams are counted in the event loop alone."""

    def __init__(self, clock: Clock, sessions_per_hour: int, proxies: Iterable[str]) -> None:
        self.requests = Rate(clock, REQUESTS_PER_MINUTE, MINUTE_SECONDS)
        self.sessions = Rate(clock, sessions_per_hour, HOUR_SECONDS)
        self._streams: dict[str, int] = {}
        self._proxies = frozenset(proxies)

    def address_of(self, peer: str, forwarded: str) -> str:
        """Who asks, as far as it is counted. What a proxy says is believed of its own last word, and only of a proxy that was named."""
        said = forwarded.rpartition(",")[2].strip()
        return network_of(said[:64] if said and peer in self._proxies else peer)

    def enter(self, address: str) -> bool:
        """One more stream is open; False when it is one too many."""
        if self._streams.get(address, 0) >= STREAMS_MOST:
            return False
        self._streams[address] = self._streams.get(address, 0) + 1
        return True

    def leave(self, address: str) -> None:
        """One stream less."""
        left = self._streams.pop(address, 1) - 1
        if left:
            self._streams[address] = left
