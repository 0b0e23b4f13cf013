"""How the node is: probes, status, health, who it is."""

from typing import Any

from litestar import Response, get
from msgspec.json import encode

from appliance.panel.frame import Panel
from appliance.panel.fresh import Fresh
from appliance.panel.front import Probes
from appliance.panel.guard import PUBLIC
from appliance.panel.routes import reads
from appliance.records.base import Record


class ModelState(Record):
    status: str
    model_loaded: bool


class State(Record):
    status: str


def routes(panel: Panel) -> list[Any]:
    fresh_status = Fresh(lambda: encode(panel.commands.status()), panel.options.clock)
    fresh_health = Fresh(lambda: encode(panel.commands.health()), panel.options.clock)
    probes = Probes()
    probes.attached = True

    @get("/healthz", opt={"action": PUBLIC}, sync_to_thread=False, summary="Whether the process is healthy", tags=["probes"], security=[{}])
    def healthz() -> ModelState:
        return ModelState(**probes.answer("/healthz")[1])  # type: ignore[arg-type]

    @get("/livez", opt={"action": PUBLIC}, sync_to_thread=False, summary="Whether the process lives", tags=["probes"], security=[{}])
    def livez() -> State:
        return State(status="ok")

    @get("/readyz", opt={"action": PUBLIC}, sync_to_thread=False, summary="Whether it answers requests", tags=["probes"], security=[{}])
    def readyz() -> State:
        return State(status="ready")

    @reads("/api/v1/status", action="see_status", summary="The node at a glance: role, term, queue, levers")
    async def status() -> Response[dict[str, Any]]:
        return await fresh_status.response()

    @reads("/health", action="see_status", summary="Every dependency by name, and whether it is connected")
    async def health() -> Response[dict[str, Any]]:
        return await fresh_health.response()

    @reads("/info", action="see_status", summary="Which program this is, and whose")
    def info() -> dict[str, Any]:
        status = panel.commands.status()
        return {
            "product": "tandem",
            "version": panel.options.version,
            "company": panel.options.company,
            "languages": list(panel.options.languages),
            "time_zone": panel.options.time_zone,
            "node": status.get("node", ""),
            "role": status.get("role", ""),
        }

    return [healthz, livez, readyz, status, health, info]
