"""What two nodes say to each other while they become a pair. Every field has a limit: nobody knows yet who speaks."""

from typing import Annotated, Literal

import msgspec

from appliance.pair.meeting.membership import Hex256, NodeId, Pem, Secret256, Short
from appliance.records.base import Record

Share = Annotated[bytes, msgspec.Meta(min_length=33, max_length=33)]
"""A side's letter and a point of the curve, as the package ``spake2`` writes them."""
Mac = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Proto = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Introduction(Record, tag="introduction"):
    """Who a node is. It is told under seal alone, once both have shown that they know the code.

    ``name`` is what people call the machine. ``machine`` is its ``machine_id``; ``key`` the public key that it signs its journal heads
    with; ``addresses`` are hosts where it may be reached at ``port``. ``pair`` is the pair it is in, "" for none; ``empty``: it has no
    cases of its own that joining would lose.
    """

    node: NodeId
    name: Short = ""
    version: Short
    proto: Proto
    least: Proto
    machine: Short = ""
    certificate: Pem
    key: Hex256
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    addresses: Annotated[tuple[Short, ...], msgspec.Meta(max_length=8)] = ()
    pair: Short = ""
    empty: bool = False


class Start(Record, tag="start"):
    """The joiner begins. ``fingerprint`` is of the certificate that it will show under seal; it shows none on this line."""

    share: Share
    fingerprint: Hex256


class Answer(Record, tag="answer"):
    """The offerer's half of the key. It says nothing of the code."""

    share: Share


class Proof(Record, tag="proof"):
    """ "I have the same key, so I knew the code." The joiner says it first."""

    mac: Mac


class Sealed(Record, tag="sealed"):
    """One of the words below, under the key of its direction."""

    box: Annotated[bytes, msgspec.Meta(max_length=32_768)]


class No(Record, tag="no"):
    """There will be no pair; ``code`` is a key of ``REASONS``."""

    code: Annotated[str, msgspec.Meta(max_length=40)]
    tries_left: Annotated[int, msgspec.Meta(ge=-1, le=100)] = -1


class Welcome(Record, tag="welcome"):
    """The offerer's answer to an introduction: its own, and the pair that the two are to be."""

    introduction: Introduction
    pair: Short
    secret: Secret256
    side: Literal["a", "b"]

    def __repr__(self) -> str:
        return f"Welcome(pair={self.pair!r})"


class Agreed(Record, tag="agreed"):
    """The joiner takes it. Now the offerer writes it down."""


class Settled(Record, tag="settled"):
    """The offerer has written it down. Now the joiner does."""


Told = Introduction | Welcome | Agreed | Settled
