"""A reply on its way out."""

from enum import StrEnum

from appliance.records.base import Record
from appliance.records.message import Address
from appliance.records.work import File


class DeliveryKind(StrEnum):
    REPLY = "reply"  # to the customer
    HANDOVER = "handover"  # a routed case, to the team's own address
    DRAFT = "draft"  # a draft to the company's own mailbox, never to the customer


class DeliveryState(StrEnum):
    """Where a delivery stands.

    queued -> sending -> sent | queued again (the server refused before it took the data) | uncertain | dead; queued -> retired.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    DEAD = "dead"
    RETIRED = "retired"  # taken back before it started: a newer message, a person


class Delivery(Record):
    """Everything the channel needs to send one reply, and nothing it must look up.

    ``message_id`` is the same however often the delivery is tried: it is made from the case. ``key`` stands in X-Tandem-Key.
    ``automatic``: no person approved it; the automation levers rule it, and Auto-Submitted says so.
    ``quoted`` is the customer's message, put below the text of a handover; ``quoted_from`` and ``quoted_at`` (Unix seconds)
    say whose it is and when it was sent (where it does not say: when it came in), and the team's answer goes to ``quoted_from``.
    ``signature`` is that of the person who approved a reply.

    ``appended``: a draft that is laid into the mailbox's own Drafts folder, addressed to the customer, instead of being mailed.
    ``draft_key``: of a reply, the X-Tandem-Key of the case's draft in Drafts, which is taken out before the reply leaves; ""
    when there is none. ``draft_lies``: it is known to have been laid there, so that its absence means that somebody took it.
    """

    id: str
    case: str
    kind: DeliveryKind
    mailbox: str
    message_id: str
    key: str
    automatic: bool
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    language: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    thread_index: str = ""
    attempts: int = 0
    term: int = 0
    quoted: str = ""
    quoted_from: Address = Address()
    quoted_at: float | None = None
    files: tuple[File, ...] = ()
    signature: str = ""
    appended: bool = False
    draft_key: str = ""
    draft_lies: bool = False


class DeliveryOutcome(StrEnum):
    """What the channel can say after a try."""

    SENT = "sent"
    TRY_AGAIN = "try_again"  # refused for now, before the data was accepted
    REFUSED = "refused"  # refused for good
    UNCERTAIN = "uncertain"  # the data may have been accepted; never tried again
    HELD = "held"  # nothing was sent: what was found just before (``stage`` names it) is for a person


class DeliveryResult(Record):
    """The outcome of a try with the server's code (0: none) and a reason code such as ``connect``, ``rcpt``, ``after_data``.

    ``blameless``: nothing was wrong with this mail (no connection, no sign-in, no lease), so the try counts towards no limit.
    ``dropped``: how many copies (Cc, copy to self) the server would not take while it took the mail itself.
    ``draft_removed``: the case's draft does not lie in Drafts any more, whoever took it out.
    """

    outcome: DeliveryOutcome
    code: int = 0
    stage: str = ""
    retry_after_seconds: float | None = None
    blameless: bool = False
    dropped: int = 0
    draft_removed: bool = False
