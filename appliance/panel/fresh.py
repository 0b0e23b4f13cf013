"""An answer that many ask for: made at most every tenth of a second, once for all who wait for it.

Monitors and open pages ask for the node's status all the time. Each question to the store costs a thread and a read; the
answer is encoded once and given to everybody who comes within the next tenth of a second, or while the next one is made.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Response

from appliance.ground.clock import Clock

FRESH_SECONDS = 0.1
STALE_SECONDS = 0.2


class Fresh:
    """One such answer. ``make`` is called in a thread; what it raises goes to those who waited, and is not kept."""

    def __init__(self, make: Callable[[], bytes], clock: Clock, media_type: str = "application/json") -> None:
        self._make = make
        self._clock = clock
        self._media_type = media_type
        self._made = b""
        self._at = 0.0
        self._making: asyncio.Future[bytes] | None = None

    async def response(self) -> Response[Any]:
        """The answer. One that is just over its time is still given out, while the next is being made: nobody waits for that."""
        age = self._clock.elapsed() - self._at
        if not self._made or age >= STALE_SECONDS:
            await asyncio.shield(self._begin())
        elif age >= FRESH_SECONDS:
            self._begin()
        return Response(self._made, media_type=self._media_type)

    def _begin(self) -> "asyncio.Future[bytes]":
        if self._making is None or self._making.done():
            self._making = asyncio.get_running_loop().run_in_executor(None, self._make)
            self._making.add_done_callback(self._keep)
        return self._making

    def _keep(self, making: "asyncio.Future[bytes]") -> None:
        """What could not be made is not kept; who waited for it is told, and who comes next asks again."""
        if not making.cancelled() and making.exception() is None:
            self._made, self._at = making.result(), self._clock.elapsed()
