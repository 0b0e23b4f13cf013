"""A question as it travels: one flat shape with limits, for the wire and the mailbox alike, and the seal on it."""

import hashlib
import hmac
from typing import Annotated, Literal

from msgspec import Meta

from appliance.pair.messages import Ask, Look, Note, Take
from appliance.records.base import Record

SEAL_BYTES = 32
NUMBER_MOST = (1 << 63) - 1
Number = Annotated[int, Meta(ge=0, le=NUMBER_MOST)]


class Question(Record, array_like=True):
    """``flag`` is ``forced`` of a take and ``in_sync`` of a note. ``lease_seconds``: the asker's lease, which the other's equals."""

    what: Literal["look", "take", "note"]
    number: Number
    node: Annotated[str, Meta(max_length=64)] = ""
    term: Number = 0
    flag: bool = False
    lease_seconds: Annotated[float, Meta(ge=0, le=120)] = 0.0


def spoken(ask: Ask, lease_seconds: float) -> Question:
    """A question as it is sent."""
    if isinstance(ask, Look):
        return Question(what="look", number=ask.number)
    flag = ask.forced if isinstance(ask, Take) else ask.in_sync
    what: Literal["take", "note"] = "take" if isinstance(ask, Take) else "note"
    return Question(what=what, number=ask.number, node=ask.node, term=ask.term, flag=flag, lease_seconds=lease_seconds)


def understood(question: Question) -> Ask:
    """The question as the record's rules take it."""
    if question.what == "look":
        return Look(number=question.number)
    if question.what == "take":
        return Take(number=question.number, node=question.node, term=question.term, forced=question.flag)
    return Note(number=question.number, node=question.node, term=question.term, in_sync=question.flag)


def derived(secret: bytes, purpose: bytes, pair: str) -> bytes:
    """A key for one purpose (at most 16 bytes) from the secret of a pair. Who holds it learns neither the secret nor another key."""
    return hashlib.blake2b(pair.encode(), key=secret, person=purpose, digest_size=32).digest()


def seal(key: bytes, purpose: bytes, *parts: bytes) -> bytes:
    """A keyed digest over the parts, each with its length before it, so that none can pass for a piece of another (RFC 7693)."""
    digest = hashlib.blake2b(key=key, person=purpose, digest_size=SEAL_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def sealed_by(key: bytes, purpose: bytes, given: bytes, *parts: bytes) -> bool:
    """Whether the seal is of this key and over these parts; compared in constant time."""
    return hmac.compare_digest(given, seal(key, purpose, *parts))
