"""What the tests of one node of a pair share: a lease that a test moves by hand through the real keeper, and lines on loopback."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.ground.clock import Clock, SystemClock
from appliance.pair.keeper import Keeper
from appliance.pair.line.certificate import Identity, load_or_make
from appliance.pair.line.listener import Listener, Service
from appliance.pair.line.wire import Line, Open, dial
from appliance.pair.messages import Ask, Beat, Kept, Own
from appliance.pair.standing import start

SECONDS = 20.0
ME, PEER = "kallio-7m9q", "toolo-2x4p"


def wait_until(changed: threading.Condition, so: Callable[[], Any]) -> None:
    with changed:
        assert changed.wait_for(so, SECONDS)


class World:
    """The world of a keeper: what it was asked is noted, and nobody hears it."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.sent: list[Beat] = []
        self.asked: list[Ask] = []
        self.ended: list[str] = []
        self.now_own = Own()
        self.over = threading.Event()

    def own(self, _: float) -> Own:
        return self.now_own

    def keep(self, kept: Kept) -> None:
        self.kept.append(kept)

    def send(self, beat: Beat) -> None:
        self.sent.append(beat)

    def ask(self, question: Ask) -> None:
        self.asked.append(question)

    def end(self, reason: str) -> None:
        self.ended.append(reason)
        self.over.set()


class HandLease(Keeper):
    """A keeper whose thread never starts: a test says what the last step made."""

    def __init__(self, clock: Clock | None = None, **changed: Any) -> None:
        clock = clock or SystemClock()
        first = start(ME, PEER, kept=Kept(boot=1, term=0, joined=True), now=clock.elapsed(), witness="tcp")
        super().__init__(first, World(), clock)
        self.becomes(**changed)

    def becomes(self, **changed: Any) -> None:
        """The next standing, as of now; ``term`` is short for the one that is kept."""
        now = self.now()
        kept = msgspec.structs.replace(self.standing.kept, **{name: changed.pop(name) for name in ("term", "forced") if name in changed})
        with self.changed:
            self._standing = msgspec.structs.replace(self.standing, **{"at": now, "kept": kept, **changed})
            self.changed.notify_all()

    def leads_in(self, term: int, *, seconds: float = 3600.0, **changed: Any) -> None:
        """A lease that runs for as long as the test does."""
        changed = {"mode": "solo", "giving_up_since": None, **changed}
        pace = msgspec.structs.replace(self.standing.pace, gap_seconds=3600.0)
        self.becomes(term=term, phase="leader", lease_from_witness=self.now() + seconds, pace=pace, **changed)

    def stands_by(self, **changed: Any) -> None:
        self.becomes(phase="standby", giving_up_since=None, **changed)


class Wire:
    """Two nodes that trust each other; one listens. ``port`` may be asked for again and again."""

    def __init__(self, folder: Path, services: dict[str, Service], judge: Callable[[Open], str] = lambda _: "") -> None:
        self.here: Identity = load_or_make(folder / "here", ME)
        self.there: Identity = load_or_make(folder / "there", PEER)
        self._services, self._judge = services, judge
        self.listener = self._listen(0)
        self.dialled = 0

    def _listen(self, port: int) -> Listener:
        listener = Listener(
            "127.0.0.1", port, self.here, trusted=lambda: (self.there.certificate,), services=self._services, judge=self._judge
        )
        listener.start()
        return listener

    def dial(self, service: str) -> Line:
        """As the other node."""
        self.dialled += 1
        open_ = Open(service=service, node=PEER, pair="p-1", version="1")
        address = ("127.0.0.1", self.listener.port)
        return dial(address, self.there, fingerprint=self.here.fingerprint, open_=open_, seconds=SECONDS)[0]

    def restart(self) -> None:
        """The node goes away with every line, and comes back at the same port."""
        port = self.listener.port
        self.listener.stop()
        self.listener = self._listen(port)

    def close(self) -> None:
        self.listener.stop()
