"""How an answer leaves: whole, or as server-sent events, and never longer than somebody is there to read it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.panel.open_line import begin, chunk, end, stopping
from appliance.panel.problems import problem_of

T = TypeVar("T")
DONE = b"data: [DONE]\n\n"
Headers = list[tuple[bytes, bytes]]
STILL_HERE_SECONDS = 15.0
STUCK_SECONDS = 60.0  # a client that is there and reads nothing holds an engine's place no longer than twice this
_STILL_HERE = b": still here\n\n"


class Gone(Exception):
    """Whoever asked is not there any more, or the server stops: there is nobody to tell."""


class Line:
    """The way to one client."""

    def __init__(self, send: Send) -> None:
        self._to_client = send
        self._handed_over = self._taken = 0
        self._last = b"\n"
        self.begun = self.ended = False

    async def begin(self) -> None:
        """From here on it is a stream of events."""
        self.begun = True
        await begin(self._send)

    async def tell(self, event: Any, name: str = "") -> None:
        """One event, as JSON; ``name`` where the client knows events by their names."""
        await self.pass_on((f"event: {name}\n".encode() if name else b"") + b"data: " + msgspec.json.encode(event) + b"\n\n")

    async def pass_on(self, piece: bytes) -> None:
        """Bytes of a stream that are right already."""
        self._last = piece
        await chunk(self._send, piece)

    async def tell_trouble(self, trouble: bytes) -> None:
        """The last event of a stream that cannot go on; what broke off in the middle of an event is ended first."""
        await self.pass_on((b"" if self._last.endswith(b"\n") else b"\n\n") + b"data: " + trouble + b"\n\n")

    async def end(self) -> None:
        self.ended = True
        await end(self._send)

    async def whole(self, value: Any) -> None:
        """The answer in one piece, as JSON."""
        await self.body(msgspec.json.encode(value), b"application/json")

    async def body(self, content: bytes, media_type: bytes) -> None:
        """The answer in one piece."""
        headers: Headers = [(b"content-type", media_type), (b"content-length", str(len(content)).encode())]
        self.begun = self.ended = True
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": content, "more_body": False})

    async def stuck(self, seconds: float) -> None:
        """Return once the client has not taken one and the same piece for so long."""
        before = -1
        while not (self._handed_over == before != self._taken):
            before = self._handed_over
            await asyncio.sleep(seconds)

    async def _send(self, message: Message) -> None:
        self._handed_over += 1
        await self._to_client(message)
        self._taken += 1


class Answering(Response[bytes]):
    """An answer that is worked out while it is sent. When its client goes, the work is cancelled at once; when it only stops reading,
    after ``stuck_seconds`` to twice as many.

    What goes wrong before the first byte is told like any other problem; in a stream it is an event, which clients raise as an error.
    """

    def __init__(self, work: Callable[[Line], Coroutine[Any, Any, None]], stuck_seconds: float = STUCK_SECONDS) -> None:
        super().__init__(b"")
        self._work = work
        self._stuck_seconds = stuck_seconds

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]  # it needs none of what is handed over
        return self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = Line(send)
        work = asyncio.ensure_future(self._work(line))
        leaving = asyncio.ensure_future(_until_gone(receive))
        ending = asyncio.ensure_future(stopping(scope).wait())
        stuck = asyncio.ensure_future(line.stuck(self._stuck_seconds))
        try:
            await asyncio.wait((work, leaving, ending, stuck), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, ending, stuck, *(() if work.done() else (work,))):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Gone):
                await _told(work, line)


async def _told(work: "asyncio.Future[None]", line: Line) -> None:
    try:
        await work
    except Exception as error:
        if not line.begun or line.ended:
            raise
        await line.tell_trouble(problem_of(error).as_openai_json())
        await line.end()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def patiently(line: Line, something: Awaitable[T]) -> T:
    """Wait for something with a sign of life now and then, so that nothing in between takes the line for dead."""
    waited = asyncio.ensure_future(something)
    try:
        while True:
            done, _ = await asyncio.wait((waited,), timeout=STILL_HERE_SECONDS)
            if done:
                return waited.result()
            if line.begun:
                await line.pass_on(_STILL_HERE)
    finally:
        waited.cancel()
