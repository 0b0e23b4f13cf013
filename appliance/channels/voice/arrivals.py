"""From a clip of sound to an arrival like any other. Pure.

Whoever spoke is known by what the one who brought the clip says: a mail address, to which a reply can go; else a telephone number, for a
person to call back; else by the clip alone. Nobody vouches for such an address, so trust is absent: what everybody may know is answered
to it, what stands in a customer's own record is not. An address of the form NAME@voice.invalid (RFC 2606) is no one's.
"""

import hashlib

from appliance.channels.chat.arrivals import named
from appliance.channels.voice.sound import media_type
from appliance.records.message import Address, Arrival, Attachment, Message, Origin, Trust
from appliance.records.voice import Caller, Spoken

MAILBOX = "voice"  # stands where a mail has its mailbox
DOMAIN = "voice.invalid"
NAME_CHARACTERS = 120
TELEPHONE_DIGITS = (3, 15)  # ITU-T E.164 has fifteen at most; an extension in the house has three
_DIALLED = frozenset("+0123456789")


def customer_of(caller: Caller, key: str) -> str:
    """What stands for the customer of a clip, and what an erasure is told: the mail address, ``tel:`` and the number, or the clip's own."""
    if caller.address:
        return caller.address
    number = dialled(caller.telephone)
    return f"tel:{number}" if number else f"{key}@{DOMAIN}"


def dialled(telephone: str) -> str:
    """The number without what people write between its digits; "" for what cannot be dialled."""
    number = "".join(letter for letter in telephone if letter in _DIALLED)
    plus, digits = "+" if number.startswith("+") else "", number.replace("+", "")
    least, most = TELEPHONE_DIGITS
    return f"{plus}{digits}" if least <= len(digits) <= most else ""


def file_name(name: str) -> str:
    """The clip's own name in one line, without folders."""
    return named(name.replace("\\", "/").rpartition("/")[2])[:NAME_CHARACTERS] or "clip"


def arrival(
    key: str, name: str, data: bytes, caller: Caller, now: float, *, language: str = "", folder: str = "", received_at: float = 0.0
) -> Arrival:
    """``key`` is the clip's name among those of its ``folder`` ("": it was uploaded). ``language``: what it is said to be spoken in."""
    shown = file_name(name)
    attachment = Attachment(
        name=shown,
        media_type=media_type(data) or "application/octet-stream",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        kept=True,
    )
    message = Message(
        channel="voice",
        sender=Address(name=named(caller.name), address=caller.address),
        caller=caller,
        sent_at=received_at or now,
        trust=Trust.ABSENT,
        attachments=(attachment,),
        spoken=(Spoken(place=0, language=language, final=False),) if language else (),
    )
    return Arrival(
        origin=Origin(mailbox=MAILBOX, folder=folder, name=key),
        message=message,
        received_at=received_at or now,
        attachments={0: data},
        clips=(0,),
        known_as=customer_of(caller, key),
    )
