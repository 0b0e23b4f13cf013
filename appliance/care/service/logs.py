"""Reads the log back from the home's files: since when, errors only, and on as it is written."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.errors import SettingsError

FILES = {False: "tandem.log", True: "errors.log"}  # whether errors only; ground/log.py writes both
LOOK_SECONDS = 0.5
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400}

Line = dict[str, Any]


def moment(text: str, now: float) -> float:
    """``90s``, ``15min``, ``1h``, ``2d`` ago, or a time such as ``2026-11-20T08:00``, in Unix seconds. Raises ``SettingsError``."""
    if span := re.fullmatch(r"(\d{1,6})(s|min|m|h|d)", text.strip()):
        return now - int(span[1]) * _UNITS[span[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        raise SettingsError(f"{text} is no time.", "Write 15min, 1h, 2d, or 2026-11-20T08:00.") from None


def read(folder: Path, errors: bool, since: float) -> Iterator[Line]:
    """What was logged since then, oldest first, through the files that have been put aside. Raises ``PermissionError``."""
    current = folder / FILES[errors]
    aside = sorted(folder.glob(f"{current.name}.*"), key=lambda path: -int(path.suffix[1:]) if path.suffix[1:].isdecimal() else 0)
    for path in (*aside, current):
        if path.exists() and path.stat().st_mtime >= since:
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from (line for text in file if (line := _line(text, since)) is not None)


def follow(folder: Path, errors: bool, clock: Clock, stop: threading.Event) -> Iterator[Line]:
    """What is logged from now on. A file that is put aside meanwhile is read to its end, then the new one."""
    path = folder / FILES[errors]
    place = path.stat().st_size if path.exists() else 0
    rest, number = "", path.stat().st_ino if path.exists() else 0
    while not clock.wait(stop, LOOK_SECONDS):
        if not path.exists():
            continue
        for source, begin in _pieces(path, number, place):
            with source.open(encoding="utf-8", errors="replace") as file:
                file.seek(begin)
                *whole, rest = (rest + file.read()).split("\n")
                place, number = file.tell(), source.stat().st_ino
            yield from (line for text in whole if (line := _line(text, 0.0)) is not None)


def _pieces(path: Path, number: int, place: int) -> Iterator[tuple[Path, int]]:
    """Which files to read from where: the one known by this inode number from where we were, then the one that has taken its name."""
    if path.stat().st_ino == number:
        yield path, place
        return
    aside = path.with_name(f"{path.name}.1")
    if aside.exists() and aside.stat().st_ino == number:
        yield aside, place
    yield path, 0


def _line(text: str, since: float) -> Line | None:
    """The record of a line; None for what is none, or is older."""
    try:
        record = json.loads(text)
        return record if datetime.fromisoformat(record["time"]).timestamp() >= since else None
    except (ValueError, KeyError, TypeError):
        return None


def told(line: Line) -> str:
    """A record as a person reads it, in the time of this machine; a trace below its line."""
    at = datetime.fromisoformat(line["time"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    fields = " ".join(f"{name}={value}" for name, value in line.items() if name not in ("time", "level", "event", "thread", "trace"))
    trace = "\n" + str(line["trace"]).rstrip() if line.get("trace") else ""
    return f"{at} {line.get('level', ''):<7} {line.get('event', '')} {fields}".rstrip() + trace
