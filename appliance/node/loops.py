"""The loops of the leader, all of one shape: take one thing, think, put it down.

Each ``*_step`` does one round and says whether there was something to do. ``Loop`` runs a step in a thread of its own
until it is told to stop, and answers for what goes wrong in it: it says so once, waits a little longer each time, and
goes on. Only a broken store ends the node, for then nothing it says can be relied on.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from appliance.channels.protocol import Inbox, Outbox
from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.faults import reach
from appliance.ground.log import Log, Trouble
from appliance.node.mailbox_watch import LastLook, MailboxWatch
from appliance.node.roles import Standing
from appliance.node.watchdog import Part
from appliance.policy.model import Limits
from appliance.records.answer import Decision, Outcome
from appliance.records.case import Case
from appliance.records.delivery import Delivery, DeliveryOutcome, DeliveryResult
from appliance.records.message import Arrival, Batch, MessageKind
from appliance.records.policy import Reason
from appliance.store.effects.desk import STOPPING
from appliance.store.errors import ClaimLost, StoreBroken
from appliance.store.store import Store

log = Log("loops")

CLAIM_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 60.0
PERIODS_A_STEP = 10  # of the watchdog: ten minutes with the unit's one, for a slow server and a large mail take their time


class Intake:
    """The intake of one mailbox. ``left`` is how many messages lay there unread when it was last looked at while taking in is paused."""

    def __init__(
        self,
        inbox: Inbox,
        store: Store,
        standing: Standing,
        clock: Clock,
        stop: threading.Event,
        wake: threading.Event,
        poll_seconds: float,
        own_address: str,
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._standing = standing
        self._clock = clock
        self._stop = stop
        self._wake = wake
        self._poll_seconds = poll_seconds
        self._own_address = own_address
        self._next_look = 0.0
        self.left = 0

    def step(self) -> bool:
        """Take what the channel has, make it safe, then tell the channel; with nothing there, wait for it to speak."""
        if not (self._standing.may_act() and self._store.switches().intake_enabled):
            self._look()
            self._wake.wait(1.0)
            self._wake.clear()
            return False
        self.left, self._next_look = 0, 0.0
        if not self._take():
            self._inbox.wait(self._poll_seconds, self._stop)
        return True

    def _take(self) -> bool:
        """One batch, made safe and acknowledged; whether there may be more at once."""
        batch = self._inbox.take(self._store.cursor(self._inbox.mailbox, self._inbox.folder))
        reach("intake.fetched")
        if batch.arrivals or batch.cursor is not None:
            with self._standing.at_work():
                take_in(self._inbox, batch, self._store, self._standing, self._own_address)
        return bool(batch.more or batch.arrivals)

    def _look(self) -> None:
        """Count what gathers there, as often as it would be taken in; only who leads touches a mailbox."""
        if not self._standing.may_act() or self._clock.elapsed() < self._next_look:
            return
        self._next_look = self._clock.elapsed() + self._poll_seconds
        self.left = self._inbox.left(self._store.cursor(self._inbox.mailbox, self._inbox.folder))


def take_in(inbox: Inbox, batch: Batch, store: Store, standing: Standing, own_address: str) -> None:
    """Journal the arrivals, claim them, and only then acknowledge them. Every step may be repeated after a crash."""
    strangers = [arrival for arrival in batch.arrivals if not _came_back(arrival, store, own_address)]
    reach("intake.before_receive")
    receipts = store.receive(strangers, term=standing.term)
    reach("intake.after_receive")
    claimed_elsewhere = inbox.claim([arrival.origin for arrival in strangers])
    reach("intake.after_claim")
    store.acknowledge(receipts, batch.cursor, claimed_elsewhere=claimed_elsewhere, term=standing.term)
    reach("intake.after_acknowledge")
    inbox.done([arrival.origin for arrival in batch.arrivals])
    if receipts:
        log.info("mail_taken_in", mailbox=inbox.mailbox, messages=len(receipts), known=sum(receipt.known for receipt in receipts))


def _came_back(arrival: Arrival, store: Store, own_address: str) -> bool:
    """Whether this is the copy to ourselves of a reply of ours. The key alone proves nothing: whom we answered has seen it."""
    message = arrival.message
    ours = message.sender.address.casefold() == own_address.casefold() and message.kind is not MessageKind.BOUNCE
    if ours and store.is_own(message.tandem_key):
        log.info("own_mail_came_back", mailbox=arrival.origin.mailbox, uid=arrival.origin.uid)
        return True
    return False


def answer_step(
    agent: str,
    store: Store,
    desk: Callable[[], Desk],
    limits: Callable[[], Limits],
    standing: Standing,
    settled: Callable[[Case, Outcome, Decision], None],
    holding: Callable[[Case], AbstractContextManager[None]] = lambda _: nullcontext(),
    cut_short: Callable[[], bool] = lambda: False,
) -> bool:
    """Claim the oldest case, think about it, settle it; ``settled`` is told once that is safe, ``holding`` keeps the claim meanwhile.

    ``cut_short``: the node stops and took the engines away. What was thought without them does not count, nor does the try.
    """
    if not standing.may_act():
        return False
    case = store.claim(agent, term=standing.term, seconds=CLAIM_SECONDS)
    if case is None:
        return False
    reach("answer.after_claim")
    try:
        with holding(case):
            outcome = answer(case, desk(), store.switches())
    except Exception as error:
        if cut_short():
            return _given_back(case, store, standing)
        store.release(case.id, Reason(code="desk_failed", names=(type(error).__name__,)), term=standing.term, claim=case.claim)
        raise
    if cut_short():
        return _given_back(case, store, standing)
    reach("answer.before_settle")
    try:
        decision = store.settle(case, outcome, limits().of(case.channel), term=standing.term)
    except ClaimLost:  # a newer message overtook the case, or the claim ran out: whoever has it now decides
        log.info("claim_lost", case=case.id)
        return True
    reach("answer.after_settle")
    settled(case, outcome, decision)
    return True


def _given_back(case: Case, store: Store, standing: Standing) -> bool:
    store.release(case.id, Reason(code=STOPPING), term=standing.term, claim=case.claim)
    log.info("case_given_back", case=case.id)
    return False


@dataclass
class Breaker:
    """Keeps a deliver loop from knocking at a closed door with every mail there is: after a try that failed through no fault
    of the mail it waits 1 s, 2 s, 4 s and so on up to a minute, and lets one mail try again."""

    clock: Clock
    failures: int = 0
    closed_until: float = 0.0

    def is_open(self) -> bool:
        return self.clock.elapsed() >= self.closed_until

    def heard(self, result: DeliveryResult) -> None:
        self.failures = self.failures + 1 if result.blameless else 0
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** (self.failures - 1)) if self.failures else 0.0
        self.closed_until = self.clock.elapsed() + pause


@dataclass
class Deliverer:
    """What the loop of one mailbox needs to send its replies. Each has a loop of its own, so that a server that hangs or refuses
    holds up nobody else's mail. ``others``: it takes what no configured mailbox is for, and leaves it to a person.

    ``unwritten`` is the result of a try that the store could not write down: it comes before anything else is started. Each term
    begins with looking up what was under way; ``recovered`` is the last one that did. What an earlier one left unwritten is looked up
    too, for another node may have led since.
    """

    agent: str
    store: Store
    standing: Standing
    breaker: Breaker
    outbox: Outbox | None = None
    watch: MailboxWatch | None = None
    others: tuple[str, ...] = ()
    unwritten: tuple[Delivery, DeliveryResult] | None = None
    recovered: int = 0

    def step(self) -> bool:
        """Start the oldest delivery that may leave now, send it, and write down what became of it."""
        with self.standing.at_work():
            return self._step()

    def _step(self) -> bool:
        if not self.standing.may_act():
            return False
        if self.recovered != self.standing.term:
            self._recover(self.standing.term)
        if self.unwritten is not None:
            return self._write_down(*self.unwritten)
        if not self.breaker.is_open():
            return False
        only = self.outbox.mailbox if self.outbox is not None else ""
        delivery = self.store.next_delivery(self.agent, term=self.standing.term, only=only, but=self.others)
        if delivery is None:
            return False
        reach("deliver.after_start")
        return self._write_down(delivery, send(delivery, self.outbox, self.standing, self.watch))

    def _recover(self, term: int) -> None:
        self.unwritten = None
        for delivery in self.store.unfinished_deliveries():
            if self._is_mine(delivery):
                recover(self.store, delivery, self.outbox, self.standing)
        self.recovered = term

    def _is_mine(self, delivery: Delivery) -> bool:
        return delivery.mailbox == self.outbox.mailbox if self.outbox is not None else delivery.mailbox not in self.others

    def _write_down(self, delivery: Delivery, result: DeliveryResult) -> bool:
        self.unwritten = (delivery, result)
        reach("deliver.before_delivered")
        self.store.delivered(delivery, result, term=self.standing.term)
        self.unwritten = None
        reach("deliver.after_delivered")
        self.breaker.heard(result)
        log.info("delivery_tried", case=delivery.case, outcome=result.outcome, stage=result.stage, code=result.code)
        return True


def send(delivery: Delivery, outbox: Outbox | None, standing: Standing, watch: MailboxWatch | None = None) -> DeliveryResult:
    """Hand the delivery to its channel, which takes a last look at the mailbox before anything leaves.

    What the channel cannot explain may have been sent; without a channel nothing can be.
    """
    if outbox is None:
        return DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="no_outbox")
    last_look = LastLook(delivery, standing, watch)
    try:
        return last_look.weigh(outbox.deliver(delivery, last_look))
    except Exception as error:
        log.error("delivery_failed", error=error, case=delivery.case)
        return DeliveryResult(outcome=DeliveryOutcome.UNCERTAIN, stage="exception")
    finally:
        standing.finished(delivery)


def recover(store: Store, delivery: Delivery, outbox: Outbox | None, standing: Standing) -> None:
    """A delivery that was under way when somebody stopped is looked up where a sent mail leaves a trace; not found, a person finds out.

    A mailbox that cannot be asked leaves its deliveries uncertain, never sent again.
    """
    was_found = False
    try:
        was_found = outbox is not None and outbox.find(delivery)
    except Exception as error:  # whatever stands in the way of looking, the delivery is uncertain and the work goes on
        log.warning("recovery_could_not_look", case=delivery.case, reason=getattr(error, "message", type(error).__name__))
    store.found(delivery, was_found, term=standing.term)
    log.info("delivery_recovered", case=delivery.case, found=was_found)


@dataclass
class Loop:
    """A step, run in a thread of its own until ``stop`` is set.

    ``wake`` is set by whoever puts work down, so that nobody sleeps through it; ``idle_seconds`` is the longest nap.
    ``waits_seconds`` is how long a step may wait for the world by design; ``part`` says to the watchdog which turn the loop is in.
    """

    name: str
    step: Callable[[], bool]
    stop: threading.Event
    clock: Clock
    on_broken: Callable[[TandemError], None]
    wake: threading.Event | None = None
    idle_seconds: float = 1.0
    waits_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.trouble = Trouble(log, self.name)
        self._failures = 0
        self._turns = 0
        self._resting = True
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for the loop to end; True when it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def part(self) -> Part:
        return Part(self.name, None if self._resting else self._turns, PERIODS_A_STEP, self.waits_seconds)

    def _run(self) -> None:
        while not self.stop.is_set():
            self._turns += 1
            self._resting = False
            busy = self._round()
            self._resting = True
            if not busy and not self.stop.is_set():
                self._rest()

    def _round(self) -> bool:
        try:
            busy = self.step()
        except StoreBroken as error:
            self.on_broken(error)
            self.stop.set()
            return False
        except TandemError as error:
            self._stumble(error)
            return False
        except Exception as error:  # a fault of ours must not end the loop: it is said with its trace, and the loop goes on
            log.error(f"{self.name}_failed", error=error)
            self._stumble(TandemError(type(error).__name__, "See the error log; the loop goes on by itself.", code="fault"))
            return False
        self._failures = 0
        self.trouble.healed()
        return busy

    def _stumble(self, error: TandemError) -> None:
        self._failures += 1
        self.trouble.broke(error.message, error=error, remedy=error.remedy)

    def _rest(self) -> None:
        if self._failures:
            self.clock.wait(self.stop, min(LONGEST_PAUSE_SECONDS, 0.5 * 2 ** min(self._failures, 7)))
        elif self.wake is not None:
            self.wake.wait(self.idle_seconds)
            self.wake.clear()
