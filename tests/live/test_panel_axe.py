"""Accessibility, judged by axe-core on every page, light and dark, at a desk and on a phone."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, expect

from appliance.records.call import References
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, unfold, window
from tests.live.panel import FIRST, PAGES, Served, served
from tests.support.panel_company import calls
from tests.support.twin_call import A_REFERENCE

VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe-core" / "axe.min.js"
CALLS = {
    "calls": "/call",
    "a call": f"/call/c-{21:018d}",
    "a call without an address": f"/call/c-{22:018d}",
    "a call being heard": f"/call/c-{23:018d}",
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture  # each test puts the same talking point into the draft, which can be done once
def panel() -> Iterator[Served]:
    with served() as running:
        calls(running.twin)
        running.twin.references = References(found=(A_REFERENCE,), way="keyword", code="no_embedder")
        yield running


def test_the_vendored_judge_is_the_one_that_is_listed() -> None:
    listed = re.search(r"`axe-core/axe.min.js`.*`([0-9a-f]{64})`", (VENDOR / "README.md").read_text(encoding="utf-8"))
    assert listed is not None
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == listed[1]


@needs_chromium
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_shuts_anybody_out(browser: Browser, panel: Served, size: dict[str, int], colours: Literal["light", "dark"]) -> None:
    judge = AXE.read_text(encoding="utf-8")
    found: list[tuple[str, str, list[Any]]] = []
    with window(browser, size, colours) as context:
        page = context.new_page()
        for name, path in {"sign-in": "/sign-in", **PAGES, **CALLS}.items():
            if name == next(iter(PAGES)):
                page.goto(f"{panel.address}/sign-in?token={panel.token()}")
            page.goto(panel.address + path)
            unfold(page)
            page.evaluate(judge)
            for fault in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
                found.append((name, fault["id"], [(node["target"], node["failureSummary"]) for node in fault["nodes"]][:3]))
        page.goto(panel.address + CALLS["a call"])
        page.get_by_role("button", name="Put into the draft Delivery").click()
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_label("Look up in knowledge, playbook and manual").fill("warranty")
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator("#fallback")).to_be_visible()
        page.evaluate(judge)
        for fault in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
            found.append(("a call at work", fault["id"], [node["target"] for node in fault["nodes"]][:3]))
        page.goto(f"{panel.address}/review?case={FIRST}")
        page.evaluate("document.querySelector('[name=seen]').value = 'another draft'")
        page.get_by_role("button", name="Approve and send").click()
        expect(page.get_by_label("The reply as you left it")).to_be_visible()
        page.evaluate(judge)
        for fault in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
            found.append(("refused", fault["id"], [node["target"] for node in fault["nodes"]][:3]))
    assert found == []
