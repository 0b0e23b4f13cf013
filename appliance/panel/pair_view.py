"""How the pair is told to a person: one sentence, how grave it is, what to do, and what may be pressed now."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from appliance.ground.errors import Refused
from appliance.panel.addresses import clean
from appliance.panel.naming import node_label
from appliance.panel.words import Voice
from appliance.records.base import Record

Tone = Literal["good", "look", "act"]
Said = Mapping[str, Any]

TONES: dict[str, Tone] = {
    "leads": "good",
    "follows": "good",
    "peer_catches_up": "look",
    "follows_behind": "look",
    "leads_solo": "look",
    "leads_unwitnessed": "look",
    "witness_lost": "look",
    "forced": "look",
    "handing_over": "look",
    "stands": "look",
    "no_leader_yet": "look",
    "not_joined": "look",
    "promise_runs": "look",
    "lease_ended": "act",
    "peer_never_seen": "act",
    "waits_for_person": "act",
    "not_in_sync": "act",
    "peer_and_witness_lost": "act",
    "clock_went_back": "act",
    "rules_differ": "act",
}
NO_DRILLS: dict[str, Any] = {"last": [], "overdue": False, "every_days": 0}

#: Where a person's word can make this machine lead; elsewhere it leads already, or nobody's word would be enough.
A_PERSON_MAY_TAKE_OVER = frozenset({"waits_for_person", "peer_never_seen", "not_in_sync", "rules_differ"})
DRILLS = ("handover", "kill", "pause", "cut")


class Tail(Record):
    """What one machine alone had written when the two met again: when it was set aside, how much it was, how much of it had left."""

    at: float
    entries: int
    sent: int


class PairSentence(Record):
    """The sentence on top, how grave it is, and what to do; ``remedy`` is "" when there is nothing to do."""

    tone: Tone
    word: str
    text: str
    remedy: str = ""


def sentence(reason: str, node: str, peer: str, voice: Voice, otherwise: str = "") -> PairSentence:
    """What the code means. ``otherwise``: what is said for a code that has no words here; it counts as something to look at."""
    names = {"node": node_label(node, peer), "peer": node_label(peer, node) or voice.text("pair.the_other")}
    tone = TONES.get(reason, "look")
    return PairSentence(
        tone=tone,
        word=voice.text(f"glance.{tone}"),
        text=_begun(voice.told(f"pair.reason.{reason}", otherwise, names)),
        remedy=_begun(voice.told(f"pair.remedy.{reason}", "", names)),
    )


def of_pair(pair: Said, voice: Voice) -> PairSentence:
    """The sentence on top of the page of the pair."""
    return sentence(_reason(pair), pair["me"]["node"], pair["peer"]["node"], voice, pair["sentence"])


def _reason(said: Said) -> str:
    """The code, where it and what is seen of the other machine would contradict each other: a lost one that is back has to catch up."""
    reason, peer = str(said["reason"]), said["peer"]
    if reason in ("leads_solo", "leads_unwitnessed") and peer.get("seen"):
        return "peer_catches_up"
    return "follows_behind" if reason == "follows" and peer.get("seen") and not peer.get("in_sync", True) else reason


def of_status(status: Said, voice: Voice) -> PairSentence | None:
    """The same from ``tandem status``, for the overview; None for a node that stands alone, or says nothing that is known here."""
    peer = status.get("peer", {}).get("node", "")
    if status.get("role", "alone") == "alone" or not peer or status.get("reason") not in TONES:
        return None
    return sentence(_reason(status), status.get("node", ""), peer, voice)


def other_panel(status: Said) -> str:
    """Where the other machine's panel is, as scheme and host alone; "" when there is none or it is none that a page may name."""
    told = str(status.get("peer", {}).get("panel", "") or "")
    try:
        return clean(told) if told else ""
    except Refused:
        return ""


def may_hand_over(pair: Said) -> bool:
    return pair["role"] == "leader" and bool(pair["peer"]["seen"]) and bool(pair["peer"]["in_sync"])


def may_take_over(pair: Said) -> bool:
    return pair["role"] != "leader" and not pair["peer"]["seen"] and pair["reason"] in A_PERSON_MAY_TAKE_OVER


def tails(pair: Said) -> list[Tail]:
    """What was set aside, newest first."""
    rows = (msgspec.to_builtins(row) for row in pair["divergent"])
    found = [Tail(at=row["taken_at"], entries=row["entries"], sent=len(row["sent"])) for row in rows]
    return sorted(found, key=lambda tail: -tail.at)


def drills(pair: Said) -> Said:
    """What is known of drills."""
    return {**NO_DRILLS, **(pair.get("drills") or {})}


def is_shown(pairing: Said | None) -> bool:
    """Whether a code can be typed at the other machine at this moment."""
    return pairing is not None and pairing["state"] == "waiting"


def without_code(pair: dict[str, Any]) -> dict[str, Any]:
    """For whoever may look but not pair: the code opens the door to everything, so they do not see it."""
    pairing = pair.get("pairing")
    return pair if pairing is None else {**pair, "pairing": {**pairing, "code": ""}}


def _begun(text: str) -> str:
    """With a capital, for a name that stands first may have none."""
    return text[:1].upper() + text[1:]
