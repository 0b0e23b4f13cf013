"""Asking without waiting: the lease's thread leaves a question, and another thread brings the answer."""

import threading
from collections.abc import Callable

from appliance.ground.log import Log
from appliance.pair.messages import Ask, Reply
from appliance.pair.witness.protocol import Witness

log = Log("pair")
STOP_SECONDS = 2.0


class Asker:
    """One thread and a box with room for one question. A newer question replaces one that was not put yet: only the newest counts."""

    def __init__(self, witness: Witness, heard: Callable[[Reply], None]) -> None:
        """``heard`` is called on the asking thread, with each answer as it comes."""
        self._witness = witness
        self._heard = heard
        self._box: Ask | None = None
        self._stopped = False
        self._filled = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)
        self._thread.start()

    def ask(self, ask: Ask) -> None:
        """Leave a question; never waits. After ``stop`` it is dropped."""
        with self._filled:
            self._box = ask
            self._filled.notify()

    def stop(self) -> None:
        """End the thread, which closes the witness. A question that is under way is waited for, but not longer than ``STOP_SECONDS``."""
        with self._filled:
            self._stopped = True
            self._filled.notify()
        self._thread.join(STOP_SECONDS)

    def _next(self) -> Ask | None:
        with self._filled:
            while self._box is None and not self._stopped:
                self._filled.wait()
            ask, self._box = self._box, None
            return None if self._stopped else ask

    def _run(self) -> None:
        while (ask := self._next()) is not None:
            self._put(ask)
        self._witness.close()

    def _put(self, ask: Ask) -> None:
        try:
            reply = self._witness.ask(ask)
            if reply is not None:
                self._heard(reply)
        except Exception as error:  # a fault here must not end the thread: without a third voice no failover works any more
            log.error("witness_asking_failed", error=error)
            self._witness.close()
