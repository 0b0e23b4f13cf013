"""What an engine's process may do to the daemon: nothing. Each test has a real process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.engines.child import Child, ChildLimits
from appliance.engines.errors import (
    ClipUnreadable,
    EngineBusy,
    EngineDied,
    EngineNonsense,
    EngineTimeout,
    EngineUnavailable,
    ModelMissing,
)
from appliance.engines.supervision import environment
from appliance.ground.clock import SystemClock
from appliance.ground.errors import EngineError
from tests.support.clock import FakeClock
from tests.support.odd_child import Echo, Wish

MODULE = "tests.support.odd_child"
ROOT = Path(__file__).resolve().parents[3]
SOON = 20.0

Make = Callable[..., Child]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Child] = []

    def one(*arguments: str, clock: Any = None, **limits: Any) -> Child:
        made.append(Child("the odd engine", MODULE, arguments, ChildLimits(**limits), clock or SystemClock()))
        return made[-1]

    yield one
    for child in made:
        child.stop()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def echo(child: Child, text: str = "hello") -> Echo:
    return child.ask(Wish(text=text), Echo, SOON)


def test_a_child_starts_on_demand_and_answers_one_after_the_other(make: Make) -> None:
    child = make()
    assert child.state().state == "stopped"
    first, second = echo(child, "one"), echo(child, "two")
    assert (first.text, second.text) == ("one", "two")
    assert first.pid == second.pid == child.state().pid
    state = child.state()
    assert (state.state, state.asked, state.failures) == ("ready", 2, 0)
    assert state.last_success_at
    until(lambda: child.state().memory_bytes > 1_000_000)


def test_a_child_that_was_closed_for_good_is_not_started_by_a_late_request_and_one_that_was_stopped_is(make: Make) -> None:
    child = make()
    first = echo(child).pid
    child.stop()
    assert echo(child).pid != first
    child.close()
    with pytest.raises(EngineUnavailable, match="stopping"):
        echo(child)
    assert child.state().state == "stopped"


def test_what_a_library_prints_does_not_get_among_the_frames(make: Make) -> None:
    child = make()
    assert child.ask(Wish(do="print", text="still here"), Echo, SOON).text == "still here"
    until(lambda: "chats on standard output" in child.tail())


def test_what_is_told_on_the_way_arrives_in_order(make: Make) -> None:
    told: list[Any] = []
    make().ask(Wish(do="count", number=5), Echo, SOON, told.append)
    assert told == [{"number": number} for number in range(5)]


def test_a_caller_who_no_longer_wants_the_answer_ends_the_child_and_the_next_one_is_served(make: Make) -> None:
    child = make()

    def leave(_: Any) -> None:
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        child.ask(Wish(do="count", number=5), Echo, SOON, leave)
    assert echo(child).text == "hello"


def test_a_child_that_dies_is_said_to_have_died_and_starts_again(make: Make) -> None:
    child = make()
    with pytest.raises(EngineDied, match="ended with code 7"):
        child.ask(Wish(do="die"), Echo, SOON)
    assert echo(child).text == "hello"
    assert child.state().failures == 1
    assert child.state().last_error_code == "engine_died"


def test_a_child_that_is_killed_in_the_middle_is_said_to_have_died(make: Make) -> None:
    child = make()
    victim = echo(child).pid
    killer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
    killer.start()
    with pytest.raises(EngineDied, match="signal 9"):
        child.ask(Wish(do="hang"), Echo, SOON)
    assert echo(child).pid != victim


def test_a_child_that_is_killed_while_nobody_needs_it_is_noted_and_the_next_request_is_answered(make: Make) -> None:
    child = make()
    os.kill(echo(child).pid, signal.SIGKILL)
    until(lambda: child.state().failures == 1)
    assert echo(child).text == "hello"


def test_a_hung_child_is_ended_when_its_time_is_over(make: Make) -> None:
    child = make()
    victim = echo(child).pid
    with pytest.raises(EngineTimeout):
        child.ask(Wish(do="hang"), Echo, 0.3)
    until(lambda: not psutil.pid_exists(victim))
    assert echo(child).text == "hello"


def test_a_child_that_is_stopped_by_a_signal_is_ended_long_before_its_time_is_over(make: Make) -> None:
    child = make(silence_seconds=1.0)
    victim = echo(child).pid
    os.kill(victim, signal.SIGSTOP)
    with pytest.raises(EngineTimeout, match="no sign of life"):
        child.ask(Wish(text="x" * 3_000_000), Echo, 600)
    until(lambda: not psutil.pid_exists(victim))


def test_a_child_that_takes_more_memory_than_it_may_is_ended(make: Make) -> None:
    child = make(memory_bytes=200_000_000)
    with pytest.raises(EngineDied, match="out of memory"):
        child.ask(Wish(do="eat"), Echo, SOON)
    assert echo(child).text == "hello"


def test_a_child_that_runs_out_of_memory_by_itself_says_so(make: Make) -> None:
    with pytest.raises(EngineDied, match="out of memory"):
        make().ask(Wish(do="memory"), Echo, SOON)


def test_garbage_on_the_pipe_is_nonsense_and_ends_the_child(make: Make) -> None:
    child = make()
    with pytest.raises(EngineNonsense):
        child.ask(Wish(do="garbage"), Echo, SOON)
    assert echo(child).text == "hello"


def test_an_answer_of_another_kind_is_nonsense(make: Make) -> None:
    with pytest.raises(EngineNonsense):
        make().ask(Wish(do="other"), Echo, SOON)


def test_an_error_of_ours_arrives_as_itself_and_the_child_stays(make: Make) -> None:
    child = make()
    before = echo(child).pid
    with pytest.raises(ClipUnreadable, match="The clip is empty") as told:
        child.ask(Wish(do="refuse"), Echo, SOON)
    assert told.value.remedy == "Send another."
    assert echo(child).pid == before


def test_the_words_of_a_strange_error_stay_in_the_child(make: Make) -> None:
    child = make()
    with pytest.raises(EngineError, match="ValueError") as told:
        child.ask(Wish(do="fail", text="the customer Anna Virtanen said so"), Echo, SOON)
    assert "Virtanen" not in str(told.value)
    assert "Virtanen" not in child.tail()


def test_the_last_words_of_a_child_are_kept_without_addresses(make: Make) -> None:
    child = make()
    with pytest.raises(EngineDied):
        child.ask(Wish(do="die"), Echo, SOON)
    until(lambda: "about to die, says [address]" in child.tail())


def test_a_model_that_is_missing_is_said_with_its_remedy(make: Make) -> None:
    with pytest.raises(ModelMissing, match="tiny") as told:
        echo(make("--no-model"))
    assert told.value.remedy == "Run: tandem models pull tiny"


def test_a_child_that_does_not_start_in_time_is_ended(make: Make) -> None:
    with pytest.raises(EngineTimeout, match="did not start"):
        echo(make("--slow", start_seconds=1.0))


def test_a_child_that_dies_again_and_again_is_left_alone_for_a_growing_pause(make: Make) -> None:
    clock = FakeClock()
    child = make("--dead", clock=clock)
    for pause in (0.0, 1.0, 2.0, 4.0):
        with pytest.raises(EngineDied):
            echo(child)
        if pause:
            with pytest.raises(EngineUnavailable, match="started again in"):
                echo(child)
            assert child.state().state == "failed"
            clock.move(pause)
    assert child.state().failures == 4


def test_a_child_that_nobody_needs_is_unloaded_and_comes_back(make: Make) -> None:
    clock = FakeClock()
    child = make(clock=clock, idle_seconds=60.0)
    before = echo(child).pid
    clock.move(59)
    assert echo(child).pid == before
    clock.move(61)
    until(lambda: child.state().state == "stopped")
    assert child.state().failures == 0
    assert echo(child).pid != before


def test_more_than_may_wait_are_told_to_come_again(make: Make) -> None:
    child = make(waiting_most=1)
    echo(child)
    answers: list[str] = []
    works = [
        threading.Thread(target=lambda: answers.append(child.ask(Wish(do="hang", number=1.5, text="late"), Echo, SOON).text))
        for _ in range(2)
    ]
    works[0].start()
    until(lambda: child.state().state == "working")
    works[1].start()
    until(lambda: child.state().waiting == 1)
    with pytest.raises(EngineBusy):
        echo(child)
    for work in works:
        work.join(SOON)
    assert answers == ["late", "late"]


def test_a_child_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("TANDEM_WRITER__MODEL", "IMAP_PASSWORD", "OPENAI_API_KEY", "OPENAI_APIKEY", "HF_TOKEN", "NOTIFY_SOCKET", "https_proxy")
    for name in names:
        monkeypatch.setenv(name, "secret words")
    assert "secret words" not in environment().values()
    assert environment()["HF_HUB_OFFLINE"] == "1"


def test_a_child_ends_when_the_daemon_is_killed() -> None:
    script = f"""
import sys, time
from appliance.engines.child import Child, ChildLimits
from appliance.ground.clock import SystemClock
from tests.support.odd_child import Echo, Wish
child = Child("odd", "{MODULE}", (), ChildLimits(), SystemClock())
print(child.ask(Wish(), Echo, 20).pid, flush=True)
child.ask(Wish(do="hang"), Echo, 600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
