"""A standby in a process of its own, for benchmarks: a store that follows, on a line over loopback. It does what its standard input says.

It is given a folder and the leader's port. ``follow`` opens the home ``b`` in the folder and follows the leader. When the leader wants it
seeded, it fetches the database, puts it in place and follows on from there, as a node does. ``seed`` fetches the database at once. Each
seed is told as a line of JSON.
"""

import json
import sys
import threading
from pathlib import Path

from appliance.evals.bench.report import clock
from appliance.ground.errors import TandemError
from appliance.pair.copying.following import Follower
from appliance.pair.copying.seeding import fetch_seed, take_seed
from appliance.pair.line.certificate import Identity, load_or_make
from appliance.pair.line.wire import Line, Open, dial
from appliance.store.shipment import JournalEnd
from appliance.store.store import Store

LEADER, STANDBY = "leader-bench", "standby-bench"
HOST = "127.0.0.1"
PAIR = "p-bench"
DIAL_SECONDS = 10.0


def identities(folder: Path) -> tuple[Identity, Identity]:
    """The leader's and the standby's, made when they are not there."""
    return load_or_make(folder / "leader", LEADER), load_or_make(folder / "standby", STANDBY)


class Standby:
    """See ``FollowerEvents``."""

    def __init__(self, folder: Path, port: int) -> None:
        self._home = folder / "b"
        self._port = port
        self._leader, self._me = identities(folder)
        self._store: Store | None = None
        self._follower: Follower | None = None
        self.wanted = threading.Event()

    def follow(self) -> None:
        self._store = Store.open(self._home, clock, following=True)
        self._follower = Follower(self._store, lambda: self._dial("follow"), clock, self)
        self._follower.start_following()

    def seed(self) -> dict[str, float]:
        """Fetch the leader's database and follow on from it; its size in bytes, and the seconds until it had come and was in use."""
        self.stop()
        began = clock.elapsed()
        seed = fetch_seed(lambda: self._dial("seed"), self._home / "pair")
        size, fetched = seed.database.stat().st_size, clock.elapsed()
        take_seed(self._home)
        self.follow()
        return {"bytes": float(size), "fetched": fetched - began, "installed": clock.elapsed() - fetched}

    def stop(self) -> None:
        if self._follower is not None and self._store is not None:
            self._follower.close()
            self._store.close()
        self._follower = self._store = None

    def _dial(self, service: str) -> Line:
        open_ = Open(service=service, node=STANDBY, pair=PAIR, version="bench")
        line, _ = dial((HOST, self._port), self._me, fingerprint=self._leader.fingerprint, open_=open_, seconds=DIAL_SECONDS)
        return line

    # What the follower tells

    def diverged(self, common: int) -> None:
        """Never in a benchmark."""
        raise TandemError(f"The standby's journal parts from the leader's after entry {common}.", "Look at the benchmark.")

    def seed_needed(self, reason: str) -> None:  # noqa: ARG002  as the protocol has it, here and below
        self.wanted.set()

    def unknown_operation(self, error: TandemError) -> None:
        """Never in a benchmark."""
        raise error

    def applied(self, end: JournalEnd) -> None:
        """The leader hears it and measures."""


def _tell(seed: dict[str, float]) -> None:
    print(json.dumps(seed), flush=True)


def main(arguments: list[str]) -> None:
    """Until the standard input ends."""
    standby = Standby(Path(arguments[0]), int(arguments[1]))

    def seed_when_wanted() -> None:
        standby.wanted.wait()
        _tell(standby.seed())

    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "follow":
            threading.Thread(target=seed_when_wanted, name="seed", daemon=True).start()
            standby.follow()
        elif line.strip() == "seed":
            _tell(standby.seed())
    standby.stop()
