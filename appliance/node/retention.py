"""How long words are kept: soon after each start, and once a day from then on, those of cases that ended long ago are removed."""

from appliance.ground.clock import Clock
from appliance.ground.log import Log
from appliance.node.roles import Standing
from appliance.store.store import Store

log = Log("retention")

FIRST_SECONDS = 60.0  # after the start: a node that never runs for a day still does it
EVERY_SECONDS = 86_400.0
LOOK_SECONDS = 30.0
JUMP_SECONDS = 7 * 86_400.0  # of the wall clock against the steady one, which stands still while a machine sleeps
WHO = "retention"


class Retention:
    """Looked at often; acts when its time has come. What failed is tried again at the next look."""

    def __init__(self, store: Store, standing: Standing, clock: Clock, days: int) -> None:
        self._store = store
        self._standing = standing
        self._clock = clock
        self._days = days
        self._next = clock.elapsed() + FIRST_SECONDS
        self._apart = clock.now() - clock.elapsed()

    def look(self) -> None:
        """Remove what is due, if it is time. 0 days keep everything for ever, and only who leads removes anything.

        What is removed is gone. So nothing is while the wall clock has moved by itself since the start: it may be wrong by years.
        """
        if not self._days or self._clock.elapsed() < self._next or not self._standing.may_act():
            return
        if self._jumped() > JUMP_SECONDS:
            self._next = self._clock.elapsed() + EVERY_SECONDS
            log.warning("words_kept", reason="the clock was set", remedy="Look at the clock, then start the appliance again.")
            return
        removed = self._store.expire_words(self._days, WHO, term=self._standing.term)
        self._next = self._clock.elapsed() + EVERY_SECONDS
        if removed:
            log.info("words_removed", cases=removed, days=self._days)

    def _jumped(self) -> float:
        """How far the wall clock has moved against the steady one since the start, in seconds."""
        return abs(self._clock.now() - self._clock.elapsed() - self._apart)
