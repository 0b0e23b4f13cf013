"""What an engine's process, and those who ask it at the same time, may do to each other: nothing that has no end."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from appliance.engines.child import Child, ChildLimits
from appliance.engines.errors import EngineBusy, EngineDied, EngineTimeout
from appliance.engines.supervision import Gate, Keeper, Process
from appliance.ground.clock import SystemClock
from tests.support.odd_child import Echo, Wish

MODULE = "tests.support.odd_child"
ROOT = Path(__file__).resolve().parents[3]
SOON = 20.0


@pytest.fixture
def child() -> Iterator[Child]:
    one = Child("the odd engine", MODULE, (), ChildLimits(), SystemClock())
    yield one
    one.stop()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_a_child_that_leaves_somebody_behind_with_its_pipe_is_said_to_have_died(child: Child) -> None:
    began = time.monotonic()
    with pytest.raises(EngineDied, match="code 7"):
        child.ask(Wish(do="orphan", number=20.0), Echo, 30.0)
    assert time.monotonic() - began < 15.0
    assert child.ask(Wish(text="again"), Echo, SOON).text == "again"


def test_a_request_that_ends_while_a_child_starts_does_not_take_the_time_limit_of_the_start_away() -> None:
    keeper = Keeper("the slow engine", MODULE, ("--slow",), ChildLimits(start_seconds=1.5), SystemClock())
    failed: list[BaseException] = []

    def start() -> None:
        try:
            keeper.up(_until_it_speaks)
        except BaseException as error:
            failed.append(error)

    def _until_it_speaks(process: Process) -> None:
        if process.words.get() is None:
            raise keeper.reason(process)

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    until(lambda: keeper.state().state == "starting")
    with keeper.work():  # of a server that has died meanwhile: its last request ends only now
        pass
    thread.join(10.0)
    keeper.stop()
    assert [type(error) for error in failed] == [EngineTimeout]


def test_who_waits_for_a_place_gets_it_before_those_who_come_later() -> None:
    gate = Gate("the engine", 1, 16)
    stop = threading.Event()
    rounds = 0

    def again_and_again() -> None:
        nonlocal rounds
        while not stop.is_set():
            with gate.turn(5.0):
                rounds += 1

    greedy = [threading.Thread(target=again_and_again, daemon=True) for _ in range(2)]
    for thread in greedy:
        thread.start()
    until(lambda: rounds > 100)
    most = 0
    for _ in range(20):
        before = rounds
        with gate.turn(5.0):
            most = max(most, rounds - before)
    stop.set()
    for thread in greedy:
        thread.join(5.0)
    assert most <= 2 * len(greedy) + 1


def test_a_place_is_given_on_when_who_waited_for_it_has_gone() -> None:
    gate = Gate("the engine", 1, 2)
    with gate.turn(1.0):
        with pytest.raises(EngineBusy), gate.turn(0.05):
            pass
        assert gate.waiting == 0
    with gate.turn(0.0):
        pass


def test_more_than_may_wait_are_told_at_once() -> None:
    gate = Gate("the engine", 1, 0)
    with gate.turn(1.0), pytest.raises(EngineBusy, match="As many"), gate.turn(5.0):
        pass


def test_a_child_whose_library_holds_the_interpreter_ends_too_when_the_daemon_is_killed() -> None:
    script = f"""
import threading, time
from appliance.engines.child import Child, ChildLimits
from appliance.ground.clock import SystemClock
from tests.support.odd_child import Echo, Wish
child = Child("odd", "{MODULE}", ("--soon",), ChildLimits(), SystemClock())
print(child.ask(Wish(), Echo, 20).pid, flush=True)
threading.Thread(target=lambda: child.ask(Wish(do="grip", number=300), Echo, 600)).start()
time.sleep(1.0)
print("it has the grip", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline()
        parent.kill()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
