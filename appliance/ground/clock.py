"""Time: the only room that looks at a clock.

Two times are kept apart. ``now`` is the wall clock in Unix seconds, for people and for headers; it may jump.
``elapsed`` is seconds on a clock that never jumps and counts sleep, for leases and waits.
"""

import sys
import threading
import time
from typing import Protocol

# Linux's BOOTTIME counts sleep; macOS has no such name, and there MONOTONIC_RAW counts sleep and does not slew.
_STEADY = time.CLOCK_MONOTONIC_RAW if sys.platform == "darwin" else getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Where the time comes from; tests hand in one that they move by hand."""

    def now(self) -> float:
        """Unix seconds, wall clock."""
        ...

    def elapsed(self) -> float:
        """Seconds since some fixed moment, never backwards, sleep counted."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event, at most so long; True when it was set."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.clock_gettime(_STEADY)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)
