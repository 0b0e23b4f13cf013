"""The live line: one look for all, the newest state for each, and an end when the session ends."""

import asyncio
from typing import Any

from appliance.panel import feed as module
from appliance.panel.feed import Feed
from appliance.panel.front import STOPPING
from appliance.panel.sessions import Session, Sessions
from tests.support.clock import FakeClock
from tests.support.panel_twin import PanelTwin


class Page:
    """An open page: what it was sent, and a way for it to leave."""

    def __init__(self, session: Session | None = None) -> None:
        self.sent: list[bytes] = []
        self.ended = False
        self.left = asyncio.Event()
        self.heard = asyncio.Event()
        self.stopping = asyncio.Event()
        self.scope: Any = {"type": "http", "auth": session, "extensions": {STOPPING: self.stopping}}

    async def receive(self) -> Any:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.sent.append(message["body"])
            self.ended = not message["more_body"]
            self.heard.set()

    async def hear(self, times: int = 1) -> None:
        """Wait until so many more pieces have come."""
        for _ in range(times):
            async with asyncio.timeout(5):
                await self.heard.wait()
            self.heard.clear()


def test_a_change_reaches_every_open_page_and_nothing_comes_while_nothing_changes(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOMENT_SECONDS", 0.001)

    async def scene() -> None:
        clock = FakeClock()
        twin = PanelTwin(clock=clock)
        sessions = Sessions(twin.session_of, clock)
        feed, pages = Feed(twin), [Page(), Page()]
        streams = [asyncio.create_task(feed.serve(page.scope, page.receive, page.send, sessions)) for page in pages]
        while not all(any(b"change" in piece for piece in page.sent) for page in pages):
            await asyncio.sleep(0.005)
        before = [len(page.sent) for page in pages]
        await asyncio.sleep(0.05)
        assert [len(page.sent) for page in pages] == before
        for page in pages:
            page.heard.clear()
        twin.position += 1
        for page in pages:
            await page.hear()
            assert b'"position":2' in page.sent[-1]
        assert pages[0].sent[-1] is pages[1].sent[-1]  # encoded once
        for page in pages:
            page.left.set()
        await asyncio.gather(*streams)
        assert not feed._listeners

    asyncio.run(scene())


def test_nobody_looks_when_nobody_listens(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOMENT_SECONDS", 0.001)

    async def scene() -> None:
        clock = FakeClock()
        twin, page = PanelTwin(clock=clock), Page()
        feed = Feed(twin)
        stream = asyncio.create_task(feed.serve(page.scope, page.receive, page.send, Sessions(twin.session_of, clock)))
        await page.hear()
        page.left.set()
        await stream
        assert feed._looking is not None
        async with asyncio.timeout(5):
            await feed._looking

    asyncio.run(scene())


def test_the_line_ends_with_the_session_and_with_the_panel(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOMENT_SECONDS", 0.001)
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)

    async def scene() -> None:
        clock = FakeClock()
        twin = PanelTwin(clock=clock)
        sessions = Sessions(twin.session_of, clock)
        session = sessions.ask(twin.sign_in_with_key("key-of-an-agent"))
        assert session is not None
        mine, other = Page(session), Page()
        feed = Feed(twin)
        streams = [asyncio.create_task(feed.serve(page.scope, page.receive, page.send, sessions)) for page in (other, mine)]
        await mine.hear(2)
        assert not mine.ended
        clock.move(13 * 3600)
        async with asyncio.timeout(5):
            await streams[1]
        assert mine.ended
        assert not other.ended
        other.stopping.set()
        async with asyncio.timeout(5):
            await streams[0]
        assert other.ended

    asyncio.run(scene())


def test_the_line_of_a_browser_that_was_signed_out_ends_without_waiting_for_a_heartbeat(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOMENT_SECONDS", 0.001)
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 3600.0)

    async def scene() -> None:
        clock = FakeClock()
        twin = PanelTwin(clock=clock)
        sessions = Sessions(twin.session_of, clock)
        secret = twin.sign_in_with_key("key-of-an-agent")
        page = Page(sessions.ask(secret))
        stream = asyncio.create_task(Feed(twin).serve(page.scope, page.receive, page.send, sessions))
        await page.hear(2)
        twin.sign_out(secret)
        clock.move(1.0)
        async with asyncio.timeout(5):
            await stream
        assert page.ended

    asyncio.run(scene())


def test_a_node_in_trouble_does_not_break_the_line(monkeypatch: Any) -> None:
    from appliance.ground.errors import StoreError

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOMENT_SECONDS", 0.001)

    async def scene() -> None:
        clock = FakeClock()
        twin, page = PanelTwin(clock=clock), Page()
        working, looks = twin.status, []

        def stumbling() -> Any:
            looks.append(1)
            if len(looks) < 3:
                raise StoreError("The disk is gone.", "Bring it back.")
            return working()

        monkeypatch.setattr(twin, "status", stumbling)
        stream = asyncio.create_task(Feed(twin).serve(page.scope, page.receive, page.send, Sessions(twin.session_of, clock)))
        await page.hear(2)
        assert b"change" in page.sent[-1]
        page.left.set()
        await stream

    asyncio.run(scene())


def test_a_case_that_becomes_late_is_a_change_though_nothing_was_written() -> None:
    assert module._as_event({"position": 7, "queue": {"late": 1}}) != module._as_event({"position": 7, "queue": {"late": 0}})
