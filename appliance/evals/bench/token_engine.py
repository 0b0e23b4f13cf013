"""A language model's server that knows one word and says it as fast as it can: what a relay is measured against, and tested with.

Run as a program with a port, it answers ``POST /v1/chat/completions`` as such servers do. Each turn of its loop gives every stream one
token, as a model that works on all of them at once does; ``--pace`` waits so many seconds after each turn. ``GET /state`` tells how many
streams are open, how many ended, and how many were broken off by who asked. In ``max_tokens`` stands how many tokens to say.
"""

import argparse
import asyncio
import contextlib
import json
from typing import Any

TOKENS = 256
BUFFER_BYTES_MOST = 256 * 1024
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
_BASE = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "one-word"}


def event(value: Any) -> bytes:
    """One server-sent event in a chunk of its own (RFC 9112, 7.1)."""
    data = b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {**_BASE, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


TOKEN = event(_chunk({"content": "word "}))


class Stream:
    """One answer under way."""

    def __init__(self, writer: asyncio.StreamWriter, tokens: int, wants_usage: bool) -> None:
        self.writer, self.left, self.said, self.wants_usage = writer, tokens, 0, wants_usage
        self.ended = asyncio.Event()


class Engine:
    """All of them. What it has counted stands in ``state``."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._streams: set[Stream] = set()
        self._some = asyncio.Event()
        self.state = {"open": 0, "ended": 0, "broken_off": 0, "asked": 0}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next((int(row.partition(":")[2]) for row in head.split("\r\n") if row.startswith("content-length:")), 0)
            asked = json.loads(await reader.readexactly(length) or b"{}")
            await self._answer(head, asked, reader, writer)
        writer.close()

    async def _answer(self, head: str, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if head.startswith("get /state"):
            _whole(writer, self.state)
        elif asked.get("stream"):
            await self._stream(asked, reader, writer)
        else:
            self.state["asked"] += 1
            _whole(writer, _completion(asked))

    async def _stream(self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        usage = (asked.get("stream_options") or {}).get("include_usage", False)
        stream = Stream(writer, int(asked.get("max_tokens") or TOKENS), usage)
        writer.write(_HEAD + event(_chunk({"role": "assistant", "content": ""})))
        self.state["asked"] += 1
        self.state["open"] += 1
        self._streams.add(stream)
        self._some.set()
        leaving = asyncio.ensure_future(reader.read())
        ended = asyncio.ensure_future(stream.ended.wait())
        await asyncio.wait((leaving, ended), return_when=asyncio.FIRST_COMPLETED)
        self._streams.discard(stream)
        self.state["open"] -= 1
        self.state["ended" if stream.ended.is_set() else "broken_off"] += 1
        if stream.ended.is_set():
            await writer.drain()
        leaving.cancel()
        ended.cancel()

    async def work(self) -> None:
        """A token to every stream, again and again."""
        while True:
            await self._some.wait()
            for stream in list(self._streams):
                if stream.writer.transport.get_write_buffer_size() < BUFFER_BYTES_MOST:
                    self._say(stream)
            if not self._streams:
                self._some.clear()
            await asyncio.sleep(self._pace)

    def _say(self, stream: Stream) -> None:
        if stream.left:
            stream.writer.write(TOKEN)
            stream.left -= 1
            stream.said += 1
            return
        last = event(_chunk({}, "stop"))
        if stream.wants_usage:
            counted = {"prompt_tokens": 7, "completion_tokens": stream.said, "total_tokens": 7 + stream.said}
            last += event({**_BASE, "choices": [], "usage": counted})
        stream.writer.write(last + event(b"[DONE]") + b"0\r\n\r\n")
        stream.ended.set()
        self._streams.discard(stream)


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    """An answer in one piece: the last message once more, so that a test may choose what is said."""
    words = asked["messages"][-1]["content"]
    choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}
    return {**_BASE, "object": "chat.completion", "choices": [choice], "usage": usage, "asked": asked}


def _whole(writer: asyncio.StreamWriter, value: Any) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)


async def main(port: int, pace: float) -> None:
    engine = Engine(pace)
    server = await asyncio.start_server(engine.serve, "127.0.0.1", port, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)  # for whoever asked for port 0
    await engine.work()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--pace", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(main(given.port, given.pace))
