"""The first glance: one sentence that says whether it is all right, and what to repair when it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.panel.naming import node_label
from appliance.panel.waiting import how_many_wait
from appliance.panel.words import Voice, dependency
from appliance.records.base import Record
from appliance.records.knowledge import SourceState


class Glance(Record):
    """``mood`` is ``good``, ``look`` or ``act``; it is said in a word and an icon, never by colour alone.

    The first sentence calls the nodes by their short names; ``nodes`` are their whole ones.
    """

    mood: str
    word: str
    sentences: tuple[str, ...]
    nodes: str = ""


class Repair(Record):
    """One thing to put right: its words' key with what fills the gaps, the remedy as its room wrote it, and where to do it."""

    key: str
    gaps: dict[str, str] = {}
    reason: str = ""
    remedy: str = ""
    link: str = ""
    grave: bool = False


def glance(status: Mapping[str, Any], repairs: Sequence[Repair], oldest_seconds: float | None, voice: Voice) -> Glance:
    """The sentences on top of the overview. ``oldest_seconds``: how long the oldest case has waited for a person."""
    mood = _mood(status, repairs)
    sentences = [_who_leads(status, voice), _levers(status, voice), _who_waits(status, oldest_seconds, voice)]
    said = tuple(sentence for sentence in sentences if sentence)
    return Glance(mood=mood, word=voice.text(f"glance.{mood}"), sentences=said, nodes=_nodes(status))


def _mood(status: Mapping[str, Any], repairs: Sequence[Repair]) -> str:
    if not status.get("running", True) or any(repair.grave for repair in repairs):
        return "act"
    switches = status.get("switches", {})
    flows = switches.get("outbound_enabled", False) and switches.get("intake_enabled", True)
    return "look" if repairs or not flows else "good"


def _nodes(status: Mapping[str, Any]) -> str:
    return ", ".join(name for name in (status.get("node", ""), status.get("peer", {}).get("name", "")) if name)


def _who_leads(status: Mapping[str, Any], voice: Voice) -> str:
    role, own, peer = status.get("role", "alone"), status.get("node", ""), status.get("peer", {})
    node, other = node_label(own, peer.get("name", "")), node_label(peer.get("name", ""), own)
    if not status.get("running", True):
        return voice.text("glance.not_running", node=node)
    if role == "alone" or not other:
        return voice.text("glance.alone", node=node)
    return voice.text(f"glance.{role}", node=node, peer=other, lag=voice.number(float(peer.get("lag", 0)), 1))


def _levers(status: Mapping[str, Any], voice: Voice) -> str:
    switches = status.get("switches", {})
    if not switches.get("intake_enabled", True):
        return voice.text("glance.intake_off")
    if not switches.get("outbound_enabled", False):
        return voice.text("glance.outbound_off")
    if switches.get("safe_mode", True):
        return voice.text("glance.safe_mode")
    return "" if switches.get("automation_enabled", False) else voice.text("glance.automation_off")


def _who_waits(status: Mapping[str, Any], oldest_seconds: float | None, voice: Voice) -> str:
    waiting = how_many_wait(status)
    if not waiting:
        return voice.text("glance.nobody_waits")
    if oldest_seconds is None:
        return voice.count("glance.waits", waiting)
    return voice.count("glance.waits_since", waiting, duration=voice.duration(oldest_seconds))


def repairs(
    status: Mapping[str, Any], health: Mapping[str, Any], sources: Sequence[SourceState], counts: Mapping[str, int], voice: Voice
) -> tuple[Repair, ...]:
    """What somebody should put right, the gravest first."""
    found = [
        Repair(
            key="repair.dependency",
            gaps={"name": dependency(voice, str(row.get("name", "")))},
            reason=str(row.get("reason", "")),
            remedy=str(row.get("remedy", "")),
            grave=True,
        )
        for row in health.get("dependencies", ())
        if not row.get("connected") and not str(row.get("name", "")).startswith("knowledge:")
    ]
    found += [
        Repair(key="repair.source", gaps={"name": source.name}, reason=source.trouble, remedy=source.remedy, link="/admin#sources")
        for source in sources
        if source.trouble
    ]
    if counts.get("uncertain"):
        found.append(Repair(key="repair.uncertain", link="/cases?state=uncertain"))
    if counts.get("dead"):
        found.append(Repair(key="repair.dead", link="/cases?state=dead"))
    if not status.get("ready", True) and status.get("running", True):
        found.append(Repair(key="repair.not_ready", link="/admin"))
    return tuple(found)
