"""A real browser for tests: Debian's Chromium, headless, without talk to its maker."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """One browser, closed at the end. ``more``: further arguments, such as a made-up microphone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *more])
        try:
            yield browser
        finally:
            browser.close()


def window(
    browser: Browser, size: dict[str, int], colours: Literal["light", "dark"] = "light", language: str = "en", scripts: bool = True
) -> BrowserContext:
    """A fresh window of its own: no cookies, no storage."""
    return browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme=colours,
        locale=language,
        timezone_id="Europe/Helsinki",
        java_script_enabled=scripts,
        reduced_motion="reduce",  # a colour on its way to another one is none that anybody reads
    )


def unfold(page: Page) -> None:
    """Open everything on the page that is folded away."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")


needs_chromium = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed (Debian: apt-get install chromium)")
