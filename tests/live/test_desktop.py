"""The desktop window, opened on a virtual display and photographed, in front of real panels and a real daemon."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from appliance.evals.bench.process import running
from appliance.records.person import Role
from appliance.records.work import File
from tests.live.desktop_window import Desktop, desktop
from tests.live.display import Display, display, needs_display
from tests.live.panel import FIRST, Served, served
from tests.support.home import make_home, wait_for

pytestmark = [needs_display, pytest.mark.timeout(180)]
pytest.importorskip("PySide6", reason="the desktop window is not installed (requirements/desktop.txt)")

GROUND = bytes((0xF5, 0xF7, 0xF7))  # the panel's --ground and --accent, as blue, green, red
ACCENT = bytes((0xCC, 0x55, 0x2C))


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    with display(tmp_path_factory.mktemp("display")) as found:
        yield found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A person's configuration folder, with a folder for downloads and a browser that writes down what it is asked to open."""
    folder = tmp_path / "config"
    (folder / "downloads").mkdir(parents=True)
    (folder / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{folder}/downloads"\n')
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >>{folder}/opened\n')
    browser.chmod(0o755)
    return folder


@pytest.fixture
def surroundings(screen: Display, config: Path) -> dict[str, str]:
    return {**screen.environment(), "BROWSER": str(config / "browser"), "TANDEM_HOME": str(config / "no-home")}


def title(window: Desktop) -> str:
    return str(window.ask("js", "document.title"))


def shows(window: Desktop, words: str) -> None:
    """The page that is shown has been painted and says this."""
    wait_for(lambda: words in str(window.ask("js", "document.body ? document.body.innerText : ''")), 30)


def is_dressed(window: Desktop) -> None:
    """The page has been given what a browser has: zoom by keys, and links that know where they lead."""
    wait_for(lambda: window.ask("js", "window.tandemWindow === true") is True, 30)


def test_the_window_is_painted_on_the_display(screen: Display, config: Path, surroundings: dict[str, str]) -> None:
    with served() as panel, desktop(config, surroundings, "desktop", "--address", panel.address) as window:
        shows(window, "Kirjaudu sisään")
        assert window.ask("title") == "Tandem"
        wait_for(lambda: screen.photograph().colours().get(ACCENT, 0) > 2_000, 30)  # the button
        colours = screen.photograph().colours()
        assert colours[GROUND] > 500_000
        assert len(colours) > 50, "letters have soft edges, so a page with words on it has many colours"
        assert window.close() == 0


def test_with_a_daemon_on_this_machine_the_window_is_signed_in_by_itself(
    tmp_path: Path, config: Path, surroundings: dict[str, str]
) -> None:
    home = make_home(tmp_path / "home")
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        surroundings |= {"TANDEM_HOME": str(home), "TANDEM_PANEL__PORT": str(daemon.port)}
        with desktop(config, surroundings, "desktop") as window:
            wait_for(lambda: "Yleiskuva" in title(window), 30)
            assert window.ask("url") == f"http://127.0.0.1:{daemon.port}/", "the token stays in no address"
            assert window.close() == 0


def sign_in(window: Desktop, panel: Served, path: str) -> None:
    """Through the door that a person would use, without typing."""
    window.ask("js", f"location.href = '/sign-in?token={panel.token(Role.AGENT)}&next={path}'")
    wait_for(lambda: window.ask("url") == f"{panel.address}{path}", 30)
    is_dressed(window)


def test_when_a_machine_dies_the_window_goes_on_with_the_other_and_says_when_neither_is_there(
    screen: Display, config: Path, surroundings: dict[str, str]
) -> None:
    with ExitStack() as both:
        second = both.enter_context(served())
        one = both.enter_context(ExitStack())
        first = one.enter_context(served())
        named = ("desktop", "--address", first.address, "--address", second.address)
        with desktop(config, surroundings, *named) as window:
            shows(window, "Kirjaudu sisään")
            sign_in(window, first, f"/cases/{FIRST}")
            one.close()
            wait_for(lambda: str(window.ask("url")).startswith(second.address), 40)
            assert FIRST in str(window.ask("url")), "the same page, as far as nobody is signed in there yet"
            shows(window, "Kirjaudu sisään")
            both.close()
            shows(window, "Kumpikaan laite ei vastaa")
            shows(window, "Neither appliance answers")
            wait_for(lambda: screen.photograph().colours().get(GROUND, 0) > 300_000, 20)
            window.ask("js", "document.querySelector('a').click()")  # somebody who cannot wait: back to the page, not to an error
            wait_for(lambda: not str(window.ask("url")).startswith("http"), 30)
            shows(window, "Ingen av maskinerna svarar")
            port = urlsplit(second.address).port
            with served(port or 0) as again:
                wait_for(lambda: str(window.ask("url")).startswith(again.address), 40)
                shows(window, "Kirjaudu sisään")


def test_links_to_elsewhere_open_in_the_browser_and_our_own_stay(config: Path, surroundings: dict[str, str]) -> None:
    with served() as panel, desktop(config, surroundings, "desktop", "--address", panel.address) as window:
        shows(window, "Kirjaudu sisään")
        is_dressed(window)
        add = "const link = document.createElement('a'); link.href = %r; link.target = %r; document.body.append(link); link.click();"
        window.ask("js", f"{{ {add % ('https://elsewhere.example/page', '')} }}")
        wait_for(lambda: (config / "opened").exists(), 20)
        assert (config / "opened").read_text().split() == ["https://elsewhere.example/page"]
        assert str(window.ask("url")).startswith(panel.address)
        window.ask("js", f"{{ {add % ('/static/mark.svg', '_blank')} }}")
        wait_for(lambda: str(window.ask("url")).endswith("/static/mark.svg"), 20)
        assert len((config / "opened").read_text().split()) == 1


def test_a_customers_file_is_saved_to_the_downloads(config: Path, surroundings: dict[str, str]) -> None:
    with served() as panel, desktop(config, surroundings, "desktop", "--address", panel.address) as window:
        panel.twin.kept[(FIRST, 0)] = File(name="tilausvahvistus.pdf", media_type="application/pdf", data=b"%PDF-1.7 of a test")
        shows(window, "Kirjaudu sisään")
        sign_in(window, panel, f"/cases/{FIRST}")
        window.ask("js", "document.querySelector('a[download]').click()")
        saved = config / "downloads" / "tilausvahvistus.pdf"
        wait_for(lambda: saved.exists() and saved.read_bytes() == b"%PDF-1.7 of a test", 20)


def test_a_page_is_given_no_function_of_ours_and_the_window_zooms_by_keys(config: Path, surroundings: dict[str, str]) -> None:
    with served() as panel, desktop(config, surroundings, "desktop", "--address", panel.address) as window:
        shows(window, "Kirjaudu sisään")
        is_dressed(window)
        assert window.ask("js", "Object.keys(window.pywebview ? window.pywebview.api : {}).length") == 0
        press = "document.dispatchEvent(new KeyboardEvent('keydown', {key: '%s', ctrlKey: true}))"
        window.ask("js", press % "+")
        assert window.ask("js", "document.documentElement.style.zoom") == "1.1"
        window.ask("js", "window.old = true; location.reload()")
        wait_for(lambda: window.ask("js", "document.documentElement.style.zoom + typeof window.old") == "1.1undefined", 20)
        is_dressed(window)
        window.ask("js", press % "0")
        assert window.ask("js", "document.documentElement.style.zoom") == "1"


def test_a_second_start_brings_the_first_to_the_front_and_the_next_one_has_its_size_and_addresses(
    config: Path, surroundings: dict[str, str]
) -> None:
    with served() as panel:
        with desktop(config, surroundings, "desktop", "--address", panel.address) as window:
            shows(window, "Kirjaudu sisään")
            second = subprocess.run(
                [sys.executable, "-m", "appliance", "desktop"], env={**os.environ, **surroundings, "XDG_CONFIG_HOME": str(config)},
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert (second.returncode, second.stdout) == (0, "The window is open already; it was asked to come to the front.\n")
            window.ask("resize", [900, 640])
            wait_for(lambda: window.ask("size") == [900, 640], 10)
            assert window.close() == 0
        with desktop(config, surroundings, "desktop") as window:
            shows(window, "Kirjaudu sisään")
            assert str(window.ask("url")).startswith(panel.address)
            assert window.ask("size") == [900, 640]
        assert oct((config / "tandem" / "window.json").stat().st_mode)[-3:] == "600"
        kept = sorted(path.name for path in (config / "tandem").rglob("*") if path.is_file())
        assert kept == ["window.json", "window.lock"], "no cookie, no page and no picture stays on the disk"


def test_closing_ends_the_process_even_while_a_thread_of_the_toolkit_waits_for_a_page(config: Path, surroundings: dict[str, str]) -> None:
    with served() as panel, desktop(config, surroundings, "desktop", "--address", panel.address) as window:
        window.ask("wait for ever")
        assert window.close() == 0
