"""The live line: tells open pages that something changed, so that they fetch themselves again.

One look at the node a second for all of them together, and none when nobody watches. A change is encoded once; a page that
is slow gets the newest state, not a queue of old ones. What this is not: a way for words to reach a page. It carries the
journal's position and two counts, and the page is then fetched like any other, with all its checks.
"""

import asyncio
import contextlib
import json
from typing import Any

from litestar.types import Receive, Scope, Send

from appliance.ground.errors import TandemError
from appliance.panel.door import Commands
from appliance.panel.front import STOPPING
from appliance.panel.problems import Problem
from appliance.panel.sessions import Session, Sessions

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
LISTENERS_MOST = 200

_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class _Listener:
    """One open page."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.gone = False


class Feed:
    """All open pages of one panel."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._listeners: set[_Listener] = set()
        self._newest = b""
        self._ended = False
        self._looking: asyncio.Task[None] | None = None

    async def serve(self, scope: Scope, receive: Receive, send: Send, sessions: Sessions) -> None:
        """Keep one response open until the page leaves, its session ends or the panel stops."""
        if len(self._listeners) >= LISTENERS_MOST:
            raise Problem(503, "busy", "Too many pages are open.", "Close some of them.")
        listener = _Listener()
        self._listeners.add(listener)
        self._look_from_now_on(scope)
        leaving = asyncio.create_task(_until_gone(listener, receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._tell(listener, send, scope.get("auth"), sessions)
        finally:
            self._listeners.discard(listener)
            leaving.cancel()

    async def _tell(self, listener: _Listener, send: Send, session: Session | None, sessions: Sessions) -> None:
        await _chunk(send, self._newest or b": hello\n\n")
        told = self._newest
        while not (listener.gone or self._ended):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await listener.wake.wait()
            listener.wake.clear()
            if listener.gone:
                return
            if session is not None and not sessions.lives(session):
                break
            await _chunk(send, self._newest if self._newest != told else b": still here\n\n")
            told = self._newest
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _look_from_now_on(self, scope: Scope) -> None:
        if self._looking is None or self._looking.done():
            extensions: Any = scope.get("extensions") or {}
            self._looking = asyncio.create_task(self._look(extensions.get(STOPPING) or asyncio.Event()))

    async def _look(self, stopping: asyncio.Event) -> None:
        """Look at the node while anybody listens."""
        loop = asyncio.get_running_loop()
        while self._listeners and not stopping.is_set():
            with contextlib.suppress(TandemError):  # a node in trouble says so on the page itself
                seen = _as_event(await loop.run_in_executor(None, self._commands.status))
                if seen != self._newest:
                    self._newest = seen
                    self._wake()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stopping.wait()
        self._ended = stopping.is_set()
        self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.wake.set()


def _as_event(status: dict[str, Any]) -> bytes:
    queue = status.get("queue", {})
    state = {"position": status.get("position", 0), "review": queue.get("review", 0), "healthy": status.get("healthy", False)}
    return b"event: change\ndata: " + json.dumps(state, separators=(",", ":")).encode() + b"\n\n"


async def _until_gone(listener: _Listener, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.gone = True
    listener.wake.set()


async def _chunk(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})
