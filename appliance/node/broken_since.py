"""Since when each dependency has been broken: noted at the first look that found it so, forgotten when it works again.

It is kept in memory: after a restart the time begins anew, for nobody knows what happened in between.
"""

import threading
from collections.abc import Sequence
from typing import Any


class BrokenSince:
    """Remembers across looks. Safe to be told from several threads."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()

    def noted(self, rows: Sequence[dict[str, Any]], now: float) -> list[dict[str, Any]]:
        """The rows of a look at this moment, each with ``since`` (Unix seconds; 0.0: it works)."""
        broken = [row["name"] for row in rows if not row["connected"]]
        with self._lock:
            self._since = {name: self._since.get(name, now) for name in broken}
            return [{**row, "since": self._since.get(row["name"], 0.0)} for row in rows]
