"""The machine over HTTP: the diagnostics file, and the walk through the journal."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import QueryParameter

from appliance.panel.downloads import saved
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.routes import does, reads
from appliance.records.base import Record
from appliance.records.work import File

Hosts = Annotated[bool, QueryParameter(description="With the names of the servers.")]


class Verified(Record):
    """What a walk through the journal found. ``at``: Unix seconds; ``problems``: how many entries are not as they were written."""

    at: float
    ok: bool
    entries: int
    problems: int


def routes(panel: Panel) -> list[Any]:
    @reads(
        "/api/v1/diagnostics", action="make_diagnostics", summary="A zip for a helper, without anybody's words or secrets",
        media_type="application/octet-stream",
    )  # fmt: skip
    def diagnostics(request: Call, hosts: Hosts = False) -> Response[bytes]:
        made = panel.commands.diagnostics(actor_of(request), hosts)
        return saved(File(name=made.name, media_type="application/zip", data=made.data))

    @does("/api/v1/verify", action="verify_journal", summary="Walk the journal's chain now")
    def verify(request: Call) -> Verified:
        return Verified(**panel.commands.check_journal(actor_of(request)))

    return [diagnostics, verify]
