"""Is this machine fit to lead? Looked at once a second, told in every heartbeat.

Health is what work needs: a disk that takes what it is given, in time and with room left; the mailbox's servers within reach; answers
that passed the start-up proof. A leader that is sick hands over, to a peer that is well; where both are sick nothing moves, for a
change would help nobody.
"""

import shutil
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from appliance.ground.clock import Clock
from appliance.store.store import Store

ROOM_BYTES = 16 * 1024 * 1024
SLOW_SECONDS = 1.0
SLOW_SPAN_SECONDS = 10.0
STUCK_SECONDS = 3.0
REACH_SECONDS = 2.0
EVERY_SECONDS = 5.0
LOST_SECONDS = 15.0

ONLY_SHOWN = frozenset({"nodes_differ"})
"""Reasons that a person sees and that move nothing: the two do not hold the same, and which of them is damaged is not known yet.
Handing over then might make the damaged one leader."""

Server = tuple[str, int]


class Commit(NamedTuple):
    """A flush that was seen: when, and how long it took."""

    at: float
    seconds: float


class Vitals:
    """``reasons`` are codes of what is wrong; ``well`` is a machine without any that counts. One thread looks; any may read."""

    def __init__(self, home: Path, store: Store, clock: Clock, servers: tuple[Server, ...], others: Callable[[], str]) -> None:
        self._home = home
        self._store = store
        self._clock = clock
        self._servers = servers
        self._others = others
        self._commits: deque[Commit] = deque(maxlen=256)
        self._unreached_since: dict[Server, float] = {}
        self._next_reach = 0.0
        self.reasons: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        return ONLY_SHOWN.issuperset(self.reasons)

    def look(self) -> None:
        """Look at everything; what takes longer (a server) only now and then."""
        now = self._clock.elapsed()
        if self._servers and now >= self._next_reach:
            self._reach(now)
            self._next_reach = self._clock.elapsed() + EVERY_SECONDS
        found = (self._disk(now), self._room(), self._mailbox(now), self._others())
        self.reasons = tuple(reason for reason in found if reason)

    def _disk(self, now: float) -> str:
        if self._store.broken is not None:
            return "disk_failed"
        writes = self._store.healthy_writes()
        if not self._commits or self._commits[-1].seconds != writes.last_seconds:
            self._commits.append(Commit(now, writes.last_seconds))
        while self._commits and now - self._commits[0].at > SLOW_SPAN_SECONDS:
            self._commits.popleft()
        slow = sum(commit.seconds > SLOW_SECONDS for commit in self._commits)
        if writes.running_seconds > STUCK_SECONDS or (slow >= 2 and 2 * slow >= len(self._commits)):
            return "disk_slow"
        return ""

    def _room(self) -> str:
        try:
            return "disk_full" if shutil.disk_usage(self._home).free < ROOM_BYTES else ""
        except OSError:
            return "disk_failed"

    def _reach(self, now: float) -> None:
        for server in self._servers:
            if reaches(server):
                self._unreached_since.pop(server, None)
            else:
                self._unreached_since.setdefault(server, now)

    def _mailbox(self, now: float) -> str:
        lost = any(now - since > LOST_SECONDS for since in self._unreached_since.values())
        return "mailbox_unreachable" if lost else ""


def reaches(server: Server) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection(server, REACH_SECONDS):
            return True
    except (OSError, UnicodeError):  # the latter: a name that is none, such as one with two dots in a row
        return False
