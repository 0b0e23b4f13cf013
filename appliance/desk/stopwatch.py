"""How long each stage took, on a clock that is handed in: the desk itself looks at none."""

from collections.abc import Callable

import msgspec

from appliance.records.answer import Outcome


class Stopwatch:
    """Laps of one case, in milliseconds. ``told`` hears of each as it ends."""

    def __init__(self, timer: Callable[[], float], told: Callable[[str], None] | None = None) -> None:
        self._timer = timer
        self._told = told
        self._since = timer()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """A stage has ended."""
        now = self._timer()
        self._laps[name] = self._laps.get(name, 0.0) + round((now - self._since) * 1000.0, 3)
        self._since = now
        if self._told is not None:
            self._told(name)

    def onto(self, outcome: Outcome) -> Outcome:
        """The outcome with the laps in it, the time since the last one under ``decide``."""
        self.lap("decide")
        return msgspec.structs.replace(outcome, milliseconds=dict(self._laps))
