"""From what a customer typed into the chat to an arrival like any other. Pure.

The customer is known by the conversation alone: ``SESSION@chat.invalid`` (RFC 2606) stands where a mail has its sender, so sealing,
threads and erasure work as they do for mail. What somebody types under another's name is theirs all the same: trust is absent.
"""

import re

from appliance.records.message import Address, Arrival, Message, Origin, Trust

MAILBOX = "chat"  # stands where a mail has its mailbox
DOMAIN = "chat.invalid"
NAME_CHARACTERS = 80
_UNSEEN = re.compile(r"[^\S\n\t]+$|[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.MULTILINE)
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


def customer_of(session: str) -> str:
    """The pseudo address of the customer of a conversation: what an erasure is told."""
    return f"{session}@{DOMAIN}"


def is_key(key: str) -> bool:
    """Whether a browser's own name for a message may stand in a Message-ID."""
    return _KEY.fullmatch(key) is not None


def cleaned(text: str) -> str:
    """The words without control characters and without white space at the ends."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def named(name: str) -> str:
    """The name in one line, without what would not show or would turn what stands around it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())[:NAME_CHARACTERS]


def arrival(session: str, key: str, text: str, name: str, now: float) -> Arrival:
    """What was typed, as an arrival. ``key`` is the browser's own name for it: the same key is the same message, sent once more.

    All messages of a conversation refer to one Message-ID that nobody has, so the store threads them without having to look.
    """
    message = Message(
        channel="chat",
        message_id=f"<{key}.{customer_of(session)}>",
        references=(f"<{customer_of(session)}>",),
        sender=Address(name=named(name), address=customer_of(session)),
        text=text,
        full_text=text,
        sent_at=now,
        trust=Trust.ABSENT,
    )
    return Arrival(origin=Origin(mailbox=MAILBOX, folder=session, name=key), message=message, received_at=now)
