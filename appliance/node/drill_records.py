"""The records of drills as people see them, and whether the next one is overdue."""

from typing import TYPE_CHECKING, Any

from appliance.records.events import DrillRan

if TYPE_CHECKING:
    from appliance.node.node import Node

SHOWN_MOST = 10
_DAY_SECONDS = 86_400.0


def told(node: "Node") -> dict[str, Any]:
    """The newest drills, whether one is overdue, and after how many days it is."""
    keys = {node.store.drills.key, node.pair.membership.key if node.pair is not None else ""}
    return {
        "last": [_row(node, ran, by, keys) for ran, by in node.store.drills.last(SHOWN_MOST)],
        "overdue": is_overdue(node),
        "every_days": node.settings.pair.drill_days,
    }


def is_overdue(node: "Node") -> bool:
    """Whether the pair has passed no drill of its own for too long. One in a sandbox says nothing about the two machines."""
    days = node.settings.pair.drill_days
    if node.pair is None or not days:
        return False
    since = max(node.store.drills.last_ok_at(), node.pair.membership.paired_at)
    return node.clock.now() - since > days * _DAY_SECONDS


def _row(node: "Node", ran: DrillRan, by: str, keys: set[str]) -> dict[str, Any]:
    shown = ("ok", "seconds", "sandbox", "messages", "lost", "doubled", "held", "began_at", "term_before", "term_after", "node_before",
             "node_after", "reason")  # fmt: skip
    return {
        "id": ran.drill,
        "at": ran.at,
        "kind": ran.what,
        "by": by,
        **{name: getattr(ran, name) for name in shown},
        "signature": node.store.drills.holds(ran, keys),
    }
