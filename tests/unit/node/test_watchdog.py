"""The watchdog tells a part that hangs from one that rests, waits by design, or slept with the machine."""

import socket
import threading
from pathlib import Path

import pytest

from appliance.ground.supervisor import Supervisor
from appliance.node.loops import Loop
from appliance.node.watchdog import LOOKS_A_PERIOD, Part, Seen, Watchdog, hanging, look
from tests.support.clock import FakeClock
from tests.support.home import make_home, running_node, wait_for

PERIOD = 60.0


def after(looks: int, *parts: Part) -> list[str]:
    """Who hangs when these parts have looked the same so many times, beyond the first."""
    seen: dict[str, Seen] = {}
    for _ in range(looks + 1):
        seen = look(seen, parts)
    return hanging(seen, parts, PERIOD)


def test_a_part_that_stays_in_one_turn_for_its_periods_hangs_and_not_before() -> None:
    assert after(LOOKS_A_PERIOD - 1, Part("writer", 7)) == []
    assert after(LOOKS_A_PERIOD, Part("writer", 7)) == ["writer"]
    assert after(10 * LOOKS_A_PERIOD - 1, Part("intake", 7, periods=10)) == []
    assert after(10 * LOOKS_A_PERIOD, Part("intake", 7, periods=10)) == ["intake"]


def test_a_part_that_waits_for_the_world_by_design_is_given_that_time_too() -> None:
    assert after(LOOKS_A_PERIOD * 2 - 1, Part("intake", 7, waits_seconds=PERIOD)) == []
    assert after(LOOKS_A_PERIOD * 2, Part("intake", 7, waits_seconds=PERIOD)) == ["intake"]


def test_a_part_that_rests_never_hangs() -> None:
    assert after(1000, Part("writer", None)) == []


def test_a_new_turn_begins_anew() -> None:
    seen: dict[str, Seen] = {}
    for turn in range(100):
        for _ in range(LOOKS_A_PERIOD - 1):
            seen = look(seen, [Part("writer", turn)])
            assert not hanging(seen, [Part("writer", turn)], PERIOD)


def test_a_rest_in_between_is_not_the_same_turn_going_on() -> None:
    seen = look(look({}, [Part("writer", 7)]), [Part("writer", 7)])
    assert look(look(seen, [Part("writer", None)]), [Part("writer", 7)]) == {"writer": Seen(7, 0)}


@pytest.fixture
def listening(tmp_path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "n"))
    listening.settimeout(5)
    return listening


def test_it_pings_while_all_is_well_and_falls_silent_and_ends_the_process_when_not(tmp_path: Path, listening: socket.socket) -> None:
    parts = [Part("writer", None)]
    ended = threading.Event()
    watchdog = Watchdog(lambda: parts, Supervisor(str(tmp_path / "n"), 0.2), ended.set)
    watchdog.start()
    assert [listening.recv(4096) for _ in range(2 * LOOKS_A_PERIOD)] == [b"WATCHDOG=1"] * 2 * LOOKS_A_PERIOD
    parts[0] = Part("writer", 7)
    assert ended.wait(5)
    said = [listening.recv(4096)]
    while said[-1] == b"WATCHDOG=1":
        said.append(listening.recv(4096))
    assert said[-1] == b"STATUS=Hangs: writer."
    listening.settimeout(0.3)
    with pytest.raises(TimeoutError):
        listening.recv(4096)


def test_a_stop_that_does_not_end_is_ended(tmp_path: Path) -> None:
    ended = threading.Event()
    watchdog = Watchdog(lambda: [Part("writer", None)], Supervisor(str(tmp_path / "n"), 0.2), ended.set)
    watchdog.start()
    watchdog.closing()
    assert ended.wait(5)


def test_nobody_who_is_not_started_again_ends_himself() -> None:
    watchdog = Watchdog(lambda: [Part("writer", 7)], Supervisor(), lambda: None)
    watchdog.start()
    assert not watchdog._thread.is_alive()


def test_a_loop_says_which_step_it_is_in_and_that_it_rests() -> None:
    inside, go_on, stop = threading.Event(), threading.Event(), threading.Event()

    def step() -> bool:
        inside.set()
        go_on.wait(5)
        return False

    loop = Loop("answer-1", step, stop, FakeClock(), lambda _: None, wake=threading.Event(), waits_seconds=3.0)
    assert loop.part.turn is None
    loop.start()
    assert inside.wait(5)
    assert (loop.part.name, loop.part.turn, loop.part.waits_seconds) == ("answer-1", 1, 3.0)
    go_on.set()
    wait_for(lambda: loop.part.turn is None)
    stop.set()
    assert loop.join(5)
    assert loop.part.turn is None


def test_a_node_shows_its_writer_and_every_loop_and_in_peace_none_of_them_stands_still(tmp_path: Path) -> None:
    with running_node(make_home(tmp_path / "home")) as node:
        names = [part.name for part in node.parts()]
        assert names == ["store writer", *(loop.name for loop in node.loops)]
        assert {"intake:support", "answer-1", "answer-2", "deliver"} <= set(names)
        turns = {part.name: part.turn for part in node.parts()}
        at_once = [name for name in turns if not name.startswith("intake:")]  # intake waits for its mailbox, poll_seconds at most
        wait_for(lambda: all(part.turn is None or part.turn != turns[part.name] for part in node.parts() if part.name in at_once))
        (intake,) = (part for part in node.parts() if part.name == "intake:support")
        assert intake.waits_seconds == 60


def test_a_writer_that_is_held_up_stays_in_one_turn_until_it_is_let_go(tmp_path: Path) -> None:
    with running_node(make_home(tmp_path / "home")) as node:
        held, let_go = threading.Event(), threading.Event()

        def hold() -> None:
            held.set()
            let_go.wait(10)

        thread = threading.Thread(target=lambda: node.store._writer.between(hold))
        thread.start()
        assert held.wait(5)
        turn = node.store.writer_turn
        assert turn is not None
        assert node.store.writer_turn == turn
        let_go.set()
        thread.join(5)
        wait_for(lambda: node.store.writer_turn != turn)
