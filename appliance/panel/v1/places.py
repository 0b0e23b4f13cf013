"""How many may be served at once, and how many may wait: a limit with a word about when to come again."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.panel.v1.failures import busy

WAIT_SECONDS_MOST = 60.0


class Places:
    """Places at one engine, given in the order of coming. Used in the event loop alone."""

    def __init__(self, at_once: int, waiting: int, wait_seconds: float = WAIT_SECONDS_MOST) -> None:
        self._free = at_once
        self._waiting_most = waiting
        self._wait_seconds = wait_seconds
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._line)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place, for as long as the block runs. Raises a problem (429) when the line is full, or does not move."""
        await self._take()
        try:
            yield
        finally:
            self._give_back()

    async def _take(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._line) >= self._waiting_most:
            raise busy()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except TimeoutError as error:
            self._leave(turn)
            raise busy() from error
        except asyncio.CancelledError:
            self._leave(turn)
            raise

    def _leave(self, turn: "asyncio.Future[None]") -> None:
        """Somebody who waited goes; a place that they were given at the same moment goes to the next."""
        if turn in self._line:
            self._line.remove(turn)
        elif turn.done() and not turn.cancelled():
            self._give_back()

    def _give_back(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
