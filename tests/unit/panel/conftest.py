"""A panel behind a real socket, in front of a node that lives in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from litestar import Litestar

from appliance.panel.app import build_app
from appliance.panel.door import PanelOptions
from appliance.panel.front import PanelServer
from tests.support.clock import FakeClock
from tests.support.panel_company import company
from tests.support.panel_twin import PanelTwin

NOW = 1_795_000_000.0  # 17 November 2026, 13.06.40 in Helsinki


@dataclass
class Desk:
    """One running panel and what stands behind it."""

    clock: FakeClock
    twin: PanelTwin
    app: Litestar
    address: str

    def client(self, key: str = "", *, html: bool = False, **headers: str) -> httpx.Client:
        """A program with a key, or nobody."""
        extra = {"x-api-key": key} if key else {}
        accept = {"accept": "text/html"} if html else {}
        return httpx.Client(base_url=self.address, headers={**extra, **accept, **headers}, timeout=10, trust_env=False)

    @contextmanager
    def browser(self, key: str = "key-of-an-agent", **headers: str) -> Iterator[httpx.Client]:
        """A browser that has signed in with a key."""
        with self.client(html=True, **headers) as client:
            answer = client.post("/sign-in", data={"key": key, "next": "/"})
            assert answer.status_code == 303, answer.text
            yield client


@pytest.fixture(scope="session")
def server() -> Iterator[PanelServer]:
    server = PanelServer()
    server.start("127.0.0.1", 0)
    yield server
    server.stop(2.0)


@pytest.fixture
def desk(server: PanelServer) -> Desk:
    """A fresh node and panel behind the socket."""
    return make_desk(server)


def make_desk(server: PanelServer) -> Desk:
    """A node and a panel, from now on behind the socket."""
    clock = FakeClock(NOW)
    twin = company(clock)
    options = PanelOptions(port=8484, company="Pohjolan Pumput", version="1.2.3", clock=clock, public_url="https://desk.example.com")
    desk = Desk(clock, twin, build_app(twin, options), f"http://127.0.0.1:{server.port}")
    server.attach(desk.app)
    while server._front._app is not desk.app:  # attached by the loop's own thread
        clock.wait(threading.Event(), 0)
    return desk


def token_of(page: str) -> str:
    """The form token that a page carries."""
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
