"""One question on its way through the desk: in a thread of its own, with word of how far it is, and given up when nobody waits."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from appliance.panel.doors.v1 import V1Door
from appliance.panel.v1.places import Places
from appliance.panel.v1.stream import Gone
from appliance.records.answer import Outcome
from appliance.records.asking import Turn
from appliance.records.language import Code

T = TypeVar("T")
Told = Callable[[Any], Awaitable[None]]
_END = object()


class Bench:
    """Threads of their own for slow work, so that a slow engine takes none from the panel's pages; and a line before them."""

    def __init__(self, name: str, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, name)
        self._places = Places(at_once, waiting)

    async def work(self, task: Callable[[Callable[[Any], None]], T], told: Told) -> T:
        """Run ``task`` in a thread. What it says by its argument comes to ``told``, in order; when the caller is cancelled, its next
        word raises ``Gone`` in the task."""
        loop, gone, words = asyncio.get_running_loop(), threading.Event(), asyncio.Queue[Any]()

        def say(word: Any) -> None:
            if gone.is_set():
                raise Gone
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(words.put_nowait, word)

        def run() -> T:
            try:
                return task(say)
            finally:
                with contextlib.suppress(Gone):
                    say(_END)

        async with self._places.one():
            working = loop.run_in_executor(self._threads, run)
            try:
                while (word := await words.get()) is not _END:
                    await told(word)
                return await working
            finally:
                gone.set()
                working.cancel()  # when its thread has not begun with it yet


async def nobody(_: Any) -> None:
    """For who does not want to know how far it is."""


class Desk:
    """The desk as the door uses it: a few questions at once."""

    AT_ONCE, WAITING = 4, 32

    def __init__(self, commands: V1Door) -> None:
        self._commands = commands
        self._bench = Bench("v1-ask", self.AT_ONCE, self.WAITING)

    async def ask(self, turns: Sequence[Turn], language: Code | None, told: Told = nobody) -> Outcome:
        """The outcome; ``told`` hears of each state on the way."""
        return await self._bench.work(lambda say: self._commands.ask_conversation(turns, language or "", say), told)
