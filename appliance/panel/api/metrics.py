"""The numbers for Prometheus, in its text format (version 0.0.4)."""

from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Response

from appliance.panel.frame import Panel
from appliance.panel.fresh import Fresh
from appliance.panel.routes import reads
from appliance.records.case import CaseState

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES: tuple[str, ...] = ("arrived", "answered", "held", "routed", "closed", "dead")
Sample = tuple[Mapping[str, str], float]


def routes(panel: Panel) -> list[Any]:
    def made() -> bytes:
        commands = panel.commands
        return exposition(commands.status(), commands.counts(), commands.today(), commands.health(), panel.options.version).encode()

    fresh = Fresh(made, panel.options.clock, MEDIA_TYPE)

    @reads("/metrics", action="see_numbers", summary="Numbers for Prometheus", media_type="text/plain")
    async def metrics() -> Response[str]:
        return await fresh.response()

    return [metrics]


def exposition(
    status: Mapping[str, Any], counts: Mapping[str, int], today: Mapping[str, Any], health: Mapping[str, Any], version: str
) -> str:
    """All of it as text. Every family has its help and its type, and every state its line even when it counts nothing."""
    queue, switches = status.get("queue", {}), status.get("switches", {})
    return "".join(
        (
            gauge("tandem_build_info", "Which program this is.", [({"version": version}, 1)]),
            gauge("tandem_healthy", "1 when every dependency is connected.", [({}, float(bool(status.get("healthy"))))]),
            gauge("tandem_may_send", "1 when this node may send mail now.", [({}, float(bool(status.get("may_send"))))]),
            gauge("tandem_term", "The term this node last saw.", [({}, status.get("term", 0))]),
            gauge("tandem_journal_position", "Entries in the journal.", [({}, status.get("position", 0))]),
            gauge("tandem_cases", "Cases by state.", [({"state": state}, counts.get(state, 0)) for state in CaseState]),
            gauge("tandem_queue_oldest_seconds", "How long the oldest waiting case has waited.", [({}, queue.get("oldest_seconds") or 0)]),
            gauge("tandem_queue_late", "Cases that have waited longer than their target, counted up to a limit.", _late(queue)),
            gauge("tandem_switch", "1 when the lever is on.", [({"name": name}, float(on)) for name, on in sorted(switches.items())]),
            gauge("tandem_today_cases", "What became of today's cases.", [({"outcome": name}, today.get(name, 0)) for name in OUTCOMES]),
            gauge("tandem_dependency_connected", "1 when the dependency is connected.", _dependencies(health)),
        )
    )


def _late(queue: Mapping[str, Any]) -> list[Sample]:
    return [({"target": name}, target["late"]) for name, target in queue.get("targets", {}).items()]


def _dependencies(health: Mapping[str, Any]) -> list[Sample]:
    return [({"name": str(row["name"])}, float(bool(row["connected"]))) for row in health.get("dependencies", ())]


def gauge(name: str, help_text: str, samples: Iterable[Sample]) -> str:
    """One family of numbers; nothing at all when it has no samples."""
    lines = [
        f"{name}{_labels(labels)} {value:g}\n" if value != int(value) else f"{name}{_labels(labels)} {int(value)}\n"
        for labels, value in samples
    ]
    return f"# HELP {name} {help_text}\n# TYPE {name} gauge\n{''.join(lines)}" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
