"""How a reply reaches a customer who chats: it stands in the store already, and the conversation shows what has left."""

from collections.abc import Callable

from appliance.channels.chat.arrivals import MAILBOX
from appliance.ground.errors import TandemError
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult


class ChatOutbox:
    """The outbox of the chat. Nothing crosses a line here, so nothing can get lost on one: what was begun has left."""

    mailbox = MAILBOX
    trouble = ""
    fault: TandemError | None = None

    def deliver(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:
        """From the entry that says so on, the conversation shows the reply."""
        if not may_still_send():
            return DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage="lease", blameless=True)
        if delivery.kind is not DeliveryKind.REPLY:
            return DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="no_outbox")
        return DeliveryResult(outcome=DeliveryOutcome.SENT)

    def find(self, delivery: Delivery) -> bool:
        """A reply that was under way when we died is shown once its entry says that it left, and no more than once."""
        return delivery.kind is DeliveryKind.REPLY

    def close(self) -> None:
        """There is nothing to let go of."""
