"""The front: heard at once, patient while the rest is built, gone within a second."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from appliance.panel import front
from appliance.panel.app import build_app
from appliance.panel.door import PanelOptions
from appliance.panel.front import PanelError, PanelServer, Probes
from tests.support.clock import FakeClock
from tests.support.panel_twin import PanelTwin


@pytest.fixture
def server() -> Iterator[PanelServer]:
    server = PanelServer()
    server.start("127.0.0.1", 0)
    yield server
    server.stop(2.0)


def ask(server: PanelServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as line:
        line.request(method, path, headers=headers)
        answer = line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


async def hello(scope: front.Scope, receive: front.Receive, send: front.Send) -> None:  # noqa: ARG001
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_the_probes_answer_before_there_is_an_app(server: PanelServer) -> None:
    assert ask(server, "/healthz")[0::2] == (200, b'{"status":"ok","model_loaded":true}')
    assert ask(server, "/livez")[0::2] == (200, b'{"status":"ok"}')
    assert ask(server, "/readyz")[0::2] == (503, b'{"status":"starting"}')
    assert ask(server, "/healthz", "HEAD")[0::2] == (200, b"")
    server.attach(hello)
    assert ask(server, "/anything")[2] == b"hello"
    assert ask(server, "/readyz")[0] == 200


def test_the_probes_tell_when_the_model_is_there_and_the_node_ready() -> None:
    state = {"model": False, "ready": False}
    probes = Probes(lambda: state["model"], lambda: state["ready"])
    probes.attached = True
    assert probes.answer("/healthz") == (200, {"status": "ok", "model_loaded": False})
    assert probes.answer("/readyz")[0] == 503
    state |= {"model": True, "ready": True}
    assert probes.answer("/healthz")[1]["model_loaded"] is True
    assert probes.answer("/readyz")[0] == 200


def test_a_request_that_comes_early_is_answered_when_the_app_is_there(server: PanelServer) -> None:
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(ask(server, "/early")[2]))
    asking.start()
    while not server._front._waiting:
        assert asking.is_alive()
    server.attach(hello)
    asking.join(5)
    assert answers == [b"hello"]


def test_who_waits_too_long_is_told_to_come_back(server: PanelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HOLD_SECONDS", 0.01)
    status, headers, body = ask(server, "/early")
    assert (status, headers["retry-after"]) == (503, "2")
    assert json.loads(body)["error"]["code"] == "starting"


def test_no_answer_names_the_program_that_serves_it(server: PanelServer) -> None:
    assert "server" not in ask(server, "/healthz")[1]


def test_a_taken_port_is_told_with_who_holds_it_and_what_to_do(server: PanelServer) -> None:
    with pytest.raises(PanelError) as caught:
        PanelServer().start("127.0.0.1", server.port)
    assert f"Port {server.port}" in caught.value.message
    assert "(process " in caught.value.message
    assert "[panel] port" in caught.value.remedy


def test_an_address_that_is_not_ours_is_told_with_a_remedy() -> None:
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(PanelError) as caught:
            PanelServer().start(host, 0)
        assert host in caught.value.message
        assert "[panel] host" in caught.value.remedy


def test_stopping_twice_or_without_a_start_does_nothing() -> None:
    server = PanelServer()
    server.stop()
    server.start("127.0.0.1", 0)
    server.stop()
    server.stop()


def test_stopping_ends_open_streams_within_a_second() -> None:
    clock = FakeClock()
    server = PanelServer()
    server.start("127.0.0.1", 0)
    server.attach(build_app(PanelTwin(clock=clock), PanelOptions(clock=clock)))
    lines = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
    for line in lines:
        line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\nX-API-Key: key-of-a-viewer\r\n\r\n")
    for line in lines:
        assert b"200 OK" in line.recv(4096)
    started = time.monotonic()
    server.stop(5.0)
    assert time.monotonic() - started < 1.0
    assert server._thread is not None
    assert not server._thread.is_alive()
    for line in lines:
        line.close()


def test_the_front_starts_without_the_web_framework() -> None:
    code = (
        "import sys; from appliance.panel.front import PanelServer; s = PanelServer(); s.start('127.0.0.1', 0);"
        "heavy = {'litestar', 'jinja2', 'msgspec', 'httpx', 'psutil', 'appliance.store'} & set(sys.modules); s.stop();"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
