"""The recipe of the application for macOS, as far as it can be shown without a Mac: it builds, and what it builds holds together."""

import os
import plistlib
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import __version__
from tests.tidy.source import ROOT

RECIPE = ROOT / "packaging" / "macos"
SCRIPTS = sorted(RECIPE.glob("*.sh"))
BOTH = ("--address", "http://mini-1.local:8484", "--address", "http://mini-2.local:8484")
# On a Mac the icon becomes one file and the application is signed; both stand in CHECKLIST.md.
elsewhere = pytest.mark.skipif(
    sys.platform == "darwin" or shutil.which("rsvg-convert") is None,
    reason="rsvg-convert is not installed (Debian: apt-get install librsvg2-bin)",
)


def make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([RECIPE / "make-app.sh", *arguments, str(folder)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def tandem(tmp_path: Path) -> Path:
    """A command that says its version and writes down how it was called, in a folder with a blank in its name."""
    program = tmp_path / "a folder" / "tandem"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "tandem, version {__version__}" && exit\n'
        f'printf "%s\\n" "$LANG" "$@" >{shlex.quote(str(tmp_path / "called"))}\nexit "${{ENDS_WITH:-0}}"\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed (Debian: apt-get install shellcheck)")
def test_the_scripts_are_sound() -> None:
    assert len(SCRIPTS) == 2
    done = subprocess.run(["shellcheck", "--severity=style", *SCRIPTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@elsewhere
def test_the_application_says_who_it_is_and_has_its_icon_in_every_size(tmp_path: Path, tandem: Path) -> None:
    done = make(tmp_path / "build", "--tandem", str(tandem), *BOTH)
    assert done.returncode == 0, done.stderr
    contents = tmp_path / "build" / "Tandem.app" / "Contents"
    told = plistlib.loads((contents / "Info.plist").read_bytes())
    assert told["CFBundleShortVersionString"] == __version__
    assert os.access(contents / "MacOS" / told["CFBundleExecutable"], os.X_OK)
    assert "@" not in (contents / "Info.plist").read_text().partition("<dict>")[2]
    assert told["NSLocalNetworkUsageDescription"].endswith(".")
    assert "NSAllowsArbitraryLoads" not in told["NSAppTransportSecurity"]
    icons = contents / "Resources" / f"{told['CFBundleIconFile']}.iconset"
    sizes = {path.name: struct.unpack(">II", path.read_bytes()[16:24]) for path in icons.glob("*.png")}
    wanted = {
        f"icon_{size}x{size}{suffix}.png": (size * scale,) * 2
        for size in (16, 32, 128, 256, 512)
        for scale, suffix in ((1, ""), (2, "@2x"))
    }
    assert sizes == wanted


@elsewhere
def test_the_application_starts_the_window_with_both_addresses_and_a_language_and_ends_as_it_ends(tmp_path: Path, tandem: Path) -> None:
    assert make(tmp_path / "build", "--tandem", str(tandem), *BOTH).returncode == 0
    launcher = tmp_path / "build" / "Tandem.app" / "Contents" / "MacOS" / "Tandem"
    done = subprocess.run([launcher], env={"PATH": os.environ["PATH"]}, check=False)
    assert done.returncode == 0
    assert (tmp_path / "called").read_text().split("\n")[:-1] == ["en_US.UTF-8", "desktop", *BOTH]
    assert subprocess.run([launcher], env={"PATH": os.environ["PATH"], "ENDS_WITH": "1"}, check=False).returncode == 1


@elsewhere
def test_building_again_replaces_the_application_and_a_failed_build_leaves_it(tmp_path: Path, tandem: Path) -> None:
    assert make(tmp_path / "build", "--tandem", str(tandem)).returncode == 0
    marked = tmp_path / "build" / "Tandem.app" / "Contents" / "marked"
    marked.touch()
    assert make(tmp_path / "build", "--tandem", str(tmp_path / "nothing")).returncode == 2
    assert marked.exists()
    assert make(tmp_path / "build", "--tandem", str(tandem)).returncode == 0
    assert not marked.exists()


@pytest.mark.parametrize(
    "address", ["mini-1", "http://", "http://a b", "http://a'; rm -rf ~; '", "http://a|b", "http://$(id)&", "http://*"]
)
def test_what_is_no_address_never_gets_into_the_script(tmp_path: Path, tandem: Path, address: str) -> None:
    done = make(tmp_path / "build", "--tandem", str(tandem), "--address", address)
    assert done.returncode == 2
    assert "make-app.sh: " in done.stderr
    assert not (tmp_path / "build").exists()


def test_the_icon_is_the_mark_of_the_panel() -> None:
    mark = (ROOT / "web" / "static" / "mark.svg").read_text(encoding="utf-8")
    drawn = mark[mark.index("<circle") : mark.index("</svg>")]
    icon = (RECIPE / "icon.svg").read_text(encoding="utf-8")
    assert drawn in icon
    assert mark.partition('stroke="')[2].partition('"')[0] in icon
