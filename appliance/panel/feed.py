"""The live line: tells open pages that something changed, so that they fetch themselves again.

One look at the node for all of them together when its journal has grown, and none when nobody watches. A change is encoded once;
a page that is slow gets the newest state, not a queue of old ones. What this is not: a way for words to reach a page. It carries the
journal's position and two counts, and the page is then fetched like any other, with all its checks.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable
from typing import Any

from litestar.types import Receive, Scope, Send

from appliance.ground.errors import TandemError
from appliance.panel.door import Commands
from appliance.panel.open_line import HEARTBEAT_SECONDS, STILL_HERE, Listener, begin, chunk, end, stopping, until_gone
from appliance.panel.problems import Problem
from appliance.panel.sessions import REMEMBERED_SECONDS, Session, Sessions

LOOK_SECONDS = 0.25  # for what is in no journal: a mailbox that cannot be reached
MOMENT_SECONDS = 0.1
LISTENERS_MOST = 200


class Feed:
    """All open pages of one panel."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._listeners: set[Listener] = set()
        self._newest = b""
        self._ended = False
        self._looking: asyncio.Task[None] | None = None

    async def serve(self, scope: Scope, receive: Receive, send: Send, sessions: Sessions) -> None:
        """Keep one response open until the page leaves, its session ends or the panel stops."""
        if len(self._listeners) >= LISTENERS_MOST:
            raise Problem(503, "busy", "Too many pages are open.", "Close some of them.")
        listener = Listener()
        self._listeners.add(listener)
        self._look_from_now_on(scope)
        leaving = asyncio.create_task(until_gone(listener, receive))
        try:
            await begin(send)
            await self._tell(listener, send, scope.get("auth"), sessions)
        finally:
            self._listeners.discard(listener)
            leaving.cancel()

    async def _tell(self, listener: Listener, send: Send, session: Session | None, sessions: Sessions) -> None:
        await chunk(send, self._newest or b": hello\n\n")
        told, pause = self._newest, HEARTBEAT_SECONDS
        while not (listener.gone or self._ended):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await listener.wake.wait()
            listener.wake.clear()
            if listener.gone:
                return
            pause = HEARTBEAT_SECONDS
            if session is not None and sessions.remembered(session.secret) is not None:
                pause = min(pause, REMEMBERED_SECONDS)  # what changed may be its end, so it is asked for a moment later
            elif session is not None and not await self._lives(session, sessions):
                break
            await chunk(send, self._newest if self._newest != told else STILL_HERE)
            told = self._newest
        await end(send)

    async def _lives(self, session: Session, sessions: Sessions) -> bool:
        """Asked when something has changed, for the end of a session is a change; at most once a second of each page."""
        with contextlib.suppress(TandemError):
            return await asyncio.get_running_loop().run_in_executor(None, sessions.ask, session.secret, False) is not None
        return False

    def _look_from_now_on(self, scope: Scope) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(stopping(scope)))

    async def _look(self, stopping: asyncio.Event) -> None:
        """Look at the node whenever its journal has grown, and now and then, while anybody listens."""
        loop, position = asyncio.get_running_loop(), -1
        while self._listeners and not stopping.is_set():
            looked = loop.time()
            with contextlib.suppress(TandemError):  # a node in trouble says so on the page itself
                status = await loop.run_in_executor(None, self._commands.status)
                position, seen = int(status.get("position", 0)), _as_event(status)
                if seen != self._newest:
                    self._newest = seen
                    self._wake()
            grown = loop.run_in_executor(None, self._commands.wait_for_change, position, LOOK_SECONDS)
            await _first_of(grown, stopping)
            await _first_of(asyncio.sleep(looked + MOMENT_SECONDS - loop.time()), stopping)  # many changes within a moment are one
        self._ended = stopping.is_set()
        self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.wake.set()


def _as_event(status: dict[str, Any]) -> bytes:
    queue = status.get("queue", {})
    counts = {name: queue.get(name, 0) for name in ("review", "late")}  # time alone makes a case late: no entry tells of it
    state = {"position": status.get("position", 0), **counts, "healthy": status.get("healthy", False), "pair": _pair_of(status)}
    return b"event: change\ndata: " + json.dumps(state, separators=(",", ":")).encode() + b"\n\n"


def _pair_of(status: dict[str, Any]) -> list[Any]:
    """Who leads, and who is seen: of a peer that falls silent no entry tells."""
    peer, witness = status.get("peer", {}), status.get("witness", {})
    return [
        status.get("role", ""),
        status.get("reason", ""),
        peer.get("seen", False),
        peer.get("in_sync", False),
        witness.get("seen", False),
    ]


async def _first_of(something: Awaitable[object], stopping: asyncio.Event) -> None:
    """Return when something has happened, or the panel stops."""
    stopped = asyncio.ensure_future(stopping.wait())
    happened = asyncio.ensure_future(something)
    await asyncio.wait((happened, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
