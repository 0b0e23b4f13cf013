"""Claims that go on while an engine works: a language model may need longer than a claim lasts, and a case must not be taken twice.

A claim is short so that a case whose node died is taken up soon; whoever still works says so in time. What takes milliseconds is never
seen here.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from appliance.ground.clock import Clock
from appliance.ground.errors import StoreError
from appliance.records.case import Case

LOOK_SECONDS = 10.0


class Renewals:
    """The cases that this node is at. ``renew`` is told a case and says whether its claim is still ours."""

    def __init__(self, clock: Clock, claim_seconds: float, renew: Callable[[Case], bool]) -> None:
        self._clock = clock
        self._half = claim_seconds / 2
        self._renew = renew
        self._held: dict[str, tuple[Case, float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, case: Case) -> Iterator[None]:
        """While this lasts, the case's claim does not run out."""
        with self._lock:
            self._held[case.id] = (case, self._clock.elapsed())
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(case.id, None)

    def look(self) -> None:
        """Renew every claim of which half has passed. One that was lost is let go: whoever settles is told then."""
        now = self._clock.elapsed()
        with self._lock:
            due = [case for case, since in self._held.values() if now - since >= self._half]
        for case in due:
            renewed = False
            with suppress(StoreError):  # it does not lead any more, or cannot write: the claim ends by itself
                renewed = self._renew(case)
            with self._lock:
                held = self._held.get(case.id)
                if held is None or held[0] is not case:  # given back meanwhile, and perhaps claimed anew
                    continue
                self._held[case.id] = (case, now)
                if not renewed:
                    del self._held[case.id]
