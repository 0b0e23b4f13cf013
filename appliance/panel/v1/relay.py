"""Tokens of an engine's own server, passed on as they come: the one place where a stream is read and written in the same breath.

It speaks HTTP/1.1 (RFC 9112) over one connection a request: asyncio's streams, h11 for the two heads, ``framing`` for the body, which
has a chunk for each token. Whatever has arrived goes out in one piece, unread. When the block ends, for whatever reason, the connection
to the engine is cut at once, and the engine stops working.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import msgspec

from appliance.engines.errors import EngineDied, EngineNonsense, EngineTimeout, EngineUnavailable
from appliance.engines.writer.wire import Endpoint
from appliance.panel.problems import Problem
from appliance.panel.v1.framing import Body, OddFraming

CONNECT_SECONDS = 10.0
FIRST_WORD_SECONDS = 180.0  # a long prompt on a slow machine
SILENCE_SECONDS = 60.0
PIECE_BYTES = 65_536
ANSWER_BYTES_MOST = 8 * 1024 * 1024


class Upstream:
    """One answer of the engine's, on its way. ``status`` once its head has come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._body = Body(())
        self._arrived = b""
        self._silence = Silence(reader)
        self.status = 0

    async def ask(self, endpoint: Endpoint, path: str, body: bytes) -> None:
        """Send the request, and wait for the head of the answer."""
        line = h11.Connection(h11.CLIENT)
        headers = [
            ("Host", f"{endpoint.host}:{endpoint.port}"), ("Content-Type", "application/json"), ("Content-Length", str(len(body))),
            ("Accept", "text/event-stream, application/json"), ("Connection", "close"), *endpoint.headers.items(),
        ]  # fmt: skip
        request = h11.Request(method="POST", target=f"{endpoint.path_prefix}{path}", headers=headers)
        self._writer.write(b"".join(line.send(event) or b"" for event in (request, h11.Data(data=body), h11.EndOfMessage())))
        while not isinstance(event := line.next_event(), h11.Response):
            if event is not h11.NEED_DATA:
                raise broken_off()
            line.receive_data(await self._reader.read(PIECE_BYTES))
        self.status, self._body, self._arrived = event.status_code, Body(event.headers), line.trailing_data[0]

    async def pieces(self) -> AsyncIterator[bytes]:
        """What has arrived, as often as anything has. Raises an ``EngineError`` when it breaks off before its end."""
        data = self._arrived
        while True:
            if content := self._body.content(data):
                self._silence.broken()
                yield content
            if self._body.whole:
                return
            data = await self._reader.read(PIECE_BYTES)
            if not data and self._body.may_just_end:
                return
            if not data:
                raise broken_off()

    async def body(self) -> bytes:
        """All of it. Raises an ``EngineError`` for an answer that is too large or breaks off."""
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > ANSWER_BYTES_MOST:
                raise EngineNonsense("The language model's answer is too large.", "Ask for fewer tokens.")
        return bytes(found)

    def close(self) -> None:
        """Cut the line: the engine hears of it at once."""
        self._silence.end()
        self._writer.transport.abort()


class Silence:
    """Ends a reading when nothing has come for too long. One timer for a whole stream: one for each token would cost as much as it."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._loop, self._reader = asyncio.get_running_loop(), reader
        self._until = self._loop.time() + FIRST_WORD_SECONDS
        self._timer = self._loop.call_at(self._until, self._look)

    def broken(self) -> None:
        """Something has come."""
        self._until = self._loop.time() + SILENCE_SECONDS

    def end(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._look)
        else:
            self._reader.set_exception(EngineTimeout("The language model has fallen silent.", "Try again."))


@asynccontextmanager
async def upstream(endpoint: Endpoint) -> AsyncIterator[Upstream]:
    """A connection to the engine for one answer. Raises an ``EngineError`` when nobody listens or the line breaks."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            secured = ssl.create_default_context(cafile=endpoint.authorities or None) if endpoint.tls else None
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=secured, limit=4 * PIECE_BYTES)
    except (OSError, TimeoutError) as error:
        raise EngineUnavailable("The language model's server does not answer.", "Start it, or try again.") from error
    answer = Upstream(reader, writer)
    try:
        yield answer
    except (OSError, h11.ProtocolError, OddFraming) as error:
        raise broken_off() from error
    finally:
        answer.close()


def refusal_of(status: int, content: bytes) -> Problem:
    """What an engine's server said instead of answering. What it says to a key that it does not take may have the key in it."""
    words = "" if status in (401, 403) else _words_in(content)
    words = words or "it did not say why"
    if 400 <= status < 500 and status not in (401, 403):
        return Problem(400, "engine_refused", f"The language model refused the request: {words}")
    return Problem(502, "engine_failed", f"The language model failed ({status}): {words}", "", {"x-should-retry": "false"})


def _words_in(content: bytes) -> str:
    try:
        error: Any = msgspec.json.decode(content, type=dict[str, Any]).get("error", "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return str(error.get("message", "") if isinstance(error, dict) else error)[:300]


def broken_off() -> EngineDied:
    return EngineDied("The language model broke off.", "Try again.")
