"""Who answers: every known machine is asked at the same time, and whoever takes longer than two seconds counts as silent."""

import contextlib
import http.client
import json
import queue
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from appliance.ground.clock import Clock

ANSWER_SECONDS = 2.0
ANSWER_BYTES_MOST = 1_000


def is_alive(address: str) -> bool:
    """Whether a panel answers there; a program of somebody else on that port does not count."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        told = json.loads(answer.read(ANSWER_BYTES_MOST))
        return answer.status == 200 and isinstance(told, dict) and told.get("status") == "ok"
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


class Ear:
    """Asks the machines, each in a thread of its own: a name that is looked up for half a minute holds up nobody else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._busy: set[str] = set()  # not asked again while the last question still hangs: so threads never pile up
        self._lock = threading.Lock()

    def answering(self, addresses: Iterable[str], seconds: float = ANSWER_SECONDS) -> frozenset[str]:
        """Those that answer within this time."""
        until = self._clock.elapsed() + seconds
        heard: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
        asked = [address for address in addresses if self._begin(address)]
        for address in asked:
            threading.Thread(target=self._ask, args=(address, heard), name="ask-panel", daemon=True).start()
        alive: set[str] = set()
        with contextlib.suppress(queue.Empty):
            for _ in asked:
                address, answers = heard.get(timeout=max(0.0, until - self._clock.elapsed()))
                alive |= {address} if answers else set()
        return frozenset(alive)

    def _begin(self, address: str) -> bool:
        with self._lock:
            if address in self._busy:
                return False
            self._busy.add(address)
            return True

    def _ask(self, address: str, heard: "queue.SimpleQueue[tuple[str, bool]]") -> None:
        try:
            alive = is_alive(address)
        finally:
            with self._lock:
                self._busy.discard(address)
        heard.put((address, alive))
