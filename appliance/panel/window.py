"""The desktop window: the only place that knows pywebview.

It shows the panel as a browser would and adds nothing to it: no function of ours can be called by a page, the tools for developers
are off, links to elsewhere open in the person's own browser, and what is saved goes to the folder for downloads. It keeps nothing:
cookies and pages live in memory and end with the window, so that no customer's words stay behind on a desk.
"""

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import webview

from appliance.ground.assets import asset
from appliance.ground.errors import Refused

TITLE = "Tandem"
SMALLEST = (360, 480)  # pixels
BACKGROUND = "#f7f7f5"  # the panel's own ground, until the first page is drawn


class Window:
    """One window; made before the toolkit starts, shown by ``run``. ``nobody`` is the page for when no machine answers."""

    def __init__(self, link: str, nobody: str, size: tuple[int, int]) -> None:
        self._nobody = nobody
        self._size = size
        self._script = (asset("web") / "window" / "page.js").read_text(encoding="utf-8")
        self._shown = threading.Event()
        window = webview.create_window(
            TITLE, url=link or None, html=None if link else nobody, width=size[0], height=size[1], min_size=SMALLEST,
            background_color=BACKGROUND, text_select=True, zoomable=True,
        )  # fmt: skip
        assert window is not None
        self._window = window
        window.events.before_show += self._before_show
        window.events.shown += self._shown.set
        window.events.loaded += self._loaded
        window.events.resized += self._resized

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as the person left them."""
        return self._size

    def run(self, beside: Callable[[threading.Event], None]) -> None:
        """Show it until it is closed; ``beside`` runs in a thread of its own and is told when that is. For the main thread alone."""
        ended = threading.Event()
        thread = threading.Thread(target=self._when_shown, args=(beside, ended), name="steering", daemon=True)
        thread.start()
        webview.settings["ALLOW_DOWNLOADS"] = sys.platform == "darwin"  # elsewhere _before_show does it
        webview.settings["ALLOW_FILE_URLS"] = False
        webview.settings["OPEN_EXTERNAL_LINKS_IN_BROWSER"] = True
        logging.getLogger("pywebview").setLevel(logging.ERROR)
        try:
            webview.start(gui="qt" if sys.platform == "linux" else None, private_mode=True, debug=False)
        except webview.WebViewException as error:
            raise Refused("The window cannot be opened: what draws in it is missing.", "pip install 'tandem-appliance[desktop]'") from error
        finally:
            ended.set()
            self._shown.set()

    def shown(self) -> str:
        return self._window.get_current_url() or ""

    def go(self, link: str) -> None:
        self._window.load_url(link)

    def show_nobody(self) -> None:
        if self.shown().startswith("http"):
            self._window.load_html(self._nobody, "")

    def to_front(self) -> None:
        self._window.restore()
        self._window.show()

    def _when_shown(self, beside: Callable[[threading.Event], None], ended: threading.Event) -> None:
        self._shown.wait()
        beside(ended)

    def _before_show(self) -> None:
        """On Linux the toolkit offers a file to be saved and pywebview 6.2 cannot take it: Qt itself puts it to the downloads."""
        profile: Any = getattr(self._window.native, "profile", None)
        if profile is not None:
            profile.downloadRequested.connect(lambda download: download.accept())

    def _loaded(self) -> None:
        if self.shown().startswith("http"):
            self._window.run_js(self._script)

    def _resized(self, width: int, height: int) -> None:
        self._size = (int(width), int(height))
