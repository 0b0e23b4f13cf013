"""Drills: a fault is rehearsed on made-up messages, measured, and put on record with a signature.

    leader: take half of the messages in ──▶ journal *drill began* ──▶ the fault
    whoever leads then: take the rest in ──▶ wait for each message's end ──▶ journal *drill ran*, signed

The leader may die of it, so nothing about a drill is kept in memory alone: ``Drills.step`` looks at what has begun and is not over,
and ends it, on whichever node leads. Time is measured on the clock of the node that took over: from when the entry of the beginning
came to its disk, which is a moment before the fault, until it led and might send.

What is counted is what the journal shows. A reply is journalled before it leaves, so one that left twice shows as two; whether a node
that was cut off sent something that its journal never held can only be seen from outside, which the sandbox does: there the replies
lie in a folder, and are counted.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from appliance.ground.errors import Refused, TandemError
from appliance.ground.ids import new_id
from appliance.ground.log import Log, Trouble
from appliance.node import drill_faults, drill_messages, drill_records
from appliance.node.drill_faults import KINDS
from appliance.pair.line.errors import LineError
from appliance.records.case import CaseState
from appliance.records.events import DrillBegan, DrillRan
from appliance.records.person import Approval
from appliance.store.drills import ENDED, MAILBOX, SWITCH, Became, OpenDrill

if TYPE_CHECKING:
    from appliance.node.drill_sandbox import Sandbox
    from appliance.node.node import Node

log = Log("drill")

MESSAGES = 12
FIRST_HALF, SECOND_HALF = range(MESSAGES // 2), range(MESSAGES // 2, MESSAGES)
LIMIT_SECONDS = 120.0
ANSWER_SECONDS = 0.3  # whoever asked hears that it begins, before the machine that answers is gone
SWITCH_GOAL_SECONDS = 2.0
SWITCH_LIMIT_SECONDS = 5.0
LEVERS = ("outbound_enabled", "automation_enabled")
_LOOK_SECONDS, _WATCH_SECONDS = 1.0, 0.02


class Ran(NamedTuple):
    """How a drill went, as far as its kind says it; what it does not say is filled in from where it began."""

    ok: bool
    seconds: float | None = None
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    held: int = 0
    reason: str = ""


class Drills:
    """One thread a node: it ends what has begun, here or on the other node, and puts the made-up cases away."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._stop = threading.Event()
        self._here = ""
        self._beginning = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._led_after: tuple[str, float] | None = None
        self._offered = ""
        self._thread = threading.Thread(target=self._run, name="drills", daemon=True)
        self._trouble = Trouble(log, "drill_stuck")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Before the store closes. A drill that runs here is ended by whoever leads next."""
        self._stop.set()
        self._node.store.drills.begun.set()
        if (sandbox := self._sandbox) is not None:
            sandbox.end()
        if self._thread.is_alive():
            self._thread.join(5.0)

    # Beginning

    def begin(self, kind: str, by: str, sandbox: bool) -> str:
        """Begin one; its id. Raises ``Refused`` with the reason when this is not the moment for it."""
        if kind not in KINDS:
            raise Refused(f"There is no drill {kind}.", f"The drills are {', '.join(KINDS)}.")
        node = self._node
        if not node.running:
            raise Refused("A drill needs the running appliance.", "Start it first: tandem run")
        if not sandbox:
            drill_faults.must_be_able(node, kind)
        drill = self._reserved()
        work = self._in_sandbox if sandbox else self._live
        threading.Thread(target=self._rehearse, args=(work, drill, kind, by), name="drill", daemon=True).start()
        log.info("drill_asked", drill=drill, kind=kind, sandbox=sandbox, by=by)
        return drill

    def _reserved(self) -> str:
        """The id of the one drill that runs here from now on."""
        with self._beginning:
            if self._here or self._node.store.drills.open() is not None:
                raise Refused("A drill is under way.", "Wait until it has ended; it does within two minutes.", code="drill_runs")
            self._here = new_id("drill")
            return self._here

    def _rehearse(self, work: Callable[[str, str, str], None], drill: str, kind: str, by: str) -> None:
        try:
            work(drill, kind, by)
        except Exception as error:
            log.error("drill_failed", error=error, drill=drill, kind=kind)
        finally:
            self._here = ""

    # On the pair itself

    def _live(self, drill: str, kind: str, by: str) -> None:
        node = self._node
        node.clock.wait(self._stop, ANSWER_SECONDS)
        taken = self._offer(drill, FIRST_HALF)
        self._journal_beginning(drill, kind, by, taken=taken)
        log.info("drill_fault", drill=drill, kind=kind)
        drill_faults.make(node, kind)

    def _offer(self, drill: str, numbers: range) -> tuple[str, ...]:
        """Take these of the drill's messages in, as a channel does; what was taken in before is known again."""
        node = self._node
        asked = drill_messages.questions(node.library.passages())
        arrivals = [drill_messages.arrival(drill, number, asked, node.clock.now()) for number in numbers]
        receipts = node.store.receive(arrivals, term=node.term)
        node.store.acknowledge(receipts, None, term=node.term)
        return tuple(receipt.case for receipt in receipts)

    def _journal_beginning(
        self, drill: str, what: str, by: str, *, taken: tuple[str, ...] = (), sandbox: bool = False, closes: tuple[str, ...] = ()
    ) -> int:
        node = self._node
        began = DrillBegan(at=node.clock.now(), by=by, drill=drill, what=what, node=node.name, taken=taken, sandbox=sandbox)
        return node.store.drills.begin(began, closes=closes, term=node.term)

    # In a sandbox

    def _in_sandbox(self, drill: str, kind: str, by: str) -> None:
        from appliance.node import drill_sandbox  # late: it starts nodes, and a node knows of drills

        self._journal_beginning(drill, kind, by, sandbox=True)
        try:
            self._sandbox = drill_sandbox.Sandbox(kind)
            ran = self._sandbox.rehearse()
        except TandemError as error:
            log.warning("drill_sandbox_failed", drill=drill, kind=kind, reason=error.message)
            ran = Ran(ok=False, reason="sandbox_failed")
        finally:
            self._sandbox = None
        self._end(drill, kind, ran, sandbox=True)

    # The levers

    def close_levers(self, by: str) -> dict[str, Any]:
        """Close them, wait until both nodes know, put them back as they were; the record as ``drills()`` shows it."""
        node = self._node
        drill = self._reserved()
        try:
            began = node.clock.elapsed()
            position = self._journal_beginning(drill, SWITCH, by, closes=LEVERS)
            known = self._both_know(position, began + SWITCH_LIMIT_SECONDS)
            seconds = node.clock.elapsed() - began
            ok = known and seconds <= SWITCH_GOAL_SECONDS
            reason = "" if ok else "late" if known else "other_does_not_know"
            self._end(drill, SWITCH, Ran(ok=ok, seconds=seconds if known else None, reason=reason))
        finally:
            self._here = ""
        return next((row for row in drill_records.told(node)["last"] if row["id"] == drill), {})

    def _both_know(self, position: int, until: float) -> bool:
        """Wait until the other node's journal has the closed levers too, and what it asks them by has followed."""
        node = self._node
        while not self._stop.is_set() and node.clock.elapsed() < until:
            if not any(getattr(node.store.switches(), name) for name in LEVERS) and self._other_is_at(position):
                return True
            node.clock.wait(self._stop, _WATCH_SECONDS)
        return False

    def _other_is_at(self, position: int) -> bool:
        side = self._node.pair
        if side is None:
            return True
        try:
            side.about.look()
        except LineError:
            return False
        return side.about.peer is not None and side.about.peer.position >= position

    # Ending, on whichever node leads

    def _run(self) -> None:
        begun = self._node.store.drills.begun
        while not self._stop.is_set():
            watched = False
            try:
                watched = self.step()
                self._trouble.healed()
            except TandemError as error:
                self._trouble.broke(error.message)
            except Exception as error:
                log.error("drill_look_failed", error=error)
            if watched:
                self._stop.wait(_WATCH_SECONDS)
            else:
                begun.wait(_LOOK_SECONDS)
                begun.clear()

    def step(self) -> bool:
        """One look; whether a drill is under way, on whatever node."""
        node = self._node
        drill = node.store.drills.open()
        if drill is None:
            if not self._here and node.standing.may_act():
                self._put_away()
            return False
        if not node.standing.may_act():
            return True
        if drill.sandbox or drill.what == SWITCH:
            self._end_interrupted(drill)
        else:
            self._follow_up(drill)
        return True

    def _end_interrupted(self, drill: OpenDrill) -> None:
        """Whoever ran it has gone: it has failed, and levers that it closed are put back now."""
        if drill.id != self._here:
            self._end(drill.id, drill.what, Ran(ok=False, reason="leader_lost"), sandbox=drill.sandbox)
        elif self._age(drill) > LIMIT_SECONDS:
            self._end(drill.id, drill.what, Ran(ok=False, reason="took_too_long"), sandbox=drill.sandbox)

    def _follow_up(self, drill: OpenDrill) -> None:
        node, late = self._node, self._age(drill) > LIMIT_SECONDS
        if drill.node == node.name:
            if node.term != drill.term or late:
                self._end_with_counts(drill, None, FIRST_HALF, "took_too_long" if late else "led_again")
            return
        if self._led_after is None or self._led_after[0] != drill.id:
            self._led_after = (drill.id, self._age(drill))
        if self._offered != drill.id:
            self._offer(drill.id, SECOND_HALF)
            self._offered = drill.id
        if late or self._became(drill.id).ended >= MESSAGES:
            self._end_with_counts(drill, self._led_after[1], range(MESSAGES), "")

    def _end_with_counts(self, drill: OpenDrill, seconds: float | None, offered: range, reason: str) -> None:
        became = self._became(drill.id)
        lost = became.lost(drill.taken, len(offered))
        reason = reason or ("lost" if lost else "doubled" if became.doubled else "")
        ran = Ran(not reason, seconds, len(offered), lost, became.doubled, became.held, reason)
        self._end(drill.id, drill.what, ran)

    def _became(self, drill: str) -> Became:
        levers = self._node.store.switches()
        leaves = levers.outbound_enabled and levers.automation_enabled and not levers.safe_mode
        return self._node.store.drills.became(drill, behind_levers=not leaves)

    def _age(self, drill: OpenDrill) -> float:
        """Seconds since it began: by this node's steady clock when it was here by then, else by the clocks on the wall."""
        node, at = self._node, self._node.store.drills.begun_at
        return node.clock.elapsed() - at if at is not None else abs(node.clock.now() - drill.at)

    def _end(self, drill: str, what: str, ran: Ran, sandbox: bool = False) -> None:
        node = self._node
        record = DrillRan(
            at=node.clock.now(),
            by=node.name,
            drill=drill,
            what=what,
            ok=ran.ok,
            seconds=None if ran.seconds is None else round(ran.seconds, 3),
            sandbox=sandbox,
            messages=ran.messages,
            lost=ran.lost,
            doubled=ran.doubled,
            held=ran.held,
            term_after=node.term,
            node_after=node.name,
            reason=ran.reason,
        )
        node.store.drills.end(record, term=node.term)
        seconds = record.seconds if record.seconds is not None else -1.0
        log.info("drill_ran", drill=drill, kind=what, ok=ran.ok, seconds=seconds, lost=ran.lost, doubled=ran.doubled, reason=ran.reason)

    def _put_away(self) -> None:
        """Close what the made-up messages left for people, and take all of it out of the lists."""
        node, store = self._node, self._node.store
        left = store.drills.left_over()
        for case, state, _ in left:
            if state in (CaseState.REVIEW, CaseState.DEAD):
                store.decide_review(Approval(case=case, decision="reject", by=MAILBOX), term=node.term)
            elif state == CaseState.UNCERTAIN:
                store.resolve_uncertain(case, "drop", MAILBOX, term=node.term)
        if any(one.state in ENDED for one in left):
            store.archive([(one.case, one.changed_at) for one in store.drills.left_over()], MAILBOX, term=node.term)
