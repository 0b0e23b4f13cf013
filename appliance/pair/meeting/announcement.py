"""What a node says of itself to the network it is in, and what may be believed of what others say: nothing, but as a hint.

DNS service discovery (RFC 6763) over multicast DNS (RFC 6762), type ``_tandem._tcp``. Names are made of the node id and never of the
machine's host name: two machines of one host name would be taken for one. There stands nothing about customers, and nothing about who
leads: that is for the lease to say.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping

import msgspec

from appliance.pair.meeting.addresses import ADDRESSES_MOST, Address
from appliance.pair.meeting.membership import Hex256, NodeId, Short
from appliance.pair.meeting.words import Proto
from appliance.records.base import Record

SERVICE = "_tandem._tcp.local."
PANEL = "_tandem-panel._tcp.local."
LEADER_HOST = "tandem.local."


class Announcement(Record):
    """What a node tells. ``pair`` is ``pair_hash`` of its pair, "" for none; ``offers``: it shows a code; ``port`` is of its lines."""

    node: NodeId
    port: int
    fingerprint: Hex256
    version: Short
    proto: Proto
    least: Proto
    pair: str = ""
    offers: bool = False
    panel_port: int = 0


class Found(Record):
    """What somebody told who may be anybody. ``addresses`` are where it says it can be reached, sorted."""

    node: NodeId
    addresses: tuple[Address, ...]
    fingerprint: Hex256
    version: Short
    proto: Proto
    least: Proto
    pair: Short = ""
    offers: bool = False


def pair_hash(pair: str) -> str:
    """By which the two of a pair know each other and strangers know nothing; "" for no pair."""
    return hashlib.blake2b(pair.encode("utf-8"), digest_size=8, person=b"tandem pair").hexdigest() if pair else ""


def instance(node: str, kind: str = SERVICE) -> str:
    return f"{node}.{kind}"


def host(node: str) -> str:
    return f"tandem-{node}.local."


def beside(pair: str) -> str:
    """What the leader is called where a stranger is called ``tandem.local``: a name with four digits of its pair."""
    return f"tandem-{pair[:4] or 'desk'}.local."


def text_of(me: Announcement) -> dict[str, str]:
    """The TXT record (RFC 6763, 6)."""
    text = {"id": me.node, "pair": me.pair, "proto": str(me.proto), "min": str(me.least), "fp": me.fingerprint, "v": me.version}
    return {**text, "offers": "1"} if me.offers else text


def understood(name: str, text: Mapping[str, str | None], addresses: Iterable[str], port: int | None) -> Found | None:
    """What a record says; None for one that no Tandem wrote."""
    newest = tuple((each, port) for each in addresses if port and re.fullmatch(r"[0-9.]{7,15}", each))[:ADDRESSES_MOST]
    at = tuple(sorted(newest))  # so that the same is told in the same words
    if not at or name.lower() != instance(text.get("id") or "").lower():
        return None
    told = {
        "node": text.get("id"), "addresses": at, "fingerprint": text.get("fp"), "version": text.get("v"), "proto": text.get("proto"),
        "least": text.get("min"), "pair": text.get("pair") or "", "offers": text.get("offers") == "1",
    }  # fmt: skip
    try:
        return msgspec.convert(told, Found, strict=False)
    except msgspec.ValidationError:
        return None
