"""The loop that tells the CRM: take the push that is due, send it, write down what became of it.

At least once: when the process ends between sending and writing down, the push is sent again, under the same id and with the same
bytes, and the CRM knows it by its id. Unlike a mail it is never uncertain. The lever is asked when the push is started and once more
before the line is opened; only the node that leads sends.
"""

from dataclasses import dataclass, field

from appliance.channels.crm.errors import CrmError, fault_of
from appliance.channels.crm.protocol import Crm
from appliance.channels.crm.webhook import Webhook, WebhookOptions
from appliance.ground.clock import Clock
from appliance.ground.faults import reach
from appliance.ground.log import Log, Trouble
from appliance.node.loops import Breaker
from appliance.node.ops_log import OpsLog
from appliance.node.roles import Standing
from appliance.records.delivery import DeliveryOutcome, DeliveryResult
from appliance.records.push import Push, PushOutcome, PushResult, PushState
from appliance.settings.model import CrmSettings
from appliance.settings.secret import read_secret
from appliance.store.errors import NotLeading, StaleTerm
from appliance.store.pushes import outbound_open
from appliance.store.store import Store

log = Log("crm")

LEASE_MORE_SECONDS = 30.0  # than a try may take, before the push is sent again
_EVENTS = {PushState.SYNCED: "synced", PushState.QUEUED: "retrying", PushState.DEAD: "failed"}


def make_crm(settings: CrmSettings, clock: Clock, version: str) -> Crm | None:
    """The CRM as it is configured; None when nothing is to be sent to it."""
    if not settings.enabled or not settings.url:
        return None
    files = [path for path in (settings.secret_file, settings.old_secret_file) if path is not None]
    options = WebhookOptions(
        url=settings.url,
        secrets=lambda: [read_secret(path) for path in files],
        authorities=settings.authorities,
        timeout_seconds=float(settings.timeout_seconds),
        version=version,
    )
    return Webhook(options, clock)


@dataclass
class Pusher:
    """``unwritten`` is the result of a try that the store could not write down: it comes before anything else, as long as the term holds.

    ``fault`` is why the last try failed, None when it went well.
    """

    agent: str
    store: Store
    standing: Standing
    breaker: Breaker
    crm: Crm
    settings: CrmSettings
    ops: OpsLog
    fault: CrmError | None = None
    unwritten: tuple[int, Push, PushResult] | None = field(default=None)

    def __post_init__(self) -> None:
        self._trouble = Trouble(log, "crm")

    def try_now(self) -> None:
        """Somebody says that the CRM is well again: the pause that its failures earned is over."""
        self.breaker.failures, self.breaker.closed_until = 0, 0.0
        self.store.wake_pushes.set()

    def step(self) -> bool:
        """One push, if one is due and may leave. Nobody who takes the lead waits for a CRM that is slow: it would be sent again."""
        term = self.standing.term
        if not self.standing.may_act():
            return False
        if self.unwritten is not None and self.unwritten[0] == term:
            return self._write_down(*self.unwritten)
        push = self._start(term) if self.breaker.is_open() else None
        if push is None:
            return False
        reach("push.after_start")
        result = self._send(push)
        self._hear(result)
        return self._write_down(term, push, result)

    def _start(self, term: int) -> Push | None:
        seconds = self.settings.timeout_seconds + LEASE_MORE_SECONDS
        with self.standing.at_work():
            return self.store.pushes.start_next(self.agent, term=term, seconds=seconds)

    def _send(self, push: Push) -> PushResult:
        """The last look, then the line. What the channel cannot explain is tried again: the CRM knows the push by its id."""
        if not self.standing.may_act() or not outbound_open(self.store.switches()):
            return PushResult(outcome=PushOutcome.HELD, reason="lever_closed")
        try:
            result = self.crm.deliver(push)
        except Exception as error:
            log.error("push_failed", error=error, case=push.case)
            result = PushResult(outcome=PushOutcome.TRY_AGAIN, reason="connect", blameless=True)
        reach("push.after_send")
        return result

    def _write_down(self, term: int, push: Push, result: PushResult) -> bool:
        self.unwritten = (term, push, result)
        try:
            with self.standing.at_work():
                state = self.store.pushes.finish(push, result, self.settings.attempts_most, term=term)
        except (NotLeading, StaleTerm):  # another node leads by now: it sends the push again, and the CRM knows it
            self.unwritten = None
            log.info("push_left_to_the_leader", case=push.case, push=push.id)
            return False
        self.unwritten = None
        reach("push.after_written")
        told = {"outcome": result.outcome, "reason": result.reason, "code": result.response_code}
        log.info("push_tried", case=push.case, push=push.id, attempt=push.attempts, **told)
        if state == PushState.WITHDRAWN:
            return True
        event = "held" if result.outcome == PushOutcome.HELD else _EVENTS.get(state, "")
        if event:
            self.ops.write(event, self.store.clock.now(), self.store.pushes.counts(), self.store.pushes.find(push.id))
        return True

    def _hear(self, result: PushResult) -> None:
        """A CRM that fails is asked less often, and told of on the health page until it has taken something again."""
        if result.outcome == PushOutcome.HELD:
            return
        outcome = DeliveryOutcome.SENT if result.outcome == PushOutcome.SYNCED else DeliveryOutcome.TRY_AGAIN
        self.breaker.heard(DeliveryResult(outcome=outcome, blameless=result.blameless))
        self.fault = fault_of(result)
        if self.fault is None:
            self._trouble.healed()
        else:
            self._trouble.broke(self.fault.message, error=self.fault, remedy=self.fault.remedy)
