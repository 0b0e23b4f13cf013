"""When the two nodes do not hold the same: who of them is damaged, and what becomes of it.

Each examines itself. A standby that is damaged is given the leader's state anew. A leader that is damaged calls itself sick, hands over,
and is then a standby that is damaged. When neither finds anything the difference stays shown: a person must look.
"""

import threading
from collections.abc import Callable

from appliance.ground.log import Log
from appliance.store.audit import Problem
from appliance.store.store import Store

log = Log("pair")


class Damage:
    """``told`` is what was found and not mended yet; ``same_at`` is the position up to which both last held the same."""

    def __init__(self, store: Store, leads: Callable[[], bool], reseed: Callable[[str], object]) -> None:
        self._store = store
        self._leads = leads
        self._reseed = reseed
        self._examining = threading.Lock()
        self.told: tuple[Problem, ...] = ()
        self.differing: tuple[str, ...] = ()
        self.same_at = 0

    @property
    def reason(self) -> str:
        """A code for ``vitals``: a damaged machine does not lead; "" for one that is whole, as far as it knows.

        Only the leader compares, so only it can say that the two differ.
        """
        if self.told:
            return "damaged"
        return "nodes_differ" if self.differing and self._leads() else ""

    def same(self, position: int) -> None:
        self.differing = ()
        self.same_at = position

    def differs(self, tables: tuple[str, ...], position: int) -> None:
        """This node leads: does the fault lie here?"""
        log.warning("nodes_differ", tables=",".join(tables), position=position)
        self.differing = tables
        threading.Thread(target=self._examine, name="examine", daemon=True).start()

    def _examine(self) -> None:
        if not self._examining.acquire(blocking=False):
            return
        try:
            self.examined(self._store.replication.examine())
        except Exception as error:
            log.error("examine_failed", error=error)
        finally:
            self._examining.release()

    def examined(self, problems: tuple[Problem, ...]) -> None:
        """What this node found wrong with itself."""
        self.told = problems
        for problem in problems:
            log.error("damaged", position=problem.position, code=problem.code, reason=problem.what)
        self.mend()

    def mend(self) -> None:
        """Have a damaged standby given everything anew; asked again and again, for a damaged leader must hand over first."""
        if self.told and not self._leads():
            self._reseed("damaged")
