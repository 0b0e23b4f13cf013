"""Mails to measure with: of usual size, all different, from a few thousand customers."""

from appliance.records.answer import Decision, Draft, Outcome
from appliance.records.language import Language
from appliance.records.message import Address, Arrival, Message, Origin
from appliance.records.policy import Reason, Tier

_CUSTOMERS = 5_000
_AT = 1_800_000_000.0
_WORDS = "My order has not arrived yet, and the tracking page has shown nothing for a week. When will it come? "


def arrival(number: int) -> Arrival:
    """The mail of this number, about 600 characters."""
    text = f"Order {number}. " + _WORDS * 6
    message = Message(
        channel="mail",
        message_id=f"<{number}.bench@customers.example>",
        sender=Address(name="A customer", address=f"customer{number % _CUSTOMERS}@customers.example"),
        to=(Address(address="support@company.example"),),
        subject=f"Where is order {number}?",
        text=text,
        full_text=text,
        sent_at=_AT + number,
    )
    origin = Origin(mailbox="support", folder="INBOX", uid_validity=1, uid=number + 1)
    return Arrival(origin=origin, message=message, received_at=_AT + number)


def outcome() -> Outcome:
    """A reply, as the desk would settle it."""
    return Outcome(
        decision=Decision.SEND,
        reason=Reason(code="grounded"),
        language=Language(code="en", source="text", confidence=0.9),
        tier=Tier.GROUNDED,
        draft=Draft(language="en", subject="Re: your order", text=_WORDS * 2),
        score=0.9,
    )
