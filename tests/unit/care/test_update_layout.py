"""Versions side by side, the link to the one in use, and the launcher that belongs to none of them."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from appliance.care.update import record
from appliance.care.update.facts import Facts, ours
from appliance.care.update.install import install
from appliance.care.update.layout import FACTS, PACKAGES, Layout, Trial, of_running, prepare, program, write_launcher
from appliance.ground.errors import Refused
from tests.support.clock import FakeClock
from tests.unit.care.test_update_wheel import make

PYTHON = '#!/bin/sh\nshift\nprintf "%s\\n" "{version}" "$@"\n'


def facts(version: str) -> Facts:
    return Facts(version=version, proto=1, least_proto=1, journal=1, schema=1)


def add(layout: Layout, version: str) -> Path:
    """A version whose Python says which one it is and what it was told."""
    python = layout.python(version)
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(version=version))
    python.chmod(0o755)
    (layout.of(version) / FACTS).write_bytes(msgspec.json.encode(facts(version)))
    return layout.of(version)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "it's here" / "versions")
    layout.folder.mkdir(parents=True)
    add(layout, "1.0")
    add(layout, "2.0")
    layout.point_to("1.0")
    write_launcher(layout)
    return layout


def started(layout: Layout, *words: str) -> list[str]:
    done = subprocess.run([str(layout.launcher), *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_launcher_starts_the_version_in_use_with_every_word(layout: Layout) -> None:
    assert started(layout, "--home", "a b", "run") == ["1.0", "-m", "appliance", "--home", "a b", "run"]
    layout.point_to("2.0")
    assert started(layout, "status")[:1] == ["2.0"]
    assert layout.in_use() == "2.0"


def test_on_trial_the_version_from_before_starts_the_daemon_and_nothing_else(layout: Layout) -> None:
    layout.write_trial(Trial(version="2.0", back_to="1.0", seconds=60, starts_left=3, home="/h"))
    layout.point_to("2.0")
    assert started(layout, "run")[:3] == ["1.0", "-m", "appliance.care.update.trial"]
    assert started(layout, "run")[3:] == [str(layout.folder), "run"]
    assert started(layout, "status")[:3] == ["2.0", "-m", "appliance"]
    layout.end_trial()
    assert started(layout, "run")[:3] == ["2.0", "-m", "appliance"]


def test_a_version_that_is_not_there_is_never_pointed_to(layout: Layout) -> None:
    for version in ("3.0", "../1.0", "current"):
        with pytest.raises(Refused):
            layout.point_to(version)
    assert layout.in_use() == "1.0"


def test_a_version_without_its_facts_is_half_there_and_counts_as_none(layout: Layout) -> None:
    (layout.of("2.0") / FACTS).unlink()
    assert layout.installed() == ("1.0",)
    assert layout.facts("2.0") is None
    assert layout.facts("1.0") == facts("1.0")


def test_old_versions_go_but_not_one_that_lends_its_packages(layout: Layout) -> None:
    for version in ("3.0", "4.0"):
        add(layout, version)
    place = layout.of("4.0") / "lib" / "python3.11" / "site-packages"
    place.mkdir(parents=True)
    (place / PACKAGES).write_text(f"{layout.of('1.0')}/lib/python3.11/site-packages\n")
    assert layout.clear({"3.0", "4.0"}) == ("2.0",)
    assert layout.installed() == ("1.0", "3.0", "4.0")


def test_an_ordinary_environment_becomes_the_first_version_where_it_lies(tmp_path: Path) -> None:
    prefix = tmp_path / "tandem"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").write_text(PYTHON.format(version="ordinary"))
    (prefix / "bin" / "python").chmod(0o755)
    (prefix / "bin" / "tandem").write_text("#!/bin/sh\nexit 9\n")
    for _ in range(2):
        layout = prepare(prefix, facts("1.0"))
        assert layout.installed() == ("1.0",)
        assert started(layout, "run") == ["ordinary", "-m", "appliance", "run"]
    add(layout, "2.0")
    layout.point_to("2.0")
    assert prepare(prefix, facts("1.0")).in_use() == "2.0"  # to prepare again is not to go back
    assert layout.clear({"2.0"}) == ()  # the first one is the environment itself


def test_a_program_knows_where_its_versions_lie(layout: Layout, tmp_path: Path) -> None:
    assert of_running(layout.of("1.0")) == layout
    assert of_running(layout.folder.parent) == layout
    assert of_running(tmp_path / "else") is None


def test_what_is_in_use_never_becomes_another_program_of_the_same_version(layout: Layout, tmp_path: Path) -> None:
    for version in ("2.0", "1.0"):
        layout.point_to(version)
        with pytest.raises(Refused, match="in use, with another content"):
            install(layout, make(tmp_path, version=version))
    layout.keep_previous("2.0")
    with pytest.raises(Refused, match="in use, with another content"):
        install(layout, make(tmp_path, version="2.0"))


def test_a_version_that_needs_other_packages_asks_for_a_folder_of_them(layout: Layout, tmp_path: Path) -> None:
    assert ours().needs != ("anyio", "click<9,>=8.1")
    with pytest.raises(Refused, match="other packages"):
        install(layout, make(tmp_path, version="3.0"))
    assert layout.installed() == ("1.0", "2.0")


def test_a_failed_installation_leaves_nothing(layout: Layout, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with pytest.raises(Refused, match="could not be installed"):
        install(layout, make(tmp_path, version="3.0"), wheels)  # its packages are not in the folder
    assert sorted(path.name for path in layout.folder.iterdir()) == ["1.0", "2.0", "current"]


def test_the_newest_lines_of_the_record_come_first_and_a_cut_one_is_left_out(tmp_path: Path) -> None:
    clock = FakeClock()
    record.note(tmp_path, clock, "installed", version="1.0")
    record.note(tmp_path, clock, "started", version="1.0")
    with (tmp_path / record.FILE).open("a") as file:
        file.write('{"at": 1, "ev')
    assert [line["event"] for line in record.last(tmp_path)] == ["started", "installed"]
    assert record.last(tmp_path / "nowhere") == []
    assert os.stat(tmp_path / record.FILE).st_mode & 0o077 == 0


def test_a_version_says_what_it_speaks() -> None:
    done = subprocess.run([sys.executable, "-m", "appliance.care.update.facts"], capture_output=True, check=True)
    assert msgspec.json.decode(done.stdout, type=Facts) == ours()


def test_a_service_starts_the_launcher_and_not_one_version(layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(layout.of("1.0")))
    assert program(layout.of("1.0") / "bin") == layout.launcher
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "plain"))
    assert program(tmp_path / "plain" / "bin") == tmp_path / "plain" / "bin" / "tandem"
