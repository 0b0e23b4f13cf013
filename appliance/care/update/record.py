"""What became of updates: one line each in ``updates.jsonl`` of the home, written by whoever did it, the daemon or the launcher."""

import json
import os
from pathlib import Path
from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.files import flush_to_disk

FILE = "updates.jsonl"
LINES_MOST = 50
BYTES_MOST = 1 << 20


def note(home: Path, clock: Clock, event: str, **told: Any) -> None:
    """Write one line: ``at`` in Unix seconds, ``event``, and what else is to be known."""
    line = json.dumps({"at": round(clock.now(), 3), "event": event, **told}, ensure_ascii=False) + "\n"
    descriptor = os.open(home / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(line.encode())
        file.flush()
        flush_to_disk(file.fileno())


def last(home: Path, most: int = LINES_MOST) -> list[dict[str, Any]]:
    """The newest lines, newest first. A line that a power loss cut is left out."""
    try:
        with (home / FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - BYTES_MOST))
            texts = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for text in reversed(texts):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            found.append(line)
    return found[:most]
