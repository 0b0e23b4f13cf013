"""A version on trial goes back by itself, whatever it does and whoever watches."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance.care.update import record, trial
from appliance.care.update.layout import Layout, Trial
from appliance.ground.clock import SystemClock
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.home import wait_for
from tests.unit.care.test_update_layout import add

MAIN = "import sys; from appliance.care.update.trial import main; main(sys.argv[1:])"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "versions")
    layout.folder.mkdir()
    add(layout, "1.0")
    add(layout, "2.0")
    layout.point_to("1.0")
    (tmp_path / "home" / "pair").mkdir(parents=True)
    return layout


def begin(layout: Layout, seconds: float = 60.0) -> Trial:
    return trial.begin(layout, "2.0", seconds, layout.folder.parent / "home")


def start(layout: Layout, *words: str) -> str:
    """Start it as the launcher does; the version that came of it."""
    done = subprocess.run([sys.executable, "-c", MAIN, str(layout.folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def test_a_version_that_ends_at_once_is_started_three_times_and_then_left(layout: Layout) -> None:
    begin(layout)
    assert [start(layout, "--home", "h", "run") for _ in range(5)] == ["2.0", "2.0", "2.0", "1.0", "1.0"]
    assert layout.in_use() == "1.0"
    assert layout.trial() is None
    (line,) = record.last(layout.folder.parent / "home")
    assert (line["event"], line["version"], line["left"], line["reason"]) == ("rolled_back", "1.0", "2.0", "does_not_start")


def test_only_the_daemons_start_is_counted(layout: Layout) -> None:
    begin(layout)
    assert [start(layout, "status", "run") for _ in range(5)] == ["2.0"] * 5
    assert trial.is_run(["--home", "run", "status"]) is False
    assert trial.is_run(["--home=x", "run", "--no-panel"]) is True
    assert trial.is_run([]) is False


def test_a_version_that_nobody_confirms_in_time_is_ended_and_left(layout: Layout) -> None:
    begin(layout, seconds=0.1)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as hangs:
        assert trial.guard(layout, hangs.pid, SystemClock())
        assert hangs.wait(10) != 0
    assert layout.in_use() == "1.0"
    assert layout.trial() is None


def test_a_guard_leaves_a_version_that_was_confirmed_or_has_ended_alone(layout: Layout) -> None:
    begun = begin(layout, seconds=600)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as runs:
        found: list[bool] = []
        guard = threading.Thread(target=lambda: found.append(trial.guard(layout, runs.pid, SystemClock())))
        guard.start()
        trial.confirm(layout, begun)
        guard.join(10)
        assert found == [False]
        assert runs.poll() is None
        runs.kill()
    begin(layout, seconds=600)
    assert not trial.guard(layout, runs.pid, SystemClock())
    assert layout.in_use() == "2.0"  # the launcher counts; the guard of a dead process does nothing


def test_a_start_sets_a_guard_beside_it_that_is_nobodys_child(layout: Layout) -> None:
    begin(layout, seconds=0.1)
    python = layout.python("2.0")
    python.write_text("#!/bin/sh\nexec sleep 600\n")
    with subprocess.Popen([sys.executable, "-c", MAIN, str(layout.folder), "run"]) as hangs:
        assert hangs.wait(20) != 0  # the guard ended it
    wait_for(lambda: layout.trial() is None)
    assert layout.in_use() == "1.0"


def test_a_confirmed_version_stays_and_the_one_before_can_be_gone_back_to(layout: Layout) -> None:
    add(layout, "0.9")
    trial.confirm(layout, begin(layout))
    assert layout.trial() is None
    assert (layout.in_use(), layout.previous()) == ("2.0", "1.0")
    assert layout.installed() == ("1.0", "2.0")


def test_the_database_from_before_comes_back_as_a_seed(layout: Layout, tmp_path: Path) -> None:
    """The new version changed it; the old one takes what was kept, and the leader gives it the rest."""
    home = tmp_path / "home"
    clock = FakeClock()
    store = Store.open(home, clock)
    store.begin_term("me")
    database, keys = trial.kept_database(home)
    end = store.replication.snapshot(database)
    keys.write_bytes(store.replication.keys())
    store.begin_term("me")
    store.close()
    trial.go_back(layout, begin(layout), clock, "smoke")
    from appliance.pair.copying.seeding import take_seed

    assert take_seed(home)
    again = Store.open(home, clock)
    assert again.replication.end() == end
    again.close()
    assert not database.exists()
    assert not keys.exists()


def test_a_cut_in_the_middle_of_going_back_is_finished_by_the_next_start(layout: Layout) -> None:
    begun = begin(layout)
    layout.write_trial(Trial(**{**json.loads(json.dumps({f: getattr(begun, f) for f in begun.__struct_fields__})), "starts_left": 0}))
    layout.point_to("1.0")  # the power went between this and the end of the trial
    assert start(layout, "run") == "1.0"
    assert layout.trial() is None
