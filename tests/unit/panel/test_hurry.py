"""Who opens a line and never comes to the point is shown out; who is merely slow with something to say is not."""

import socket
from collections.abc import Iterator

import pytest

from appliance.panel import hurry
from appliance.panel.front import PanelServer

SOON = 0.3


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(hurry, "HEAD_SECONDS", SOON)
    server = PanelServer()
    server.start("127.0.0.1", 0)
    yield server.port
    server.stop(2.0)


def line(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), 5)
    opened.settimeout(5)
    return opened


def whole(port: int) -> bytes:
    return f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def answer(opened: socket.socket) -> None:
    got = b""
    while not got.endswith(b"}"):
        piece = opened.recv(1000)
        assert piece, got
        got += piece


@pytest.mark.parametrize("begun", [b"", b"GET /li", b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_a_line_without_a_whole_request_is_closed(port: int, begun: bytes) -> None:
    with line(port) as opened:
        opened.sendall(begun)
        assert opened.recv(100) == b""


def test_a_second_request_that_is_never_finished_is_closed_too(port: int) -> None:
    with line(port) as opened:
        opened.sendall(whole(port))
        answer(opened)
        opened.sendall(b"GET /livez HTTP/1.1\r\n")
        assert opened.recv(100) == b""


def test_a_line_that_says_what_it_wants_stays_open_for_more(port: int) -> None:
    with line(port) as opened:
        for _ in range(3):
            opened.sendall(whole(port))
            answer(opened)
