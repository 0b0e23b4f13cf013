"""Fault points end the process where a test asks, and nowhere else."""

import os
import signal
import subprocess
import sys

import pytest

from appliance.ground import faults


def _run(wish: str, seconds: float = 60) -> int:
    script = "from appliance.ground.faults import reach\nfor _ in range(3): reach('store.before_commit')"
    environment = {**os.environ, "TANDEM_FAULT": wish}
    return subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=seconds).returncode


def test_without_the_variable_reach_is_an_empty_function() -> None:
    assert faults.reach is faults._nothing


@pytest.mark.parametrize(
    ("wish", "ends"), [("store.before_commit:3", True), ("store.before_commit:4", False), ("deliver.connected:1", False)]
)
def test_the_process_dies_at_the_named_point_the_nth_time_it_is_reached(wish: str, ends: bool) -> None:
    assert (_run(wish) == -signal.SIGKILL) is ends


def test_a_point_that_does_not_exist_is_an_error_not_a_test_that_passes_by_accident() -> None:
    assert _run("store.before_comit:1") == 1
    assert _run("store.before_commit:1:hnag") == 1


def test_a_thread_can_be_held_up_there_instead() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        _run("store.before_commit:3:hang", seconds=2)
    assert _run("store.before_commit:4:hang") == 0


def test_the_whole_process_can_stand_still_there_until_it_is_woken() -> None:
    script = "from appliance.ground.faults import reach\nfor _ in range(3): reach('store.after_ship')"
    process = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "TANDEM_FAULT": "store.after_ship:2:stop"})
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0


def test_there_are_at_least_fifteen_points() -> None:
    assert len(set(faults.POINTS)) >= 15
