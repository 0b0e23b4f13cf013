"""A conversation of the chat, as the customer sees it."""

from enum import StrEnum

from appliance.records.base import Record


class ChatState(StrEnum):
    """How far the newest message is. Each has words in the panel's table."""

    NEW = "new"  # nothing was said yet
    RECEIVED = "received"
    READING = "reading"
    CHECKING = "checking"
    ANSWERED = "answered"
    PERSON = "person"  # a person will answer
    GREETED = "greeted"  # they only said hello; the page asks what they would like to know
    SEEN = "seen"  # a person has read it; no answer is coming


class ChatEntry(Record):
    """One thing that was said. ``who``: ``customer``, ``desk`` or ``person``; ``sources`` are titles of what a reply rests on."""

    id: str
    who: str
    text: str
    at: float
    sources: tuple[str, ...] = ()


class ChatView(Record):
    """Everything a customer's page shows. ``position`` is the journal's: of two views the one with the higher is newer.

    ``opens_at``: when a person is there again, in Unix seconds; 0 when one is there now, or nobody said when people answer.
    """

    session: str
    state: ChatState
    entries: tuple[ChatEntry, ...] = ()
    language: str = ""
    case: str = ""
    position: int = 0
    wants_person: bool = False
    closed: bool = False
    has_address: bool = False
    opens_at: float = 0.0
