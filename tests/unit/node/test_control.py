"""The socket between a command and the daemon of the same home."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.ground.errors import Refused, TandemError
from appliance.node.control import ControlClient, ControlServer, command, socket_path
from appliance.records.person import Actor, Role


class Desk:
    """Three commands, one of them not marked."""

    @command
    def greet(self, actor: Actor, times: int = 1) -> tuple[str, ...]:
        return (f"hello {actor.name}",) * times

    @command
    def refuse(self) -> None:
        raise Refused("The lever is locked.", "Ask an admin.")

    @command
    def break_down(self) -> None:
        raise ZeroDivisionError("secret words")

    def hidden(self) -> str:
        return "never"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    server = ControlServer(tmp_path, Desk())
    server.start()
    yield tmp_path
    server.stop()


def test_a_command_crosses_the_socket_with_its_records(home: Path) -> None:
    assert ControlClient(home, Desk).greet(Actor(name="aino", role=Role.AGENT), times=2) == ("hello aino", "hello aino")


def test_an_error_comes_back_with_its_remedy_and_its_code(home: Path) -> None:
    with pytest.raises(TandemError) as caught:
        ControlClient(home, Desk).refuse()
    assert (caught.value.message, caught.value.remedy, caught.value.code) == ("The lever is locked.", "Ask an admin.", "refused")


def test_an_unexpected_error_names_its_kind_and_none_of_its_words(home: Path) -> None:
    with pytest.raises(TandemError) as caught:
        ControlClient(home, Desk).break_down()
    assert "ZeroDivisionError" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_only_marked_methods_can_be_called(home: Path) -> None:
    class Wishful(Desk):
        @command
        def hidden(self) -> str:
            return ""

    with pytest.raises(TandemError, match="no command named hidden"):
        ControlClient(home, Wishful).hidden()


def test_a_wrong_argument_is_refused_not_guessed(home: Path) -> None:
    with pytest.raises(TandemError, match="did not understand"):
        ControlClient(home, Desk).greet(Actor(name="aino", role=Role.AGENT), times="many")


def test_the_socket_belongs_to_its_owner_alone(home: Path) -> None:
    assert stat.S_IMODE(os.stat(socket_path(home)).st_mode) == 0o600


def test_nobody_answers_where_no_daemon_runs(tmp_path: Path) -> None:
    assert not ControlClient(tmp_path, Desk).answers()


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    first = ControlServer(tmp_path, Desk())
    first.start()
    first._socket.close()  # as after kill -9: the file stays
    second = ControlServer(tmp_path, Desk())
    second.start()
    try:
        assert ControlClient(tmp_path, Desk).answers()
    finally:
        second.stop()


def test_a_home_with_a_very_long_path_still_has_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    server = ControlServer(home, Desk())
    server.start()
    try:
        assert ControlClient(home, Desk).answers()
    finally:
        server.stop()
    assert not socket_path(home).exists()


def test_a_large_answer_crosses_whole(home: Path) -> None:
    answer = ControlClient(home, Desk).greet(Actor(name="a" * 1000, role=Role.AGENT), times=5000)
    assert len(answer) == 5000
    assert answer[-1] == "hello " + "a" * 1000
