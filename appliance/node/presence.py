"""Who is at which case at this moment. It is told by open pages, kept in memory, and forgotten when a page falls silent."""

import threading
from typing import NamedTuple

from appliance.ground.clock import Clock

FORGOTTEN_SECONDS = 30.0
PLACES_MOST = 2_000  # people times cases; beyond it whoever was heard of longest ago is forgotten


class _Heard(NamedTuple):
    what: str
    until: float


class Presence:
    """People at cases. May be asked from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._lock = threading.Lock()

    def tell(self, case: str, name: str, what: str) -> None:
        """Somebody is ``editing`` or ``looking`` at a case, or is ``gone``."""
        with self._lock:
            self._heard.pop((case, name), None)
            if what == "gone":
                return
            self._forget(PLACES_MOST - 1)
            self._heard[(case, name)] = _Heard(what, self._clock.elapsed() + FORGOTTEN_SECONDS)

    def at(self, what: str) -> dict[str, list[str]]:
        """By case who does that there now, by name."""
        found: dict[str, list[str]] = {}
        with self._lock:
            self._forget(PLACES_MOST)
            for (case, name), heard in self._heard.items():
                if heard.what == what:
                    found.setdefault(case, []).append(name)
        return {case: sorted(names) for case, names in found.items()}

    def _forget(self, most: int) -> None:
        """The silent ones, and whoever is too many. They are at the front, for whoever is heard of goes to the end."""
        now = self._clock.elapsed()
        while self._heard and (len(self._heard) > most or next(iter(self._heard.values())).until <= now):
            del self._heard[next(iter(self._heard))]
