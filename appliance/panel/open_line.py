"""What every live line shares: one response that stays open until its page leaves, with a word now and then so that both ends see it."""

import asyncio
from typing import Any

from litestar.types import Receive, Scope, Send

from appliance.panel.front import STOPPING

HEARTBEAT_SECONDS = 15.0
STILL_HERE = b": still here\n\n"
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class Listener:
    """One open page."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.gone = False


async def begin(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})


async def chunk(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})


async def end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def until_gone(listener: Listener, receive: Receive) -> None:
    """Return when the page has left; whoever writes to it is woken."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.gone = True
    listener.wake.set()


def stopping(scope: Scope) -> asyncio.Event:
    """Set when the server stops: open lines end then."""
    extensions: Any = scope.get("extensions") or {}
    event: asyncio.Event = extensions.get(STOPPING) or asyncio.Event()
    return event
