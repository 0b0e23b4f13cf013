"""What can happen to the state, in the past tense. One event is one journal entry.

An event holds ids, codes, numbers and digests, never a customer's words: those travel beside it as sealed bodies.
``KINDS`` is the list of all of them; its tags are what stands in the journal and may never change their meaning.
"""

from appliance.records.answer import Check, Decision, Versions
from appliance.records.base import Record
from appliance.records.case import History
from appliance.records.knowledge import Citation
from appliance.records.language import Language
from appliance.records.message import Channel, Cursor, MessageKind, Origin, Trust
from appliance.records.policy import Reason, Tier


class Event(Record, tag_field="kind", omit_defaults=True):
    """Something that happened. ``at`` is the wall clock in Unix seconds; ``by`` who did it."""

    at: float
    by: str = ""


class MessageReceived(Event, tag="message_received"):
    """A message came in and became a case. Fingerprints are keyed digests, so they tell nothing without the key.

    ``slot`` is the place of the customer's key in the keyring; ``new_customer`` says that this entry takes it. ``about`` is
    the case of ours that a bounce or an automatic message speaks of. ``overtakes`` are the deliveries that are being sent
    while this newer message comes in.
    """

    case: str
    message: str
    thread: str
    customer: str
    channel: Channel
    origin: Origin
    message_kind: MessageKind
    trust: Trust
    body: str  # digest of the sealed body
    message_id_print: str = ""
    content_print: str = ""
    reference_prints: tuple[str, ...] = ()
    automatic_reason: str = ""
    hold: str = ""
    duplicate_of: str = ""
    supersedes: tuple[str, ...] = ()
    older: bool = False
    slot: int = 0
    new_customer: bool = False
    received_at: float = 0.0
    thread_print: str = ""
    raw: str = ""  # digest of the sealed raw mail
    about: str = ""
    overtakes: tuple[str, ...] = ()


class IntakeAcknowledged(Event, tag="intake_acknowledged"):
    """The channel was told that these cases are safe, and its cursor moved."""

    cases: tuple[str, ...]
    cursor: Cursor | None = None
    claimed_elsewhere: tuple[str, ...] = ()


class CaseClaimed(Event, tag="case_claimed"):
    """A worker has the case until the claim ends. ``history`` is what the desk is told, so that it can be decided again."""

    case: str
    until: float
    history: History = History()


class CaseReleased(Event, tag="case_released"):
    """A case was put back. Without more: a claim was given back without an outcome (the engine failed, the node is stopping).

    ``gave_up``: once too often, so a person gets it. ``delivery``: a reply that was not started after all and is taken back; a
    person decides. ``hold``: nobody told the channel of this case, nor offered it again; it waits, to be held for that.
    """

    case: str
    reason: Reason
    gave_up: bool = False
    delivery: str = ""
    hold: str = ""


class CaseSettled(Event, tag="case_settled"):
    """The desk decided. When a reply or a handover goes out, its delivery is queued by the same entry.

    ``message_id`` is that delivery's own. ``shows`` is a case that a person should see now: the one whose reply bounced.
    ``most_to_sender``: how many automatic replies a sender may get in a day, looked at again when the reply is about to leave.
    """

    case: str
    decision: Decision
    reason: Reason
    language: Language
    tier: Tier
    rule: str = ""
    team: str = ""
    score: float | None = None
    checks: tuple[Check, ...] = ()
    missing_keys: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    versions: Versions = Versions()
    milliseconds: dict[str, float] = {}
    stages: tuple[Reason, ...] = ()
    draft: str = ""  # digest of the sealed draft
    delivery: str = ""
    delivery_kind: str = ""
    not_before: float = 0.0
    message_id: str = ""
    letter: str = ""  # digest of the sealed letter to the company's own people
    shows: str = ""
    most_to_sender: int = 1


class ReviewDecided(Event, tag="review_decided"):
    """A person approved, rejected or routed a case in review."""

    case: str
    decision: str
    team: str = ""
    edited: bool = False
    draft: str = ""
    comment: str = ""  # digest of the sealed comment
    delivery: str = ""
    delivery_kind: str = ""
    not_before: float = 0.0
    message_id: str = ""
    letter: str = ""


class DeliveryStarted(Event, tag="delivery_started"):
    delivery: str
    case: str
    attempt: int


class DeliverySent(Event, tag="delivery_sent"):
    delivery: str
    case: str
    found: bool = False  # not seen to be sent, but found in Sent after a restart


class DeliveryPutOff(Event, tag="delivery_put_off"):
    """The server refused before it took the data; tried again no sooner than ``not_before``.

    ``retired``: it is not tried again, for a newer message came in while it was being tried. ``uncounted``: nothing was wrong
    with the mail (no connection, no sign-in), so the try counts towards no limit.
    """

    delivery: str
    case: str
    reason: Reason
    not_before: float
    retired: bool = False
    uncounted: bool = False


class DeliveryDied(Event, tag="delivery_died"):
    delivery: str
    case: str
    reason: Reason


class DeliveryUncertain(Event, tag="delivery_uncertain"):
    """It may have been sent. Nobody tries again; a person finds out."""

    delivery: str
    case: str
    reason: Reason


class UncertaintyResolved(Event, tag="uncertainty_resolved"):
    """A person found out: it had been sent, or it had not and goes out once more, or it is dropped. Also of a dead letter."""

    delivery: str
    case: str
    decision: str  # sent | resend | drop
    resent_as: str = ""  # the new delivery
    message_id: str = ""


class SwitchSet(Event, tag="switch_set"):
    name: str
    on: bool


class SourceRefreshed(Event, tag="source_refreshed"):
    """A source of knowledge was read again and its passages are live."""

    source: str
    digest: str
    passages: int
    added: int = 0
    changed: int = 0
    removed: int = 0


class SourceFailed(Event, tag="source_failed"):
    source: str
    reason: Reason


class KeyIssued(Event, tag="key_issued"):
    """An API key exists; only its keyed digest is kept."""

    key: str
    name: str
    role: int
    digest: str


class KeyRevoked(Event, tag="key_revoked"):
    key: str


class CustomerErased(Event, tag="customer_erased"):
    """The customer's key is destroyed and with it every word; numbers and decisions stay."""

    customer: str
    bodies: int
    slot: int = -1
    cases: tuple[str, ...] = ()


class TermBegan(Event, tag="term_began"):
    """A node became the leader."""

    term: int
    node: str


KINDS: tuple[type[Event], ...] = (
    MessageReceived, IntakeAcknowledged, CaseClaimed, CaseReleased, CaseSettled, ReviewDecided,
    DeliveryStarted, DeliverySent, DeliveryPutOff, DeliveryDied, DeliveryUncertain, UncertaintyResolved,
    SwitchSet, SourceRefreshed, SourceFailed, KeyIssued, KeyRevoked, CustomerErased, TermBegan,
)  # fmt: skip
