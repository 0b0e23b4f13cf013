"""A clock that a test moves by hand."""

import threading


class FakeClock:
    """Wall clock and steady clock move together, and only by ``move``; waiting returns at once and moves both."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._elapsed = 0.0

    def now(self) -> float:
        return self._now

    def elapsed(self) -> float:
        return self._elapsed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.move(seconds)
        return event.is_set()

    def move(self, seconds: float) -> None:
        self._now += seconds
        self._elapsed += seconds

    def jump_wall_clock(self, seconds: float) -> None:
        """The wall clock jumps; the steady one does not."""
        self._now += seconds
