"""Transactions that were shipped and not yet sent: the newest ones, as many as fit.

When it overflows the oldest go: they are on disk by then or soon will be, and the sender reads them there. So falling behind needs
no state of its own; a sender that has read up to where the backlog begins is live again.
"""

from collections import deque
from typing import NamedTuple

from appliance.store.shipment import Shipment

_ENTRY_BYTES = 120  # of an entry beside its payload: numbers, kind, two hashes
_BODY_BYTES = 40


class _Kept(NamedTuple):
    first: int
    last: int
    weight: int
    shipment: Shipment


def weight(shipment: Shipment) -> int:
    """About how many bytes a shipment has on the line."""
    entries = sum(len(entry.payload) for entry in shipment.entries) + _ENTRY_BYTES * len(shipment.entries)
    return entries + sum(len(body.sealed) for body in shipment.bodies) + _BODY_BYTES * len(shipment.bodies) + len(shipment.slots)


class Backlog:
    """Used under its owner's lock. The positions in it have no gaps."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: deque[_Kept] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, shipment: Shipment) -> None:
        """Add the newest transaction. One that does not follow the last drops what was there."""
        first, last = shipment.entries[0].position, shipment.entries[-1].position
        if self._kept and self._kept[-1].last + 1 != first:
            self.clear()
        self._kept.append(_Kept(first, last, weight(shipment), shipment))
        self._bytes += self._kept[-1].weight
        while self._bytes > self._most:
            self._drop()

    def take(self, after: int, most_bytes: int, until: int | None = None) -> list[Shipment]:
        """What follows a position, out of the backlog: at least one, as many as fit. Nothing when it does not begin there.

        None of them begins after ``until``.

        A transaction whose beginning was read from disk is on disk as a whole, so the rest of it is read there too.
        """
        while self._kept and self._kept[0].first <= after:
            self._drop()
        if not self._kept or self._kept[0].first != after + 1:
            return []
        taken: list[Shipment] = []
        left = most_bytes
        while self._kept and (not taken or self._kept[0].weight <= left) and (until is None or self._kept[0].first <= until):
            left -= self._kept[0].weight
            taken.append(self._kept[0].shipment)
            self._drop()
        return taken

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _drop(self) -> None:
        self._bytes -= self._kept.popleft().weight
