"""What can happen to the state, in the past tense. One event is one journal entry.

An event holds ids, codes, numbers and digests, never a customer's words: those travel beside it as sealed bodies.
``KINDS`` is the list of all of them; its tags are what stands in the journal and may never change their meaning.
"""

from appliance.records.answer import Check, Decision, Usage, Versions
from appliance.records.base import Record
from appliance.records.case import History
from appliance.records.knowledge import Citation
from appliance.records.language import Language
from appliance.records.message import Channel, Cursor, MessageKind, Origin, Trust
from appliance.records.policy import Reason, Tier
from appliance.records.voice import ClipMark
from appliance.records.work import Standing


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
    attachments: str = ""  # digest of the sealed bytes of its attachments
    about: str = ""
    overtakes: tuple[str, ...] = ()
    clips: tuple[ClipMark, ...] = ()  # attachments that are to be heard before the desk looks


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
    usage: Usage = Usage()


class ReviewDecided(Event, tag="review_decided"):
    """A person approved, rejected or routed a case in review.

    Until ``undo_until`` it can be undone, and what leaves by it does not start before; then the case stands as ``before`` again.
    """

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
    undo_until: float = 0.0
    before: Standing = Standing()
    enclosed: str = ""  # digest of the sealed files and signature
    enclosed_files: int = 0
    enclosed_bytes: int = 0


class DeliveryStarted(Event, tag="delivery_started"):
    delivery: str
    case: str
    attempt: int


class DeliverySent(Event, tag="delivery_sent"):
    """The server has taken the mail. ``copies_refused``: so many copies (Cc, copy to self) it would not take."""

    delivery: str
    case: str
    found: bool = False  # not seen to be sent, but found in Sent after a restart
    copies_refused: int = 0


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
    """It may have been sent, but to the copies that were refused before. Nobody tries again; a person finds out."""

    delivery: str
    case: str
    reason: Reason
    copies_refused: int = 0


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
    """A node became the leader. ``how``: ``handover``, ``takeover`` of a lost peer, ``forced`` by a person; "" for a node alone."""

    term: int
    node: str
    how: str = ""


class WordsExpired(Event, tag="words_expired"):
    """Cases that had ended lost their words: those that the journal entries ``entries`` brought. Rows and decisions stay.

    ``days``: so long after they had ended. ``archived``: a person archived them, so ordinary lists leave them out.
    """

    cases: tuple[str, ...]
    entries: tuple[int, ...] = ()
    days: int = 0
    archived: bool = False


class CasesReplaced(Event, tag="cases_replaced"):
    """Cases that waited for the desk or a person were closed, for the queue was filled anew.

    ``origins`` and ``prints`` are those by which their messages were known: taken in once more, they are new again.
    """

    cases: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    prints: tuple[str, ...] = ()


class PersonSet(Event, tag="person_set"):
    """Somebody who may sign in was added or changed. ``sealed``: name, address, signature and password hash, for our eyes only."""

    person: str
    role: int
    active: bool
    sealed: bytes


class SessionOpened(Event, tag="session_opened"):
    """A browser signed in; only the keyed digest of its secret is kept. ``who``: a person's or key's id, or ``owner``."""

    session: str
    digest: str
    who: str
    until: float
    longest_until: float


class SessionUsed(Event, tag="session_used"):
    """A session was used after a while, and so lives longer."""

    session: str
    until: float


class SessionEnded(Event, tag="session_ended"):
    """One session ended, or with ``who`` all of somebody's but ``session``."""

    session: str = ""
    who: str = ""


class DecisionUndone(Event, tag="decision_undone"):
    """A person took a decision back in time: the case is in review as ``before``, and ``delivery`` does not leave."""

    case: str
    delivery: str = ""
    before: Standing = Standing()


class CaseAssigned(Event, tag="case_assigned"):
    """Somebody of the company takes care of the case; "": nobody in particular any more."""

    case: str
    person: str = ""


class CaseNoted(Event, tag="case_noted"):
    """An internal note was written."""

    case: str
    note: str  # digest of the sealed note


class CaseReopened(Event, tag="case_reopened"):
    """A case that had ended as ``was`` is in review again."""

    case: str
    was: str


class ChatOpened(Event, tag="chat_opened"):
    """A customer began to chat. Only the keyed digest of the session's secret is kept."""

    session: str
    digest: str
    language: str = ""


class ChatClosed(Event, tag="chat_closed"):
    """The conversation is over: its secret opens nothing any more. What still waits for a person goes on waiting."""

    session: str


class PersonWanted(Event, tag="person_wanted"):
    """A customer who chats asked for a person: from now on nothing in this session is answered automatically.

    ``case`` is the one that goes to a person by this; "" when there is none, or a reply to it is on its way.
    """

    session: str
    case: str = ""


class ChatAddressGiven(Event, tag="chat_address_given"):
    """A customer who chats left a mail address for a later answer. It lies sealed beside the entry, and goes with the case's words."""

    session: str
    case: str
    address: str  # digest of the sealed address


class AnsweredElsewhere(Event, tag="answered_elsewhere"):
    """A person answered the case from the mailbox itself: their mail was found in Sent. What was queued for it is taken back.

    ``leaving`` is a reply that was under way at that moment: it is not tried again, and the case ends with it.
    """

    case: str
    mailbox: str
    leaving: str = ""


class DraftRemoved(Event, tag="draft_removed"):
    """The draft does not lie in the Drafts folder any more: we took it out, or it was ``gone`` when we came for it."""

    delivery: str
    case: str
    gone: bool = False


class CaseEscalated(Event, tag="case_escalated"):
    """Somebody higher up must know of the case. ``code``: by which criterion of the policy, or ``person``."""

    case: str
    level: int
    code: str


class EscalationSeen(Event, tag="escalation_seen"):
    """Somebody looks after the case that was escalated."""

    case: str


class DrillBegan(Event, tag="drill_began"):
    """A fault is rehearsed from here on, on made-up messages. ``what``: handover, kill, pause, cut, or switch for the levers.

    ``node`` leads at this moment; ``taken`` are the cases of the made-up messages that are under way. ``levers`` are the
    positions of those that the drill closes, as they were before. ``sandbox``: on processes of its own, nothing of the pair is touched.
    """

    drill: str
    what: str
    node: str
    taken: tuple[str, ...] = ()
    sandbox: bool = False
    levers: dict[str, bool] = {}


class DrillRan(Event, tag="drill_ran"):
    """A drill is over, and this is its record, signed with the head key of the node that wrote it (``node_after``).

    ``seconds``: until the other node led and might send, or until both nodes knew of the closed levers; None when that did not come
    about. ``messages`` were offered; of them ``lost`` came to no end, ``doubled`` left more than once, ``held`` wait for a person.
    ``reason`` is a code of why it is not ``ok``. ``key`` and ``signature`` are hexadecimal (Ed25519, RFC 8032).
    """

    drill: str
    what: str
    ok: bool
    seconds: float | None = None
    sandbox: bool = False
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    held: int = 0
    began_at: float = 0.0
    term_before: int = 0
    term_after: int = 0
    node_before: str = ""
    node_after: str = ""
    reason: str = ""
    key: str = ""
    signature: str = ""


class ClaimRenewed(Event, tag="claim_renewed"):
    """Whoever has the case is still at it: its engine takes its time. ``claim`` is the position of the claim's own entry."""

    case: str
    claim: int
    until: float


class CandidateAsked(Event, tag="candidate_asked"):
    """Shadow mode: a candidate begins to look at a case, and one of the day's budget is used. ``decided``: what counted."""

    case: str
    writer: str
    decided: str


class CandidateAnswered(Event, tag="candidate_answered"):
    """What the candidate would have decided; ``asked`` is the position of the entry by which it began. Nothing follows from it.

    ``alike``: the share of words that its draft has in common with the one that counted. ``failure``: why there is no outcome.
    """

    case: str
    asked: int
    writer: str
    prompt: str = ""
    decision: str = ""
    reason: Reason | None = None
    score: float | None = None
    alike: float | None = None
    usage: Usage = Usage()
    failure: str = ""
    draft: str = ""  # digest of the sealed draft


class PushQueued(Event, tag="push_queued"):
    """The CRM is to be told of the case. ``replaces`` are pushes of the same case that this one makes needless."""

    push: str  # the idempotency key as well: the same at each try
    case: str
    payload: str  # digest of the sealed document
    demo: bool = False
    replaces: tuple[str, ...] = ()


class PushStarted(Event, tag="push_started"):
    """The push is being sent. When nothing more is heard of it until then, it is sent again under the same id."""

    push: str
    case: str
    attempt: int
    until: float


class PushTried(Event, tag="push_tried"):
    """The try failed; the next one is no sooner than ``not_before``.

    ``uncounted``: nothing was sent at all. ``withdrawn``: it is not tried again, for a newer push of the case was queued meanwhile.
    """

    push: str
    case: str
    attempt: int
    reason: str
    not_before: float
    response_code: int = 0
    crm_error: str = ""
    uncounted: bool = False
    withdrawn: bool = False


class PushSynced(Event, tag="push_synced"):
    """The CRM has it."""

    push: str
    case: str
    attempt: int
    response_code: int


class PushDied(Event, tag="push_died"):
    """It is tried no more by itself: too often in vain, refused for good, or its words are gone."""

    push: str
    case: str
    attempt: int
    reason: str
    response_code: int = 0
    crm_error: str = ""


class PushRetried(Event, tag="push_retried"):
    """A person asked for another round of tries, beginning now."""

    push: str
    case: str


class PushScrubbed(Event, tag="push_scrubbed"):
    """The documents of these pushes were removed; codes and numbers stay. ``entries`` are those that brought them."""

    pushes: tuple[str, ...]
    entries: tuple[int, ...] = ()


class DemoPushesReset(Event, tag="demo_pushes_reset"):
    """Pushes of demonstrations were removed with their documents; or, ``kept``, put back to where they had never been tried."""

    pushes: tuple[str, ...]
    entries: tuple[int, ...] = ()
    kept: bool = False


class ClipClaimed(Event, tag="clip_claimed"):
    """An ear has a clip of the case until the claim ends."""

    case: str
    place: int
    until: float


class ClipClaimRenewed(Event, tag="clip_claim_renewed"):
    """The ear is still at it. ``claim`` is the position of the claim's own entry."""

    case: str
    place: int
    claim: int
    until: float


class ClipReleased(Event, tag="clip_released"):
    """A claim on a clip was given back without words; ``place`` -1: every clip of the case that was not heard.

    ``gave_up``: it is not tried again. Then the case is in ``becomes``, once none of its clips waits any more, for the reason ``code``.
    """

    case: str
    place: int
    reason: Reason
    not_before: float = 0.0
    gave_up: bool = False
    body: str = ""  # digest of the sealed message, with the words of the other clips
    becomes: str = ""
    code: str = ""


class ClipHeard(Event, tag="clip_heard"):
    """What an ear made of a clip, as numbers; its words lie sealed beside. ``last``: nothing more is heard of this clip.

    ``final`` is False for the quick stage's words. ``becomes`` as in ``ClipReleased``.
    """

    case: str
    place: int
    transcript: str  # digest of the sealed transcript
    last: bool
    final: bool = True
    words: int = 0
    confidence: float | None = None
    language: str = ""
    seconds: float = 0.0
    speech_seconds: float = 0.0
    took_seconds: float = 0.0
    dropped: dict[str, int] = {}
    ear: str = ""
    body: str = ""  # digest of the sealed message, with what was said as its text
    becomes: str = ""
    code: str = ""


class HearingAsked(Event, tag="hearing_asked"):
    """A person wants the clips of a case heard once more."""

    case: str


class CallKept(Event, tag="call_kept"):
    """What an agent wrote and used at a call was kept; it stands in place of what was kept before."""

    case: str
    call: str  # digest of the sealed state


KINDS: tuple[type[Event], ...] = (
    MessageReceived, IntakeAcknowledged, CaseClaimed, CaseReleased, CaseSettled, ReviewDecided,
    DeliveryStarted, DeliverySent, DeliveryPutOff, DeliveryDied, DeliveryUncertain, UncertaintyResolved,
    SwitchSet, SourceRefreshed, SourceFailed, KeyIssued, KeyRevoked, CustomerErased, TermBegan,
    WordsExpired, CasesReplaced,
    PersonSet, SessionOpened, SessionUsed, SessionEnded,
    DecisionUndone, CaseAssigned, CaseNoted, CaseReopened,
    ChatOpened, ChatClosed, PersonWanted, ChatAddressGiven,
    AnsweredElsewhere, DraftRemoved,
    CaseEscalated, EscalationSeen,
    DrillBegan, DrillRan,
    PushQueued, PushStarted, PushTried, PushSynced, PushDied, PushRetried, PushScrubbed, DemoPushesReset,
    ClaimRenewed, CandidateAsked, CandidateAnswered,
    ClipClaimed, ClipClaimRenewed, ClipReleased, ClipHeard, HearingAsked,
    CallKept,
)  # fmt: skip
