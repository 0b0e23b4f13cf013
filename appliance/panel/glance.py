"""The first glance: one sentence that says whether it is all right, and what to repair when it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.panel import pair_view, troubles
from appliance.panel.naming import node_label
from appliance.panel.waiting import how_many_wait
from appliance.panel.words import Voice, dependency
from appliance.records.base import Record
from appliance.records.escalation import SEEN_WITHIN_SECONDS
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
    """One thing to put right: its words' key with what fills the gaps, why, what to do, where; ``detail``: as it was logged."""

    key: str
    gaps: dict[str, str] = {}
    reason: str = ""
    remedy: str = ""
    detail: str = ""
    link: str = ""
    grave: bool = False


def glance(status: Mapping[str, Any], repairs: Sequence[Repair], oldest_seconds: float | None, voice: Voice) -> Glance:
    """The sentences on top of the overview. ``oldest_seconds``: how long the oldest case has waited for a person."""
    mood = _mood(status, repairs)
    waits = _who_waits(status, oldest_seconds, voice)
    sentences = [_who_leads(status, voice), _levers(status, voice), waits, *_who_is_late(status, voice)]
    said = tuple(sentence for sentence in sentences if sentence)
    return Glance(mood=mood, word=voice.text(f"glance.{mood}"), sentences=said, nodes=_nodes(status))


def _mood(status: Mapping[str, Any], repairs: Sequence[Repair]) -> str:
    if not status.get("running", True) or any(repair.grave for repair in repairs):
        return "act"
    switches = status.get("switches", {})
    flows = switches.get("outbound_enabled", False) and switches.get("intake_enabled", True)
    late = status.get("queue", {}).get("late", 0)
    return "look" if repairs or late or not flows else "good"


def _nodes(status: Mapping[str, Any]) -> str:
    return ", ".join(name for name in (status.get("node", ""), status.get("peer", {}).get("node", "")) if name)


def _who_leads(status: Mapping[str, Any], voice: Voice) -> str:
    role, own, peer = status.get("role", "alone"), status.get("node", ""), status.get("peer", {})
    node, other = node_label(own, peer.get("node", "")), node_label(peer.get("node", ""), own)
    if not status.get("running", True):
        return voice.text("glance.not_running", node=node)
    if role == "alone" or not other:
        return voice.text("glance.alone", node=node)
    if (pair := pair_view.of_status(status, voice)) is not None:
        return pair.text
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


def _who_is_late(status: Mapping[str, Any], voice: Voice) -> list[str]:
    """Of each promise that is broken: how many wait for longer, and since when the oldest does."""
    return [
        voice.count(
            f"glance.late_{name}",
            int(target["late"]),
            promised=voice.span(int(target["minutes"])),
            duration=voice.duration(float(target["oldest_seconds"])),
        )
        for name, target in status.get("queue", {}).get("targets", {}).items()
        if target["late"]
    ]


def repairs(
    status: Mapping[str, Any], health: Mapping[str, Any], sources: Sequence[SourceState], counts: Mapping[str, int], voice: Voice
) -> tuple[Repair, ...]:
    """What somebody should put right, the gravest first."""
    found = [
        _to_repair("repair.dependency", dependency(voice, str(row.get("name", ""))), troubles.of_dependency(row, voice), grave=True)
        for row in health.get("dependencies", ())
        if not row.get("connected") and not str(row.get("name", "")).startswith("knowledge:") and row.get("name") != "pair"
    ]
    if (pair := pair_view.of_status(status, voice)) is not None and pair.tone != "good":
        found.append(Repair(key="repair.pair", remedy=pair.remedy, link="/pair", grave=pair.tone == "act"))
    found += [
        _to_repair("repair.source", source.name, troubles.of_source(source, voice), link="/admin#sources")
        for source in sources
        if source.trouble
    ]
    if counts.get("uncertain"):
        found.append(Repair(key="repair.uncertain", link="/cases?state=uncertain"))
    if counts.get("dead"):
        found.append(Repair(key="repair.dead", link="/cases?state=dead"))
    if left := sum(status.get("queue", {}).get("in_mailboxes", {}).values()):
        found.append(Repair(key="repair.left", gaps={"n": voice.number(left)}, link="/admin"))
    if lost := status.get("queue", {}).get("lost_drafts", 0):
        found.append(Repair(key="repair.drafts", gaps={"n": voice.number(lost)}, link="/review"))
    if days := status.get("drill_overdue_days", 0):
        found.append(Repair(key="repair.drill", gaps={"days": voice.number(days)}, link="/pair"))
    if not status.get("ready", True) and status.get("running", True):
        found.append(Repair(key="repair.not_ready", link="/admin"))
    return tuple(found)


def escalated(unseen: Mapping[int, tuple[int, float]], voice: Voice) -> tuple[Repair, ...]:
    """Escalations that nobody looks after, as one thing to do; grave when one must be seen at once, or should have been."""
    if not unseen:
        return ()
    number, oldest = sum(count for count, _ in unseen.values()), min(at for _, at in unseen.values())
    gaps = {"n": voice.number(number), "ago": voice.ago(oldest)}
    late = any(voice.now - at > SEEN_WITHIN_SECONDS.get(level, 0.0) for level, (_, at) in unseen.items())
    return (Repair(key="repair.escalation", gaps=gaps, link="/escalations", grave=late or max(unseen) > 2),)


def given_up(failed: int, voice: Voice) -> tuple[Repair, ...]:
    """What the CRM was not told and is not tried any more by itself, as one thing to do."""
    return (Repair(key="repair.pushes", gaps={"n": voice.number(failed)}, link="/pushes?standing=dead"),) if failed else ()


def _to_repair(key: str, name: str, told: troubles.Told, *, link: str = "", grave: bool = False) -> Repair:
    return Repair(key=key, gaps={"name": name}, reason=told.reason, remedy=told.remedy, detail=told.detail, link=link, grave=grave)
