"""A drill on a pair of its own: two nodes and a witness as processes of this machine, with the sample company's mails.

The fault comes from outside, as in real life, and what left is counted where it lies: in the folder of replies, which both nodes share.
"""

import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.ground.errors import TandemError
from appliance.ground.log import Log
from appliance.node.demo import let_in
from appliance.node.drill_faults import FAULT_SECONDS
from appliance.node.drills import MESSAGES, Ran
from appliance.node.sandbox import OWNER, SandboxPair
from appliance.records.case import CaseState
from appliance.store.drills import MAILBOX

log = Log("drill")

LEAD_SECONDS = 30.0
SETTLE_SECONDS = 40.0
LOOK_SECONDS = 0.02
_UNDER_WAY = (CaseState.ARRIVED, CaseState.LISTENING, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)
_HELD = (CaseState.REVIEW, CaseState.UNCERTAIN)


class Sandbox:
    """One drill of one kind. ``end`` may be called from another thread: the node is stopping, and its children go with it."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._stop = threading.Event()
        self._pair: SandboxPair | None = None

    def rehearse(self) -> Ran:
        """Build the pair, let half of the mails in, make the fault, let the rest in, and count. ``TandemError``: it never stood."""
        with tempfile.TemporaryDirectory(prefix="tandem-drill-", ignore_cleanup_errors=True) as base:
            self._pair = pair = SandboxPair(Path(base), None, 0)
            try:
                pair.start(lambda text: log.debug("drill_sandbox", text=text))
                return _Drill(pair, self._kind, self._stop).run()
            finally:
                self.end()

    def end(self) -> None:
        """End its processes; also one that stands still."""
        self._stop.set()
        if self._pair is not None:
            for process in self._pair.processes:
                process.signal(signal.SIGCONT)
            self._pair.stop()


class _Drill:
    def __init__(self, pair: SandboxPair, kind: str, stop: threading.Event) -> None:
        self._pair = pair
        self._kind = kind
        self._stop = stop
        self._mails = pair.mails[:MESSAGES]
        self._seconds: float | None = None

    def run(self) -> Ran:
        pair, half = self._pair, len(self._mails) // 2
        first = pair.leader()
        other = "b" if first == "a" else "a"
        for mail in self._mails[:half]:
            let_in(mail, pair.inbox)
        self._until(lambda: bool(self._rows(first)), "no mail was taken in", LEAD_SECONDS)
        began = pair.clock.elapsed()
        after = self._fault(first)
        try:
            self._until(lambda: self._leads(other), "the other node did not take over", LEAD_SECONDS)
        except TandemError:
            return self._counted(other if self._kind == "kill" else first, "not_taken_over")
        self._seconds = pair.clock.elapsed() - began
        for mail in self._mails[half:]:
            let_in(mail, pair.inbox)
        after()
        return self._counted(other, "")

    def _fault(self, first: str) -> Callable[[], object]:
        """Make it; what puts the node right again afterwards."""
        process = self._pair.nodes[first]
        if self._kind == "kill":
            process.kill()
            return process.start
        if self._kind == "pause":
            process.signal(signal.SIGSTOP)
            timer = threading.Timer(FAULT_SECONDS, process.signal, (signal.SIGCONT,))
            timer.start()
            return timer.join
        if self._kind == "handover":
            self._pair.commands(first).pair_handover(OWNER)
        else:  # nothing outside can cut a line of one machine to itself: the node cuts itself off, as in a drill of its own pair
            self._pair.commands(first).pair_drill(OWNER, self._kind)
        return lambda: None

    def _leads(self, name: str) -> bool:
        status = self._pair.commands(name).status()
        return bool(status["role"] == "leader" and status["may_send"])

    def _rows(self, name: str) -> list[Any]:
        return [row for row in self._pair.commands(name).rows(None, 500) if row.mailbox != MAILBOX]

    def _counted(self, name: str, reason: str) -> Ran:
        settled: list[Any] = []

        def ended() -> bool:
            settled[:] = [row for row in self._rows(name) if row.state not in _UNDER_WAY]
            return len(settled) >= len(self._mails)

        try:
            self._until(ended, "not every mail was settled", SETTLE_SECONDS)
        except TandemError as error:
            log.warning("drill_sandbox_unsettled", reason=error.message)
        doubled = sum(number - 1 for number in self._pair.replies().values())
        lost, held = len(self._mails) - len(settled), sum(row.state in _HELD for row in settled)
        reason = reason or ("lost" if lost > 0 else "doubled" if doubled else "")
        return Ran(not reason, self._seconds, len(self._mails), max(0, lost), doubled, held, reason)

    def _until(self, so: Callable[[], bool], otherwise: str, seconds: float) -> None:
        pair, ends = self._pair, self._pair.clock.elapsed() + seconds
        while not self._quietly(so):
            if pair.clock.elapsed() > ends or pair.clock.wait(self._stop, LOOK_SECONDS):
                raise TandemError(f"In the sandbox {otherwise} within {seconds:.0f} s.", f"See the logs in {pair.base}.")

    def _quietly(self, so: Callable[[], bool]) -> bool:
        try:
            return so()
        except (OSError, TandemError):
            return False
