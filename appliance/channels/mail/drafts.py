"""The way out of a mailbox whose held drafts lie in its own Drafts folder.

Such a draft is addressed to the customer and belongs to the thread, so that a person can send it from any mail program. It is laid
down rather than mailed, and a repeat is harmless: nothing here is ever uncertain. Everything else leaves as it would without.
"""

from collections.abc import Callable

from appliance.channels.mail.compose import compose
from appliance.channels.mail.errors import Unsendable
from appliance.channels.protocol import Outbox, OwnFolders
from appliance.ground.clock import Clock
from appliance.ground.errors import ChannelError, TandemError
from appliance.ground.log import Log, Trouble
from appliance.records.delivery import Delivery, DeliveryOutcome, DeliveryResult
from appliance.records.message import Address

AGAIN_SECONDS = 2.0  # the loop's own pause grows while the mailbox stays out of reach


class DraftsOutbox:
    """See ``protocol.Outbox``. ``way_out`` takes what is no such draft; None: the mailbox has no way out, and that is refused."""

    def __init__(self, folders: OwnFolders, way_out: Outbox | None, sender: Address, signature: str, company: str, clock: Clock) -> None:
        self._folders = folders
        self._way_out = way_out
        self._sender = sender
        self._signature = signature
        self._company = company
        self._clock = clock
        self._trouble = Trouble(Log("mail"), "drafts")

    @property
    def mailbox(self) -> str:
        return self._folders.mailbox

    @property
    def trouble(self) -> str:
        """Why nothing can leave, or no draft be laid down, now; "" when nothing stands in the way."""
        return (self._way_out.trouble if self._way_out is not None else "") or self._trouble.reason

    @property
    def fault(self) -> TandemError | None:
        """The same as the error it was; None when nothing stands in the way."""
        return (self._way_out.fault if self._way_out is not None else None) or self._trouble.error

    def deliver(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:
        if delivery.appended:
            return self._lay(delivery, may_still_send)
        if self._way_out is None:
            return DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="no_outbox")
        return self._way_out.deliver(delivery, may_still_send)

    def _lay(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:
        try:
            raw = compose(delivery, self._sender, self._signature, self._company, at=self._clock.now())
        except Unsendable:
            return DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="address")
        if not may_still_send():
            return _later("lease", 1.0)
        try:
            self._folders.lay(delivery.key, raw)
        except ChannelError as error:
            self._trouble.broke(error.message, error=error, mailbox=self.mailbox)
            return _later("drafts_folder", AGAIN_SECONDS)
        self._trouble.healed()
        return DeliveryResult(outcome=DeliveryOutcome.SENT, stage="sent")

    def find(self, delivery: Delivery) -> bool:
        if delivery.appended:
            return self._folders.lies(delivery.key)
        return self._way_out is not None and self._way_out.find(delivery)

    def close(self) -> None:
        self._folders.close()
        if self._way_out is not None:
            self._way_out.close()


def _later(stage: str, seconds: float) -> DeliveryResult:
    return DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage=stage, blameless=True, retry_after_seconds=seconds)
