"""A hostile mail in a real browser: no script of it runs, and nothing leaves the machine."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from appliance.panel import safe_html
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.panel import Served, served
from tests.support.panel_twin import a_case

pytestmark = needs_chromium

CASE = "c-000000000000000666"
HARM = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"><svg onload=\"document.title='taken'\">\"'"


def hostile_html(address: str) -> str:
    """Every way we know of to run something or to tell somebody that the mail was opened."""
    return f"""
<base href="{address}/"><link rel="stylesheet" href="{address}/style.css"><link rel="preconnect" href="{address}">
<link rel="dns-prefetch" href="{address}"><link rel="prefetch" href="{address}/prefetch">
<meta http-equiv="refresh" content="0;url={address}/meta">
<style>@import url("{address}/import.css");
body{{background:url({address}/background)}}
@font-face{{font-family:x;src:url({address}/font)}}</style>
<p style="background:url({address}/inline)" onclick="x()" onmouseover="x()">Hello</p>
<script>document.title='taken';top.document.title='taken';fetch('{address}/fetch')</script>
<script src="{address}/script.js"></script>
<img src="{address}/pixel.gif"><img srcset="{address}/set.png 1x">
<picture><source srcset="{address}/source.png"><img src="{address}/p.png"></picture>
<video src="{address}/video" poster="{address}/poster" autoplay></video><audio src="{address}/audio" autoplay></audio>
<iframe src="{address}/frame"></iframe><object data="{address}/object"></object><embed src="{address}/embed">
<form action="{address}/form" id="f"><input name="a" autofocus onfocus="x()"><button>go</button></form>
<svg><image href="{address}/svg"/><use href="{address}/use#a"/><script>top.document.title='taken'</script></svg>
<a href="javascript:top.document.title='taken'" id="j">click</a><a href="{address}/link" id="l" target="_top">click</a>
<a href="{address}/ping" ping="{address}/ping">ping</a><table background="{address}/table"><tr><td>x</td></tr></table>
<math><mtext><table><mglyph><style><img src=x onerror="top.document.title='taken'"></style></mglyph></table></mtext></math>
"""


class Listener:
    """Somebody who waits for a sign of life: ``calls`` counts connections, ``words`` those on which something was said.

    They differ without the sanitiser alone: Chromium connects ahead for a frame before it asks the policy, and then says nothing.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.calls = 0
        self.words = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            threading.Thread(target=self._listen, args=(line,), daemon=True).start()

    def _listen(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.settimeout(5)
            self.words += bool(line.recv(1))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@contextmanager
def hostile_panel() -> Iterator[tuple[Served, Listener]]:
    listener = Listener()
    with served() as panel:
        clock = panel.twin.clock
        html = hostile_html(listener.address)
        panel.twin.add(
            a_case(
                666,
                clock,
                minutes=666,
                subject=HARM,
                name=HARM,
                address="x@example.fi",
                text=HARM,
                full_text=HARM + "\n> " + HARM,
                html=html,
            )
        )
        yield panel, listener
    listener.close()


def open_everything(page: Page, panel: Served) -> list[str]:
    """Look at the mail in every way the panel offers; returns the addresses that were asked for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/review", f"/review?case={CASE}", f"/cases/{CASE}", "/cases", f"/cases?text={CASE}"):
        page.goto(panel.address + path)
        for fold in page.locator("details:visible > summary").all():
            fold.click()
        if page.locator("iframe:visible").count():
            page.locator("iframe:visible").first.scroll_into_view_if_needed()
        page.wait_for_timeout(400)
        assert page.title() != "taken", path
    return asked


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("sanitiser", ["on", "off"])
def test_nothing_of_a_hostile_mail_runs_or_leaves(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, sanitiser: str, size: dict[str, int]
) -> None:
    if sanitiser == "off":  # what stands behind the sanitiser must hold without it
        monkeypatch.setattr(safe_html, "sanitise", lambda html: html)
    with hostile_panel() as (panel, listener), window(browser, size) as context:
        asked = open_everything(panel.enter(context), panel)
        context.pages[0].goto(f"{panel.address}/cases/{CASE}")
        for fold in context.pages[0].locator("details:visible > summary").all():
            fold.click()
        inner = context.pages[0].frame_locator("iframe:visible").first
        for link in inner.locator("a").all():
            link.click(timeout=1500, no_wait_after=True)
            context.pages[0].wait_for_timeout(100)
        assert context.pages[0].title() != "taken"
        assert context.pages[0].url == f"{panel.address}/cases/{CASE}"
        assert len(context.pages) == 1
        assert listener.words == 0
        if sanitiser == "on":  # then nothing is even tried
            assert listener.calls == 0
            assert [url for url in asked if not url.startswith((panel.address, "data:"))] == []
    assert panel.twin.done == []


def test_the_mail_opened_by_itself_is_as_harmless_as_in_its_frame(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_html, "sanitise", lambda html: html)
    with hostile_panel() as (panel, listener), window(browser, DESKTOP) as context:
        page = panel.enter(context)
        page.goto(f"{panel.address}/cases/{CASE}/message")
        page.wait_for_timeout(500)
        assert page.title() == "Message"
        assert listener.words == 0


def test_the_listener_would_have_heard(browser: Browser) -> None:
    listener = Listener()
    with window(browser, DESKTOP) as context:
        page = context.new_page()
        page.set_content(f'<img src="{listener.address}/pixel.gif">')
        page.wait_for_timeout(300)
    assert listener.calls > 0
    assert listener.words > 0
    listener.close()
