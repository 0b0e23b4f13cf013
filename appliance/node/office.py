"""Taking office and leaving it: between the lease, which says who leads, and the store and the loops, which work.

The lease turns in an instant; a leader's work does not. Before the first thing is done in a term, what the old leader shipped must be
applied, the term must stand in the journal and be held by whoever has to hold it, and what was under way must be looked up. After the
last thing, the store must have told every caller what became of their change. One thread does all of this, and nothing else, so that
the two never overlap.
"""

import threading
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.faults import reach
from appliance.ground.log import Log, Trouble
from appliance.pair.keeper import Keeper
from appliance.pair.standing import Standing, peer_here
from appliance.store.errors import StoreBroken, Unconfirmed
from appliance.store.shipment import Replica
from appliance.store.store import Store

log = Log("pair")

LOOK_SECONDS = 0.5
AGAIN_SECONDS = 0.02

Place = Literal["follows", "leads", "gives_up"]
"""What the lease asks of this node; ``gives_up``: it still leads, and hands over once everything is written."""


class Confirming(Replica, Protocol):
    """The leader's side of copying."""

    def begin(self) -> None:
        """A leadership begins: what the peer flushed in an earlier one counts for nothing."""
        ...


class Following(Protocol):
    """The standby's side of copying."""

    def start_following(self) -> None: ...

    def stop_following(self) -> None:
        """Returns when nothing is being applied any more."""
        ...


class _Beginning(NamedTuple):
    """A term that this node has written into its journal, and at which position it begins."""

    term: int
    position: int


class Office:
    """``term`` is the term this node works in, 0 while it is not in office; ``began`` is the position at which that term began,
    ``fence`` the one at which a person last made somebody leader of this pair, in whichever term that was."""

    def __init__(self, name: str, store: Store, keeper: Keeper, shipper: Confirming, follower: Following, clock: Clock) -> None:
        self._name = name
        self._store = store
        self._keeper = keeper
        self._shipper = shipper
        self._follower = follower
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="office", daemon=True)
        self._trouble = Trouble(log, "office")
        self._between = False
        self._written = _Beginning(0, 0)
        self.term = 0
        self.began = 0
        self.fence = 0
        self.drained = False
        self.at_rest: Callable[[], bool] = lambda: True
        self.taken: Callable[[int, float], None] = _nothing
        self.left: Callable[[int], None] = _nothing
        self.broke: Callable[[TandemError], None] = _nothing

    def start(self) -> None:
        self._follower.start_following()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        with self._keeper.changed:
            self._keeper.changed.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    # The thread

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                settled = self._settle()
            except StoreBroken as error:
                self.broke(error)
                self._stop.set()
                break
            except TandemError as error:
                self._trouble.broke(error.message, error=error)
                settled = False
            except Exception as error:
                log.error("office_failed", error=error)
                settled = False
            if settled:
                self._trouble.healed()
                self._wait_for_a_change()
            else:
                self._stop.wait(AGAIN_SECONDS)
        self._leave()

    def _wait_for_a_change(self) -> None:
        with self._keeper.changed:
            self._keeper.changed.wait_for(lambda: self._stop.is_set() or self._is() != self._goal(), LOOK_SECONDS)

    def _is(self) -> tuple[Place, int] | None:
        """Where this node is; None between two places."""
        if self._between:
            return None
        if self.drained:
            return "gives_up", self.term
        return ("leads", self.term) if self.term else ("follows", 0)

    def _goal(self) -> tuple[Place, int]:
        """Where it is to be. Who never came into office has nothing to give up."""
        place, term = _wanted(self._keeper.standing)
        return (place, term) if place != "gives_up" or self.term else ("follows", 0)

    def _settle(self) -> bool:
        """Bring this node to where the lease wants it; False when that did not succeed yet."""
        place, term = self._goal()
        if (place, term) == self._is():
            return True
        if place == "follows":
            self._leave()
            return True
        if self.term and self.term != term:
            self._leave()
        if place == "gives_up":
            return self._give_up(term)
        return self._take(term)

    def _take(self, term: int) -> bool:
        started = self._clock.elapsed()
        if self.drained:  # the hand-over was called off
            self._store.resume(term, self._shipper)
            self.drained = False
            log.info("office_kept", term=term)
            return True
        self._between = True
        self._follower.stop_following()
        began = self._begin(term)
        if not self._confirmed(began, term):
            self._leave()
            return False
        self.began, self.fence = began, self._store.forced_at()
        self.term = term
        self._between = False
        seconds = self._clock.elapsed() - started
        log.info("office_taken", term=term, position=began, seconds=round(seconds, 3))
        self.taken(term, seconds)
        return True

    def _begin(self, term: int) -> int:
        """Write down that the term begins, once; where it does."""
        self._shipper.begin()
        if self._written.term == term:
            self._store.resume(term, self._shipper)
            return self._written.position
        began = self._store.replication.end().position + 1
        reach("office.before_lead")
        self._store.lead(self._name, term, self._shipper, self._how())
        reach("office.after_lead")
        self._written = _Beginning(term, began)
        return began

    def _how(self) -> str:
        """How this term came to be: by a person's word, from the other node's hand, or because that one was lost."""
        standing = self._keeper.standing
        if standing.kept.forced:
            return "forced"
        last = next(iter(self._store.terms(1)), None)
        if not peer_here(standing, self._clock.elapsed()):
            return "takeover"
        return "handover" if last is not None and last["node"] == standing.peer else "start"

    def _confirmed(self, position: int, term: int) -> bool:
        """Wait until the first entry of the term is held by whoever must hold it; False when this node leads no more."""
        while not self._stop.is_set() and self._goal() == ("leads", term):
            try:
                self._shipper.confirm(position)
                return True
            except Unconfirmed:
                continue
        return False

    def _give_up(self, term: int) -> bool:
        """Wait for what the loops have under way, then refuse everything; the lease goes to the peer once it has all of it."""
        if not self.at_rest():
            return False
        self._store.follow()
        self._store.come_to_rest()
        self.drained = True
        log.info("office_drained", term=term, position=self._store.position)
        return True

    def _leave(self) -> None:
        self._store.follow()
        term, self.term, self.drained, self._between = self.term, 0, False, False
        if term:
            log.info("office_left", term=term, position=self._store.position)
            self.left(term)
        if not self._stop.is_set():
            self._follower.start_following()


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


def _wanted(standing: Standing) -> tuple[Place, int]:
    if standing.phase != "leader" or standing.stopped:
        return "follows", 0
    return ("gives_up" if standing.giving_up_since is not None else "leads"), standing.kept.term
