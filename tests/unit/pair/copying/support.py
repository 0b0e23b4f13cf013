"""A leader and a standby with real stores on a real line on loopback, and a proxy that cuts it."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from appliance.ground.clock import SystemClock
from appliance.ground.errors import TandemError
from appliance.pair.copying.digests import Counting, Digests
from appliance.pair.copying.following import Follower
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.copying.shipping import Shipper
from appliance.pair.line.certificate import Identity, load_or_make
from appliance.pair.line.errors import LineLost
from appliance.pair.line.listener import Listener, Service
from appliance.pair.line.wire import Line, Open, dial
from appliance.store.audit import Problem
from appliance.store.journal import Entry
from appliance.store.replication import install_seed
from appliance.store.shipment import JournalEnd, Replica
from appliance.store.store import Store
from tests.unit.store.support import DIRECTORY, OPEN_LEVERS, Desk, message

LEADER, STANDBY = "kallio-7m9q", "toolo-2x4p"
SECONDS = 20.0
QUICK = CopyLimits(dial_seconds_least=0.01, dial_seconds_most=0.05)
CLOCK = SystemClock()


class Lease:
    """What the shipper asks of the keeper, moved by hand."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.leading, self.solo = True, False

    def may_acknowledge(self, peer_holds: bool) -> bool:
        return self.leading and (peer_holds or self.solo)

    def leads(self) -> bool:
        return self.leading

    def becomes(self, *, leading: bool = True, solo: bool = False) -> None:
        with self.changed:
            self.leading, self.solo = leading, solo
            self.changed.notify_all()


class Work(Desk):
    """A desk on a store that leads; its mails are told apart by a number."""

    def __init__(self, store: Store, term: int, first: int = 0) -> None:
        self.store, self.clock, self.term, self.uid = store, CLOCK, term, first  # type: ignore[assignment]

    def mails(self, count: int, size: int = 40) -> None:
        for number in range(count):
            self.take_in(message(f"customer{self.uid}@customer.example", f"Question {number} " + "x" * size))


class Leader:
    """A store that leads in a term, and its services on a port."""

    def __init__(
        self,
        home: Path,
        identities: tuple[Identity, Identity],
        *,
        term: int = 1,
        limits: CopyLimits = QUICK,
        solo: bool = True,
        services: dict[str, Service] | None = None,
        replica: Callable[[Shipper], Replica] = lambda shipper: shipper,
        digests: Callable[[Store], Digests] | None = None,
        peer_joined: Callable[[], bool] = lambda: True,
    ) -> None:
        mine, peer = identities
        self.lease = Lease()
        self.lease.becomes(solo=solo)
        self.store = Store.open(home, CLOCK, directory=DIRECTORY)
        self.shipper = Shipper(
            self.store,
            CLOCK,
            self.lease.may_acknowledge,
            self.lease.leads,
            self.lease.changed,
            limits=limits,
            digests=digests(self.store) if digests is not None else None,
            peer_joined=peer_joined,
        )
        self.listener = Listener(
            "127.0.0.1",
            0,
            mine,
            trusted=lambda: (peer.certificate,),
            services={"follow": self.shipper.serve, **(services or {})},
            judge=lambda _: "",
        )
        self.listener.start()
        self.shipper.begin()
        self.store.lead(LEADER, term, replica(self.shipper))
        self.work = Work(self.store, term, first=self.store.position)
        if self.store.position == 1:
            self.store.first_switches(term=term, **OPEN_LEVERS)

    def until_it_holds(self, position: int) -> None:
        with self.lease.changed:
            assert self.lease.changed.wait_for(lambda: self.shipper.shipped >= position, SECONDS), (self.shipper.shipped, position)

    def until_all_is_held(self) -> None:
        self.until_it_holds(self.store.position)

    def close(self) -> None:
        self.lease.becomes(leading=False)
        self.shipper.end()
        self.listener.stop()
        self.store.close()


class Heard:
    """What a follower told; waits for it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.told: list[tuple[str, Any]] = []

    def diverged(self, common: int) -> None:
        self._add("diverged", common)

    def seed_needed(self, reason: str) -> None:
        self._add("seed_needed", reason)

    def unknown_operation(self, error: TandemError) -> None:
        self._add("unknown_operation", error)

    def applied(self, end: JournalEnd) -> None:
        self._add("applied", end.position)

    def same(self, position: int) -> None:
        self._add("same", position)

    def differs(self, tables: tuple[str, ...], position: int) -> None:
        assert position > 0
        self._add("differs", tables)

    def examined(self, problems: tuple[Problem, ...]) -> None:
        self._add("examined", problems)

    def _add(self, what: str, value: Any) -> None:
        with self.changed:
            self.told.append((what, value))
            self.changed.notify_all()

    def wait(self, what: str) -> Any:
        """The first thing of this kind that was told."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.all(what), SECONDS), self.told
            return self.all(what)[0]

    def all(self, what: str) -> list[Any]:
        return [value for kind, value in self.told if kind == what]


class Standby:
    """A store that follows, and its follower, which dials ``port``."""

    def __init__(
        self,
        home: Path,
        identities: tuple[Identity, Identity],
        port: Callable[[], int],
        *,
        limits: CopyLimits = QUICK,
        counting: Callable[[Store, Heard], Counting] | None = None,
    ) -> None:
        self.heard = Heard()
        self.store = Store.open(home, CLOCK, directory=DIRECTORY, following=True)
        self._identities, self._port = identities, port
        self.follower = Follower(
            self.store,
            self.dial,
            CLOCK,
            self.heard,
            limits=limits,
            counting=counting(self.store, self.heard) if counting is not None else None,
        )
        self.follower.start_following()

    def dial(self) -> Line:
        return call(self._identities, self._port(), "follow")

    def close(self) -> None:
        self.follower.close()
        self.store.close()


def call(identities: tuple[Identity, Identity], port: int, service: str) -> Line:
    """A line from the standby to whoever listens there."""
    mine, peer = identities
    open_ = Open(service=service, node=STANDBY, pair="p-1", version="1")
    line, _ = dial(("127.0.0.1", port), mine, fingerprint=peer.fingerprint, open_=open_, seconds=SECONDS)
    return line


def identities(folder: Path) -> tuple[Identity, Identity]:
    """The leader's, and the standby's."""
    return load_or_make(folder / "a", LEADER), load_or_make(folder / "b", STANDBY)


def twin(leader: Store, home: Path) -> None:
    """Make a home that begins as a copy of the leader's store."""
    home.mkdir(parents=True)
    copy = home.parent / f"{home.name}.copy"
    leader.replication.snapshot(copy)
    install_seed(home, copy, leader.replication.keys())


def journal(store: Store) -> list[Entry]:
    return store.last_entries(1_000_000)


def same(leader: Store, standby: Store) -> None:
    """Both hold the same: entries, tables, and words that can be read."""
    assert journal(standby) == journal(leader)
    theirs, ours = standby.replication.digest(), leader.replication.digest()
    assert theirs == ours
    assert standby.verify(tables=True).problems == ()


def until_lost(line: Line) -> None:
    """Read whatever still comes, to the end of the line."""
    with suppress(LineLost):
        while True:
            line.receive(Any, SECONDS)


class Proxy:
    """Stands between the two and forwards bytes. ``cut_after``: so many bytes to the standby, then that connection is cut; None: never.

    Each cut takes the next of the numbers; after the last it lets everything through.
    """

    def __init__(self, target: Callable[[], int], cuts: list[int]) -> None:
        self._target = target
        self.cuts = cuts
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                far = socket.create_connection(("127.0.0.1", self._target()))
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            most = self.cuts.pop(0) if self.cuts else None
            for source, sink, limit in ((near, far, None), (far, near, most)):
                self._threads.append(threading.Thread(target=_forward, args=(source, sink, limit), daemon=True))
                self._threads[-1].start()

    def cut_all(self) -> None:
        for each in self._open:
            _end(each)

    def close(self) -> None:
        _end(self._listener)
        self._listener.close()
        self.cut_all()
        self._thread.join(SECONDS)
        for thread in self._threads:
            thread.join(SECONDS)
        for each in self._open:
            each.close()


def _forward(source: socket.socket, sink: socket.socket, most: int | None) -> None:
    through = 0
    with suppress(OSError):
        while data := source.recv(65536):
            if most is not None and through + len(data) >= most:
                sink.sendall(data[: most - through])
                break
            sink.sendall(data)
            through += len(data)
    _end(source)
    _end(sink)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
