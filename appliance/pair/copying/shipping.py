"""The leader's side: every transaction goes to the standby before it is flushed here, and none is acknowledged before both have it.

Four threads meet here. The store's writer ships and then waits in ``confirm``. The thread of the line sends (``sending``), another
one hears what the standby has flushed. The keeper reads the figures at each of its steps and takes no lock for that.
"""

import threading
from collections.abc import Callable

from appliance.ground.clock import Clock
from appliance.ground.log import Log
from appliance.pair.copying.backlog import Backlog
from appliance.pair.copying.digests import Digests
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.copying.sending import Sending
from appliance.pair.copying.waiting import Waiting
from appliance.pair.line.wire import Line, Open
from appliance.store.errors import Unconfirmed
from appliance.store.shipment import Shipment
from appliance.store.store import Store

log = Log("pair")


class Shipper:
    """The store's replica while this node leads, and the service "follow" for the standby's line.

    ``written`` is the position of the newest entry, flushed here or not; ``shipped`` is up to where the standby has flushed this very
    journal, as far as it is known in this leadership. ``changed`` is notified when the standby has flushed more, and by the keeper at
    each of its steps. It may be held while the figures are read; nothing here takes it while it holds a lock of its own.
    ``peer_joined``: whether the standby was ever in step; what one wrote before that is no part of the pair's journal.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        may_acknowledge: Callable[[bool], bool],
        leads: Callable[[], bool],
        changed: threading.Condition,
        *,
        limits: CopyLimits | None = None,
        digests: Digests | None = None,
        peer_joined: Callable[[], bool] = lambda: True,
    ) -> None:
        self.limits = limits or CopyLimits()
        self.peer_joined = peer_joined
        self._store = store
        self._clock = clock
        self._may_acknowledge = may_acknowledge
        self._leads = leads
        self._changed = changed
        self._digests = digests
        self._waiting = Waiting()
        self._sending: Sending | None = None
        self.news = threading.Condition()
        self.backlog = Backlog(self.limits.backlog_bytes)
        self.committed = 0
        self.written = 0
        self.shipped = 0

    # The leadership

    def begin(self) -> None:
        """A leadership begins; called before the store is told to lead. What the standby holds is not known yet."""
        end = self._store.replication.end()
        with self.news:
            self.backlog.clear()
            self._waiting = Waiting()
            self.written = self.committed = end.position
            self.shipped = 0
            if end.position:
                self._waiting.put(end.position, self._clock.elapsed())
            self.news.notify_all()

    def end(self) -> None:
        """It is over: the line is closed, and nothing is shipped any more."""
        self._replace(None)
        with self.news:
            self.backlog.clear()
        with self._changed:
            self._changed.notify_all()

    # What the store's writer calls

    def ship(self, shipment: Shipment) -> None:
        """A transaction that is about to be flushed here. Neither blocks nor raises."""
        if not shipment.entries:
            return
        with self.news:
            self.written = shipment.entries[-1].position
            self._waiting.put(self.written, self._clock.elapsed())
            if self._sending is not None:
                self.backlog.put(shipment)
                self.news.notify_all()

    def confirm(self, position: int) -> None:
        """Return when everything up to here may be acknowledged. Raises ``Unconfirmed`` when this node does not lead any more, or
        when that took longer than ``confirm_seconds``."""
        self.on_disk(position)
        until = self._clock.elapsed() + self.limits.confirm_seconds
        with self._changed:
            while not self._may_acknowledge(self.shipped >= position):
                left = until - self._clock.elapsed()
                if not self._leads() or left <= 0:
                    raise _unconfirmed(position, leads=left <= 0)
                self._changed.wait(left)

    def on_disk(self, position: int) -> None:
        """This disk has everything up to here, so the sender may read it."""
        with self.news:
            self.committed = max(self.committed, position)
            if self._sending is not None and self._sending.waits_for(position):
                self.news.notify_all()

    # What the keeper reads

    @property
    def lag(self) -> int:
        """How many entries the standby is behind."""
        return max(0, self.written - self.shipped)

    @property
    def has_follower(self) -> bool:
        """Whether a standby is on the line and agreed on where to go on from."""
        sending = self._sending
        return sending is not None and sending.agreed

    def waiting_seconds(self, now: float) -> float:
        """How long the oldest entry has waited for the standby's flush; 0.0 when none waits."""
        return self._waiting.seconds(now)

    # The line

    def serve(self, line: Line, open_: Open) -> None:
        """The service "follow". A newer line takes the place of an older one. Returns when the line is over."""
        if not self._leads():
            return
        sending = Sending(self, self._store, line, self._digests)
        self._replace(sending)
        try:
            sending.run()
        finally:
            self._remove(sending)
            log.info("follower_gone", node=open_.node, shipped=self.shipped, reason=sending.reason)

    def _replace(self, sending: Sending | None) -> None:
        with self.news:
            before, self._sending = self._sending, sending
            self.backlog.clear()
            self.news.notify_all()
        if before is not None:
            before.close("replaced" if sending is not None else "not_leading")

    def _remove(self, sending: Sending) -> None:
        sending.close("over")
        with self.news:
            if self._sending is sending:
                self._sending = None
                self.backlog.clear()

    def is_current(self, sending: Sending) -> bool:
        """Whether this is the line that counts."""
        return self._sending is sending and self._leads()

    def follower_holds(self, sending: Sending, position: int, *, anew: bool = False) -> None:
        """The standby on this line has flushed up to here. ``anew``: whatever was known before does not count."""
        with self.news:
            if self._sending is not sending:
                return
            self.shipped = position if anew else max(self.shipped, position)
            self._waiting.flushed(self.shipped)
        with self._changed:
            self._changed.notify_all()


def _unconfirmed(position: int, *, leads: bool) -> Unconfirmed:
    why = "the other node did not confirm it in time" if leads else "this node does not lead any more"
    return Unconfirmed(
        f"Entry {position} is on this disk, but it may not be acknowledged: {why}.",
        "Nothing needs to be done: whoever leads goes on with it, or the message is taken in once more.",
    )
