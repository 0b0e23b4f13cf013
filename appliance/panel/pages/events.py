"""The live line that open pages listen to."""

from typing import Any

from litestar import asgi
from litestar.types import Receive, Scope, Send

from appliance.panel.frame import Panel


def routes(panel: Panel) -> list[Any]:
    @asgi("/events", opt={"action": "see_status"}, copy_scope=False)
    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        """Server-sent events: something changed."""
        await panel.feed.serve(scope, receive, send, panel.guard.sessions)

    return [events]
