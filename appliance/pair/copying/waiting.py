"""How long the oldest entry has waited for the standby's flush."""

from collections import deque

_MOST = 4_096


class Waiting:
    """Positions and when each was written. Bounded: beyond the bound the newest share one time, the earliest of them."""

    def __init__(self) -> None:
        self._since: deque[tuple[int, float]] = deque()

    def put(self, position: int, at: float) -> None:
        """Everything up to this position, and after the last one put, waits since then."""
        if len(self._since) >= _MOST:
            at = self._since.pop()[1]
        self._since.append((position, at))

    def flushed(self, position: int) -> None:
        """The standby holds everything up to here."""
        while self._since and self._since[0][0] <= position:
            self._since.popleft()

    def seconds(self, now: float) -> float:
        """The age of the oldest that waits; 0.0 when none does."""
        try:
            return max(0.0, now - self._since[0][1])
        except IndexError:
            return 0.0
