"""``tandem desktop`` where no window can be opened: each time it says why, and what to do."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.desktop import check_machine
from appliance.cli.main import tandem
from appliance.ground.errors import Refused

DISPLAY = {"DISPLAY": ":7", "QTWEBENGINE_CHROMIUM_FLAGS": "--no-sandbox"}
needs_window = pytest.mark.skipif(importlib.util.find_spec("webview") is None, reason="the desktop window is not installed")


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webview", None)
    with pytest.raises(Refused) as refused:
        check_machine(DISPLAY, "linux")
    assert "tandem-appliance[desktop]" in refused.value.remedy


@needs_window
def test_without_a_display_it_says_where_to_run_it() -> None:
    with pytest.raises(Refused, match="no display"):
        check_machine({}, "linux")
    check_machine({**DISPLAY, "DISPLAY": "", "WAYLAND_DISPLAY": "wayland-0"}, "linux")
    check_machine({}, "darwin")


@needs_window
def test_root_is_turned_away_because_pages_are_drawn_in_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Refused, match="root"):
        check_machine({"DISPLAY": ":7"}, "linux")


@needs_window
def test_without_a_daemon_and_without_an_address_it_says_how_to_start_one(tmp_path: Path) -> None:
    environment = {
        **DISPLAY,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "TANDEM_HOME": str(tmp_path / "home"),
        "TANDEM_PANEL__PORT": "9",
    }
    done = CliRunner().invoke(tandem, ["desktop"], env=environment)
    assert isinstance(done.exception, Refused)
    assert "tandem run" in done.exception.remedy
    assert "--address" in done.exception.remedy


@needs_window
def test_an_address_that_is_none_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        tandem,
        ["desktop", "--address", "file:///etc/passwd"],
        env={**DISPLAY, "XDG_CONFIG_HOME": str(tmp_path), "TANDEM_HOME": str(tmp_path)},
    )
    assert isinstance(done.exception, Refused)
    assert not (tmp_path / "tandem" / "window.json").exists()
