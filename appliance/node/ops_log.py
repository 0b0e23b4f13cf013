"""The CRM's ops log: JSON lines in a file of bounded size, written once what they tell is safe in the journal.

A disk that refuses it stops nothing. When the file has grown to its limit it is put aside as ``.1``, in the place of the one before.
"""

import os
import threading
from pathlib import Path

import msgspec

from appliance.ground.log import Log, Trouble
from appliance.node.push_document import stamp
from appliance.records.ops import OpsLine
from appliance.records.push import Push, PushCounts

log = Log("crm")

READ_BYTES_MOST = 5_000_000


class OpsLog:
    """Appends lines to a file; with no path it does nothing."""

    def __init__(self, path: Path | None, bytes_most: int) -> None:
        self._path = path
        self._bytes_most = bytes_most
        self._trouble = Trouble(log, "ops_log")
        self._lock = threading.Lock()

    def write(self, event: str, now: float, counts: PushCounts, push: Push | None = None, count: int = 0) -> None:
        """One line. ``push`` as it stands after the event, ``counts`` the queue after it."""
        if self._path is None:
            return
        line = OpsLine(
            timestamp=stamp(now),
            event=event,
            queue_depth=counts.depth,
            last_success=stamp(counts.last_success_at),
            error=push.reason if push is not None else "",
            response_code=push.response_code if push is not None else 0,
            crm_error=push.crm_error if push is not None else "",
            attempts=push.attempts if push is not None else 0,
            status=str(push.badge or "") if push is not None else "",
            push=push.id if push is not None else "",
            case=push.case if push is not None else "",
            demo=push.demo if push is not None else False,
            count=count,
        )
        try:
            with self._lock:
                self._append(self._path, msgspec.json.encode(line) + b"\n")
        except OSError as error:
            self._trouble.broke(f"{error.strerror}")
        else:
            self._trouble.healed()

    def _append(self, path: Path, line: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size + len(line) > self._bytes_most:
            path.replace(path.with_name(f"{path.name}.1"))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def read(self) -> tuple[list[OpsLine], int]:
        """The lines there are, oldest first, of the file before and this one, as far as they are read; and how many were unreadable."""
        lines: list[OpsLine] = []
        unreadable = 0
        for path in (self._path.with_name(f"{self._path.name}.1"), self._path) if self._path is not None else ():
            for text in _tail(path):
                try:
                    lines.append(msgspec.json.decode(text, type=OpsLine))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    unreadable += 1
        return lines, unreadable


def _tail(path: Path) -> list[bytes]:
    """The last lines of a file, whole ones only."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - READ_BYTES_MOST))
            content = file.read(READ_BYTES_MOST)
    except OSError:
        return []
    lines = content.splitlines()
    return lines[1:] if size > READ_BYTES_MOST else lines
