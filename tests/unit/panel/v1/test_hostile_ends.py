"""Whatever a client sends as a form, and whatever an engine's server answers: nobody stumbles, and nobody holds a place for ever."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from appliance.engines.writer.raw import RawLimits, RemoteModel
from appliance.panel.v1.stream import Answering, Line
from tests.unit.panel.conftest import Desk

ASK = "/v1/chat/completions"
JSON_HEAD = "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"


@contextmanager
def engine(answer: bytes) -> Iterator[RemoteModel]:
    """A server that says the same bytes to everybody and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    line.recv(65_536)
                    line.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield RemoteModel(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", "m", RawLimits(at_once=1, waiting=0))
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def answered(content: bytes, status: int = 200) -> bytes:
    return JSON_HEAD.format(status=status, length=len(content)).encode() + content


def ask(desk: Desk, model: RemoteModel, **more: Any) -> httpx.Response:
    desk.twin.raw = model
    with desk.client("key-of-an-admin") as admin:
        return admin.post(ASK, json={"model": "tandem-raw", "messages": [{"role": "user", "content": "Hello"}], **more})


@pytest.mark.parametrize(
    ("answer", "more", "status"),
    [
        (answered(b'{"choices":[{"message":{"content":"\xff"}}]}'), {}, 200),
        (answered(b'{"choices":[{"message":{"content":"\xff"}}]}'), {"response_format": {"type": "json_object"}}, 502),
        (answered(b'{"error":{"message":"\xff"}}', 500), {}, 502),
        (answered(b'{"choices":5}'), {"response_format": {"type": "json_object"}}, 502),
        (b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + answered(b"{}"), {}, 503),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, {}, 503),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nabc", {}, 503),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef", {}, 503),
    ],
)
def test_an_odd_answer_of_the_engine_is_told_in_words(desk: Desk, answer: bytes, more: dict[str, Any], status: int) -> None:
    with engine(answer) as model:
        assert ask(desk, model, **more).status_code == status


def test_what_an_engine_says_to_a_key_it_does_not_take_is_not_passed_on(desk: Desk) -> None:
    with engine(answered(b'{"error":{"message":"Wrong key: sk-of-the-house"}}', 401)) as model:
        told = ask(desk, model)
    assert told.status_code == 502
    assert "sk-of-the-house" not in told.text


def test_an_event_that_broke_off_is_ended_before_the_trouble_is_told(desk: Desk) -> None:
    with engine(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\ndata: {"choi') as model:
        events = ask(desk, model, stream=True).text.split("\n\n")
    assert events[0] == 'data: {"choi'
    assert json.loads(events[1].removeprefix("data: "))["error"]["code"] == "unavailable"


def test_a_client_that_reads_nothing_does_not_keep_the_work_going() -> None:
    ended: list[str] = []

    async def work(line: Line) -> None:
        try:
            await line.begin()
            await line.pass_on(b"data: 1\n\n")
        finally:
            ended.append("work")

    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    async def serve() -> None:
        await asyncio.wait_for(Answering(work, stuck_seconds=0.02).to_asgi_response()({"type": "http"}, never, never), 5)

    asyncio.run(serve())
    assert ended == ["work"]


def test_a_client_that_reads_slowly_is_served_to_the_end() -> None:
    sent: list[Any] = []

    async def work(line: Line) -> None:
        await line.begin()
        for _ in range(10):
            await asyncio.sleep(0.03)
            await line.pass_on(b"data: 1\n\n")
        await line.end()

    async def send(message: Any) -> None:
        await asyncio.sleep(0.01)
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    asyncio.run(Answering(work, stuck_seconds=0.1).to_asgi_response()({"type": "http"}, receive, send))  # type: ignore[arg-type]
    assert len(sent) == 12


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--XX\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


@pytest.mark.parametrize("model", [part("model", b"\xff\xfe"), part("model", b"x", "\r\ncontent-type: text/plain; charset=nix")])
@pytest.mark.parametrize(("path", "key"), [("/v1/audio/transcriptions", "key-of-an-agent"), ("/sign-in", "")])
def test_a_form_whose_text_is_none_is_refused(desk: Desk, path: str, key: str, model: bytes) -> None:
    body = part("file", b"RIFF....", '; filename="a.wav"') + model + b"--XX--\r\n"
    with desk.client(key) as client:
        answer = client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=XX"})
    assert answer.status_code == 400
