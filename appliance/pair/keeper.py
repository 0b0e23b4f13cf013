"""Drives the lease: one thread that hears, steps, and does what the step says.

Everything that happens (a heartbeat, the witness's answer, a person's wish, or nothing at all for a tenth of a second) is one step
of the pure function in ``lease``. The new standing is published before its actions are carried out, so that a leader that ceases to
be one stops at once; becoming one is safe in that order, since a node leads one step after its term was flushed. The actions are
carried out in order; when the term cannot be written down the process ends, for a promise that a crash could undo is none.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol

from msgspec.structs import replace

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.faults import reach
from appliance.ground.ids import random_bytes
from appliance.ground.log import Log
from appliance.pair import permission
from appliance.pair.lease import step
from appliance.pair.messages import Action, Ask, AskWitness, Beat, Heard, Keep, Kept, Own, Reply, Send, Stop, Wish
from appliance.pair.reasons import REMEDIES, SENTENCES
from appliance.pair.standing import Standing

log = Log("pair")

NOT_KEPT = "term_not_written"
FAILED = "lease_failed"


class World(Protocol):
    """What a keeper needs of the world around it. None of these may block for long but ``keep``."""

    def own(self, now: float) -> Own:
        """What the node sees of itself at this moment."""
        ...

    def keep(self, kept: Kept) -> None:
        """Flush it. Raises a ``TandemError`` when that fails."""
        ...

    def send(self, beat: Beat) -> None:
        """Send a heartbeat to the peer, unreliably."""
        ...

    def ask(self, question: Ask) -> None:
        """Have the witness asked; its answer comes to ``hear_reply``."""
        ...

    def end(self, reason: str) -> None:
        """The process must end: it starts again as a standby."""
        ...


class Keeper:
    """``standing`` is at any time what the last step made; ``changed`` is notified after each.

    ``moved`` is told when phase, term or mode have changed, ``heard`` when the peer begins or ceases to say that it leads.
    """

    def __init__(self, standing: Standing, world: World, clock: Clock) -> None:
        self._standing = standing
        self._world = world
        self._clock = clock
        self._heard: SimpleQueue[Beat | Reply | Wish | None] = SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._turns = 0
        self._reason = ""
        self.changed = threading.Condition()
        self.moved: Callable[[Standing, Standing], None] = _nothing
        self.heard: Callable[[bool], None] = _nothing

    # What others ask

    @property
    def standing(self) -> Standing:
        """The standing as of the last step. Ask ``leave`` whether it still holds."""
        return self._standing

    @property
    def turn(self) -> int:
        """Which step it is in, for whoever watches that it gets anywhere."""
        return self._turns

    def now(self) -> float:
        """The clock that the lease runs by."""
        return self._clock.elapsed()

    def leave(self) -> permission.Leave:
        """What this node may do at this moment."""
        return permission.leave(self._standing, self._clock.elapsed())

    def may_act(self) -> bool:
        """Whether it leads by a lease that runs."""
        return permission.may_act(self._standing, self._clock.elapsed())

    def may_acknowledge(self, peer_holds: bool) -> bool:
        """Whether an entry that is flushed here may be acknowledged."""
        return permission.may_acknowledge(self._standing, self._clock.elapsed(), peer_holds=peer_holds)

    def leads(self) -> bool:
        """Whether it is the leader, though its lease may have run out for now."""
        return self._standing.phase == "leader" and not self._standing.stopped

    def wait(self, until: Callable[[Standing], bool], seconds: float) -> bool:
        """Wait until the standing is so; False when that took too long."""
        with self.changed:
            return self.changed.wait_for(lambda: self._stop.is_set() or until(self._standing), seconds)

    # What it hears

    def hear_beat(self, beat: Beat) -> None:
        self._heard.put(beat)

    def hear_reply(self, reply: Reply) -> None:
        self._heard.put(reply)

    def wish(self, wish: Wish) -> None:
        """A person asks to hand over, or to take over."""
        self._heard.put(wish)

    # The thread

    def start(self) -> None:
        """The boot is counted on disk before the first step: whoever hears this node knows it from an earlier life."""
        self._world.keep(self._standing.kept)
        self._standing = replace(self._standing, at=self._clock.elapsed())
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._heard.put(None)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        with self.changed:
            self.changed.notify_all()

    def _run(self) -> None:
        try:
            self._step_on()
        except Exception as error:  # a node whose lease stands still must not look as if it stood by
            log.error("lease_failed", error=error)
            self._ended(Stop(reason=FAILED))

    def _step_on(self) -> None:
        next_tick = self._clock.elapsed()
        while not self._stop.is_set():
            try:
                occasion = self._heard.get(timeout=max(0.0, next_tick - self._clock.elapsed()))
            except Empty:
                occasion = None
                next_tick = self._clock.elapsed() + self._standing.pace.tick_seconds
            if not self._stop.is_set():
                self._step(occasion)

    def _step(self, occasion: Beat | Reply | Wish | None) -> None:
        now = self._clock.elapsed()
        before = self._standing
        after, actions = step(before, self._heard_as(occasion, now), now)
        with self.changed:
            self._standing = after
            self._turns += 1
            self.changed.notify_all()
        for action in actions:
            if not self._carry_out(action):
                return
        if _peer_leads(before) != _peer_leads(after):
            self.heard(_peer_leads(after))
        if (before.phase, before.kept.term, before.mode) != (after.phase, after.kept.term, after.mode):
            log.info("lease_moved", phase=after.phase, term=after.kept.term, mode=after.mode, was=before.phase)
            self.moved(before, after)
        self._tell_reason()

    def _tell_reason(self) -> None:
        """A line in the log whenever there is another reason why this node may act or not; a warning where it stands alone."""
        reason, was = self.leave().reason, self._reason
        if reason == was:
            return
        self._reason = reason
        if was:
            tell = log.warning if reason in REMEDIES else log.info
            tell("standing_changed", reason=reason, was=was, term=self._standing.kept.term, sentence=SENTENCES[reason])

    def _heard_as(self, occasion: Beat | Reply | Wish | None, now: float) -> Heard:
        heard = Heard(own=self._world.own(now), jitter=random_bytes(1)[0] / 255)
        if isinstance(occasion, Beat):
            return replace(heard, beat=occasion)
        if isinstance(occasion, Reply):
            return replace(heard, reply=occasion)
        return replace(heard, wish=occasion) if occasion is not None else heard

    def _carry_out(self, action: Action) -> bool:
        """False when nothing after this action may be done."""
        if isinstance(action, Keep):
            return self._keep(action.kept)
        if isinstance(action, Send):
            self._world.send(action.beat)
        elif isinstance(action, AskWitness):
            self._world.ask(action.ask)
        else:
            self._ended(action)
            return False
        return True

    def _keep(self, kept: Kept) -> bool:
        reach("pair.before_keep")
        try:
            self._world.keep(kept)
        except (OSError, TandemError) as error:
            log.error("term_not_written", error=error, term=kept.term)
            self._ended(Stop(reason=NOT_KEPT))
            return False
        reach("pair.after_keep")
        return True

    def _ended(self, stop: Stop) -> None:
        with self.changed:
            self._standing = replace(self._standing, stopped=stop.reason)
            self.changed.notify_all()
        self._stop.set()
        self._world.end(stop.reason)


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


def _peer_leads(standing: Standing) -> bool:
    return standing.beat is not None and standing.beat.phase == "leader"
