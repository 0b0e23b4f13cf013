"""A case: one message under way."""

from enum import StrEnum

from appliance.records.answer import Draft, Outcome
from appliance.records.base import Record
from appliance.records.message import Channel, Message

SEARCHED_MOST = 20_000  # cases that are found by their words: the newest


class CaseState(StrEnum):
    """Where a case stands. Each state has a sentence in the panel's table."""

    ARRIVED = "arrived"  # in the journal; its channel has not been told yet
    LISTENING = "listening"  # what was said is being heard; then it waits for the desk
    WAITING = "waiting"  # for the desk
    CLAIMED = "claimed"  # the desk is at it, until the claim ends
    REVIEW = "review"  # a person decides
    ROUTED = "routed"  # a team has it
    REPLYING = "replying"  # a reply is in the outbox
    REPLIED = "replied"
    UNCERTAIN = "uncertain"  # it may have been sent: a person finds out
    DEAD = "dead"  # it cannot be delivered: dead letter; a person may send it once more, decide it, or drop it
    CLOSED = "closed"  # nothing to do: a bounce, an automatic message, a duplicate, superseded by a newer one


HELD: tuple[CaseState, ...] = (CaseState.REVIEW, CaseState.ROUTED, CaseState.UNCERTAIN)
ENDED: tuple[CaseState, ...] = (CaseState.REPLIED, CaseState.DEAD, CaseState.CLOSED)


class History(Record):
    """What is known around a case when it is claimed, as numbers.

    ``automatic_replies_to_sender`` counts those of the last 24 h, queued ones included; ``automatic_replies_last_hour`` all by mail, or
    all in the chat.
    ``earlier_unanswered`` counts cases of the same thread that this message overtook before they were answered.
    """

    automatic_replies_to_sender: int = 0
    automatic_replies_last_hour: int = 0
    earlier_unanswered: int = 0


class Case(Record):
    """A case with everything needed to decide it. ``thread`` holds the earlier messages of the conversation, oldest first.

    ``hold`` names why it must not be answered automatically whatever the desk thinks (older mail, a reused Message-ID, a
    claim by somebody else), "" when nothing speaks against it. ``about`` is the case of ours that a bounce speaks of.
    """

    id: str
    channel: Channel
    mailbox: str
    state: CaseState
    received_at: float
    message: Message
    thread_id: str = ""
    thread: tuple[Message, ...] = ()
    hold: str = ""
    duplicate_of: str = ""
    about: str = ""
    history: History = History()
    attempts: int = 0
    claim: int = 0  # which claim this is: the position of its entry


class CaseRow(Record):
    """A case as a list shows it: without words, but for the subject and the sender once the store has opened them.

    ``words_removed_at``: when its words were removed because it had ended, in Unix seconds; 0.0 when they were not. ``begins``:
    the first words of a message that has no subject, as no message in a chat has.
    """

    id: str
    channel: Channel
    mailbox: str
    state: CaseState
    received_at: float
    changed_at: float
    language: str = ""
    tier: int | None = None
    reason: str = ""
    team: str = ""
    score: float | None = None
    agent: str = ""
    duplicate_of: str = ""
    sender: str = ""
    subject: str = ""
    sender_name: str = ""
    words_removed_at: float = 0.0
    escalated: int = 0
    assigned: str = ""  # who of the company takes care of it; "" for nobody
    begins: str = ""


class HistoryLine(Record):
    """One journal entry about a case: for ``explain`` and the history in the panel."""

    position: int
    at: float
    kind: str
    by: str
    facts: dict[str, object] = {}


class CaseFile(Record):
    """A case opened up: what a person sees on its page and what ``replay`` needs. ``erased``: its words are gone.

    ``kept_days``: so many days after the case had ended they were removed; 0: at the customer's request, or by archiving.
    """

    row: CaseRow
    message: Message | None = None
    thread: tuple[Message, ...] = ()
    outcome: Outcome | None = None
    draft: Draft | None = None  # as it stands now: the desk's, or a person's edit of it
    lines: tuple[HistoryLine, ...] = ()
    case: Case | None = None
    erased: bool = False
    kept_days: int = 0
