"""A message on any channel, and how it arrived."""

from enum import StrEnum
from typing import Literal

from appliance.records.base import Record
from appliance.records.voice import Caller, Spoken

Channel = Literal["mail", "chat", "voice"]


class MessageKind(StrEnum):
    """What sort of thing arrived. Only a ``message`` may be answered."""

    MESSAGE = "message"
    BOUNCE = "bounce"  # a delivery report about something we or somebody sent (RFC 3464, and the shapes before it)
    AUTOMATIC = "automatic"  # an auto-reply, a list, a robot (RFC 3834)
    UNREADABLE = "unreadable"  # nothing readable could be got out; the raw mail is kept and a person looks


class Trust(StrEnum):
    """What is known of the sender's address."""

    PASSED = "passed"  # our own mail server says DMARC passed
    FAILED = "failed"  # it says DMARC failed
    ABSENT = "absent"  # no statement by the server that we were told to believe


class Address(Record):
    """A name and a mail address. ``address`` has its domain in lower case; "" when there was none."""

    name: str = ""
    address: str = ""


class Attachment(Record):
    """A part of a mail that is not its text. ``kept`` is False when it was over the limit: named, but its bytes left aside."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str = ""
    kept: bool = False


class Bounce(Record):
    """What a delivery report says: whom it could not reach, why, and which of our Message-IDs it is about.

    ``tandem_key`` is the X-Tandem-Key of the mail that came back: it stays where a server rewrites Message-IDs.
    """

    recipients: tuple[str, ...] = ()
    status: str = ""  # RFC 3463, such as 5.1.1; "" when none is given
    action: str = ""  # failed, delayed, delivered, relayed, expanded
    original_message_id: str = ""
    tandem_key: str = ""


class Message(Record):
    """One message, parsed. These are the customer's words: they are sealed in ``bodies`` and stand in no journal and no log.

    ``text`` is what the desk reads: the words of this message alone, without quotes and signature. ``full_text`` keeps them.
    ``html`` is sanitised for the eye (no scripts, no remote images) or "". ``message_id`` is the header's value with its
    angle brackets; "" when there was none. ``automatic_reason`` names the sign by which an automatic message was known.
    """

    channel: Channel
    kind: MessageKind = MessageKind.MESSAGE
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    thread_index: str = ""
    sender: Address = Address()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    full_text: str = ""
    html: str = ""
    sent_at: float | None = None
    trust: Trust = Trust.ABSENT
    automatic_reason: str = ""
    bounce: Bounce | None = None
    attachments: tuple[Attachment, ...] = ()
    tandem_key: str = ""  # the X-Tandem-Key header: ours, so this is our own mail come back
    oddities: tuple[str, ...] = ()  # what the parser had to work around, as codes
    spoken: tuple[Spoken, ...] = ()  # attachments that were heard; their words stand in ``text``
    caller: Caller = Caller()  # who spoke, as whoever brought the clip said


class Origin(Record):
    """Where a message came from, so exactly that it is known again: ``mailbox`` is the configured id; for IMAP ``folder``,
    ``uid_validity`` and ``uid`` (RFC 3501); for a folder of files ``folder`` is the path's digest and ``name`` the file's."""

    mailbox: str
    folder: str = ""
    uid_validity: int = 0
    uid: int = 0
    name: str = ""


class Arrival(Record):
    """A message at the door. ``raw`` are the bytes as they came, kept when ``retain_raw`` is set or nothing could be read.

    ``attachments`` are the bytes of the message's attachments that are kept, by their place in its list.
    ``older`` marks mail from before the go-live line or before a change of UIDVALIDITY: never answered automatically.
    ``claimed_elsewhere`` marks mail that carried somebody's claim when it was first seen: held for a person.
    ``hold`` is a reason of the channel's own for which a person has to answer; "" when it knows none. ``clips`` are the places of those
    attachments that are to be heard before the desk looks. ``known_as`` stands for a customer who has no mail address.
    """

    origin: Origin
    message: Message
    received_at: float
    raw: bytes | None = None
    older: bool = False
    claimed_elsewhere: bool = False
    hold: str = ""
    attachments: dict[int, bytes] = {}
    clips: tuple[int, ...] = ()
    known_as: str = ""


class Receipt(Record):
    """What the store made of an arrival, on disk when it is handed out.

    ``known``: this very arrival had been received before (a crash, a re-read) and nothing was added.
    ``duplicate_of``: the case it repeats; the arrival is linked to it and shown there.
    """

    case: str
    origin: Origin
    known: bool = False
    duplicate_of: str = ""


class Cursor(Record):
    """How far a folder of a mailbox has been read: every UID up to ``uid`` is in the journal (RFC 3501, 2.3.1.1).

    Mail with a UID up to ``older_until_uid`` was there before we were (go-live, or a change of UIDVALIDITY). ``since`` is when
    we went live, in Unix seconds, which no change of UIDVALIDITY moves; 0 when that was before cursors told it.
    """

    mailbox: str
    folder: str = ""
    uid_validity: int = 0
    uid: int = 0
    older_until_uid: int = 0
    since: float = 0.0


class Batch(Record):
    """What a channel hands over at one time. ``cursor`` is where it stands once all of them are safe; None: it has no cursor."""

    arrivals: tuple[Arrival, ...] = ()
    cursor: Cursor | None = None
    more: bool = False  # there is more to take at once
