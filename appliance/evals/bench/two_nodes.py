"""Leader and standby for benchmarks: the leader's store here, the standby in a process of its own, TLS over loopback between them.

Nothing but the lease is left out, which is no part of what is measured: the leader leads, and acknowledges what the standby holds.
"""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from appliance.evals.bench.report import clock
from appliance.evals.bench.standby import HOST, LEADER, identities
from appliance.ground.errors import TandemError
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.copying.seeding import Seeds
from appliance.pair.copying.shipping import Shipper
from appliance.pair.line.listener import Listener
from appliance.store.replication import install_seed
from appliance.store.store import Store

TERM = 1
SECONDS_MOST = 600.0
_RUN = "import sys; from appliance.evals.bench.standby import main; main(sys.argv[1:])"


class Leader:
    """``solo``: what it writes is acknowledged though no standby holds it."""

    def __init__(self, folder: Path, limits: CopyLimits | None = None) -> None:
        self.folder = folder
        self.solo = True
        self.store = Store.open(folder / "a", clock)
        self._changed = threading.Condition()
        self.shipper = Shipper(
            self.store, clock, lambda held: held or self.solo, lambda: True, self._changed, limits=limits
        )  # fmt: skip
        mine, peer = identities(folder)
        seeds = Seeds(self.store, folder / "a" / "pair")
        services = {"follow": self.shipper.serve, "seed": seeds.serve}
        self._listener = Listener(HOST, 0, mine, trusted=lambda: (peer.certificate,), services=services, judge=lambda _: "")
        self._listener.start()
        self.shipper.begin()
        self.store.lead(LEADER, TERM, self.shipper)

    @property
    def port(self) -> int:
        return self._listener.port

    def keep_beginning(self) -> None:
        """What the journal is now is where every new standby begins."""
        end = self.store.replication.snapshot(self.folder / "beginning.db")
        (self.folder / "beginning.keys").write_bytes(self.store.replication.keys())
        self.beginning = end.position

    def until_held(self, position: int) -> float:
        """Wait until the standby has flushed everything up to here; the moment."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.shipper.shipped >= position, SECONDS_MOST):
                raise TandemError(f"The standby does not hold entry {position} after {SECONDS_MOST:.0f} s.", "Look at its words above.")
        return clock.elapsed()

    def close(self) -> None:
        self.shipper.end()
        self._listener.stop()
        self.store.close()


class StandbyProcess:
    """A new one, which begins where the leader kept a beginning; without one it is empty."""

    def __init__(self, leader: Leader, *, empty: bool = False) -> None:
        self._leader = leader
        home = leader.folder / "b"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        if not empty:
            shutil.copy(leader.folder / "beginning.db", home / "seed.db")
            install_seed(home, home / "seed.db", (leader.folder / "beginning.keys").read_bytes())
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, str(leader.folder), str(leader.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._heard()

    def _heard(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise TandemError("The standby's process ended.", "Look at its words above.")
        return line

    def say(self, word: str) -> float:
        """``follow`` or ``seed``; the moment at which it was said."""
        assert self._process.stdin is not None
        began = clock.elapsed()
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return began

    def seeded(self) -> dict[str, float]:
        """What it tells of the seed that it fetched; waits for it."""
        told: dict[str, float] = json.loads(self._heard())
        return told

    def stop(self) -> None:
        """End it; its home goes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._leader.folder / "b", ignore_errors=True)
