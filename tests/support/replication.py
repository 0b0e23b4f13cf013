"""Two real stores in one process, joined by a line in memory that carries shipments as they would travel."""

import threading
from pathlib import Path

import msgspec

from appliance.ground.clock import Clock
from appliance.store.errors import Unconfirmed
from appliance.store.limits import StoreLimits
from appliance.store.mailing import Directory
from appliance.store.replay import table_digests
from appliance.store.replication import install_seed
from appliance.store.shipment import JournalEnd, Shipment
from appliance.store.store import Store


def travelled(shipment: Shipment) -> Shipment:
    """The shipment after a journey as bytes."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(shipment), type=Shipment)


class Line:
    """A replica that applies to another store when it is asked to confirm. ``cut``: nothing arrives, and nothing is confirmed."""

    def __init__(self, standby: Store | None) -> None:
        self.standby = standby
        self.cut = False
        self.shipped: list[Shipment] = []
        self.waiting: list[Shipment] = []
        self.confirmed: list[int] = []
        self.lock = threading.Lock()

    def ship(self, shipment: Shipment) -> None:
        self.shipped.append(shipment)
        if not self.cut:
            self.waiting.append(travelled(shipment))

    def confirm(self, position: int) -> None:
        if self.cut or self.standby is None:
            raise Unconfirmed("The line is cut.", "Mend it.")
        with self.lock:
            self._hand_over(position)

    def _hand_over(self, position: int) -> None:
        assert self.standby is not None
        waiting, self.waiting = self.waiting, []
        if self.standby.position >= position:
            return
        if not waiting or waiting[0].entries[0].position > self.standby.position + 1:
            raise Unconfirmed("The standby has not caught up.", "Let it.")
        if self.standby.replication.apply(waiting).position < position:
            raise Unconfirmed("The standby has less.", "Let it catch up.")
        self.confirmed.append(position)


class Pair:
    """Two homes, ``a`` and ``b``. First ``a`` was alone; ``join`` seeds ``b`` from it and lets ``a`` lead."""

    def __init__(self, folder: Path, clock: Clock, directory: Directory, limits: StoreLimits | None = None) -> None:
        self.folder, self.clock, self.directory, self.limits = folder, clock, directory, limits
        self.a = self.open("a")
        self.b = self.a
        self.line = Line(None)

    def open(self, name: str, following: bool = False) -> Store:
        return Store.open(self.folder / name, self.clock, directory=self.directory, limits=self.limits, following=following)

    def join(self) -> None:
        self.seed(self.a, "b")
        self.b = self.open("b", following=True)
        self.lead(self.a, self.b)

    def seed(self, source: Store, name: str) -> JournalEnd:
        """Give the closed home of this name what the source has."""
        database = self.folder / f"{name}.seed"
        end = source.replication.snapshot(database)
        install_seed(self.folder / name, database, source.replication.keys())
        return end

    def lead(self, leader: Store, standby: Store) -> Line:
        """Let one node lead, the other one follow, and both have the same."""
        standby.follow()
        standby.come_to_rest()
        self.line = Line(standby)
        leader.lead(leader.home.name, max(leader.term, standby.term) + 1, self.line)
        with self.line.lock:
            self.line.waiting.clear()
            catch_up(standby, leader)
        return self.line

    def close(self) -> None:
        self.a.close()
        self.b.close()


def catch_up(standby: Store, leader: Store, most_bytes: int = 100_000) -> int:
    """Let a standby take what it does not have, from the leader's disk; in how many lots. The last one brings keys at most."""
    lots = 0
    while True:
        lot = travelled(leader.replication.read(standby.position, most_bytes, slots=standby.replication.slots()))
        standby.replication.apply([lot])
        if not lot.entries:
            return lots
        lots += 1


def same(one: Store, other: Store) -> bool:
    """Whether both have the same journal, words and tables, and both are whole."""
    assert one.verify(tables=True).ok, one.verify(tables=True).problems
    assert other.verify(tables=True).ok, other.verify(tables=True).problems
    ends = one.replication.end() == other.replication.end()
    ask = "SELECT * FROM bodies ORDER BY id"
    words = one._readers.all(ask) == other._readers.all(ask)
    return ends and words and table_digests(one._readers.connection()) == table_digests(other._readers.connection())
