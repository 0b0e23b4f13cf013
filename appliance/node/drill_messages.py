"""The made-up messages of a drill, and where their replies go: nowhere.

They come in by the same steps as mail and are decided by the same desk under the same levers. Each has a sender of its own
(``@drill.invalid``, RFC 2606), so they use up nobody's limit.
"""

from collections.abc import Callable

from appliance.ground.errors import TandemError
from appliance.records.delivery import Delivery, DeliveryOutcome, DeliveryResult
from appliance.records.knowledge import Passage
from appliance.records.message import Address, Arrival, Message, Origin, Trust
from appliance.store.drills import MAILBOX

DOMAIN = "drill.invalid"
ASKED_MOST = 12
_NOTHING_KNOWN = "This is a drill. Nobody needs an answer."


class DrillOutbox:
    """The outbox of drills. What was begun has left, and went nowhere."""

    mailbox = MAILBOX
    trouble = ""
    fault: TandemError | None = None

    def deliver(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:  # noqa: ARG002
        """Asks as every channel does, last thing before it leaves."""
        if not may_still_send():
            return DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage="lease", blameless=True, retry_after_seconds=0.0)
        return DeliveryResult(outcome=DeliveryOutcome.SENT)

    def find(self, delivery: Delivery) -> bool:  # noqa: ARG002
        """It leaves no trace: what was under way at a fault is uncertain, as a mail would be."""
        return False

    def close(self) -> None:
        """Nothing is open."""


def questions(passages: tuple[Passage, ...]) -> tuple[str, ...]:
    """Questions that this node knows an answer to, as its start-up proof asks them."""
    return tuple(dict.fromkeys(passage.title for passage in passages if passage.title))[:ASKED_MOST] or (_NOTHING_KNOWN,)


def arrival(drill: str, number: int, asked: tuple[str, ...], now: float) -> Arrival:
    """Message ``number`` of a drill, at the door. Offered once more it is known by where it came from."""
    text = asked[number % len(asked)]
    sender = Address(address=f"{drill}-{number}@{DOMAIN}")
    message = Message(
        channel="mail",
        message_id=f"<{drill}.{number}@{DOMAIN}>",
        sender=sender,
        subject=f"{drill}/{number}",
        text=text,
        full_text=text,
        sent_at=now,
        trust=Trust.PASSED,
    )
    return Arrival(origin=Origin(mailbox=MAILBOX, folder=drill, uid=number + 1), message=message, received_at=now)
