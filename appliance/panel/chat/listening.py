"""The line on which an open page hears how its conversation goes on.

One look for all pages together, and only after the node has told of news. A page gets the whole conversation as it stands, not a
list of changes: one that was cut off has nothing to catch up with.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from litestar.types import Receive, Scope, Send

from appliance.ground.errors import TandemError
from appliance.panel.doors.chat import ChatDoor
from appliance.panel.open_line import HEARTBEAT_SECONDS, STILL_HERE, Listener, begin, chunk, end, stopping, until_gone
from appliance.panel.problems import Problem

LISTENERS_MOST = 300
NEWS_SECONDS = 1.0  # that one look waits for news, so that a stop is heard
REST_SECONDS = 0.05  # between two looks at most so often: a busy node has news without end

_HELLO = b": hello\n\n"

Told = Callable[[str], Awaitable[tuple[bytes, bool]]]  # of a conversation: what is said of it now, and whether it has ended


class _Listener(Listener):
    """One open page, and the conversation that it shows."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session
        self.mark = ""


class Listening:
    """All open pages of one chat."""

    def __init__(self, commands: ChatDoor) -> None:
        self._commands = commands
        self._listeners: set[_Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._ended = False

    async def serve(self, scope: Scope, receive: Receive, send: Send, session: str, tell: Told) -> None:
        """Keep one response open until the page leaves, the conversation ends or the chat stops."""
        if len(self._listeners) >= LISTENERS_MOST:
            raise Problem(503, "busy", "Too many pages are open.", "Try again in a minute.")
        listener = _Listener(session)
        self._listeners.add(listener)
        self._look_from_now_on(scope)
        leaving = asyncio.create_task(until_gone(listener, receive))
        try:
            await begin(send)
            await chunk(send, _HELLO)
            await self._tell(listener, send, tell)
        finally:
            self._listeners.discard(listener)
            leaving.cancel()

    async def _tell(self, listener: _Listener, send: Send, tell: Told) -> None:
        said, ended = await tell(listener.session)
        await chunk(send, _event(said))
        while not (listener.gone or self._ended or ended):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await listener.wake.wait()
            if listener.gone:
                return
            if not listener.wake.is_set():
                await chunk(send, STILL_HERE)
                continue
            listener.wake.clear()
            said, ended = await tell(listener.session)
            await chunk(send, _event(said))
        await end(send)

    def _look_from_now_on(self, scope: Scope) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(stopping(scope)))

    async def _look(self, stopping: asyncio.Event) -> None:
        """Look at the marks of the conversations whenever there is news, while anybody listens."""
        loop, heard = asyncio.get_running_loop(), -1
        while self._listeners and not stopping.is_set():
            with contextlib.suppress(TandemError):  # a node in trouble has no news; its pages keep what they have
                heard = await loop.run_in_executor(None, self._commands.chat_news, heard, NEWS_SECONDS)
                sessions = tuple({listener.session for listener in self._listeners})
                self._compare(await loop.run_in_executor(None, self._commands.chat_marks, sessions))
            await asyncio.sleep(REST_SECONDS)
        self._ended = stopping.is_set()
        for listener in self._listeners:
            listener.wake.set()

    def _compare(self, marks: dict[str, str]) -> None:
        for listener in self._listeners:
            mark = marks.get(listener.session, listener.mark)
            if mark != listener.mark:
                listener.mark = mark
                listener.wake.set()


def _event(said: bytes) -> bytes:
    return b"event: conversation\ndata: " + said + b"\n\n"
