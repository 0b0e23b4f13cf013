"""The steering of the desktop window between two panels that really listen."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.ground.clock import SystemClock
from appliance.panel import nobody
from appliance.panel.addresses import MISSES_MOST
from appliance.panel.answering import Ear, is_alive
from appliance.panel.front import PanelServer
from appliance.panel.only_one import first
from appliance.panel.steering import Steering


class Shown:
    """Where a window would show the page: what it was told, in order. ``page`` is the address that the person is at."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.page = ""

    def shown(self) -> str:
        return self.page

    def go(self, link: str) -> None:
        self.told.append(link)
        self.page = link

    def show_nobody(self) -> None:
        self.told.append("nobody")
        self.page = ""


@contextmanager
def panel(port: int = 0) -> Iterator[str]:
    server = PanelServer()
    server.start("127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop(2.0)


def silent_after(steering: Steering, screen: Shown) -> None:
    for _ in range(MISSES_MOST):
        steering.look(screen)


def test_a_window_moves_to_the_other_panel_with_its_page_and_back_only_when_it_must() -> None:
    screen = Shown()
    with panel() as two:
        with panel() as one:
            steering = Steering((one, two), Ear(SystemClock()), lambda _: "")
            assert steering.first() == f"{one}/"
            screen.page = f"{one}/cases/c-1"
            steering.look(screen)
            assert screen.told == []
        silent_after(steering, screen)
        assert screen.told == [f"{two}/cases/c-1"]
        with panel(int(one.rpartition(":")[2])):
            steering.look(screen)
            assert screen.told == [f"{two}/cases/c-1"]
    silent_after(steering, screen)
    assert screen.told[-1] == "nobody"
    with panel(int(two.rpartition(":")[2])):
        steering.look(screen)
        assert screen.told[-1] == f"{two}/cases/c-1", "the page is not forgotten while nobody answers"


def test_the_token_of_this_machine_signs_in_once_and_never_over_somebody_who_signed_in_since() -> None:
    tokens = iter(["first", "second"])
    screen = Shown()
    with panel() as own:
        steering = Steering((own,), Ear(SystemClock()), lambda _: next(tokens))
        assert steering.first() == f"{own}/sign-in?token=first&next=%2F"
        screen.page = f"{own}/review"
    silent_after(steering, screen)
    with panel(int(own.rpartition(":")[2])):
        steering.look(screen)
    assert screen.told == ["nobody", f"{own}/review"]


@pytest.mark.parametrize("says", [b"<html>ok</html>", b'{"ok": true}', b'["ok"]', b'{"status": "o', b""])
def test_a_program_of_somebody_else_on_the_port_is_no_panel(says: bytes) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(says)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        assert not is_alive(f"http://127.0.0.1:{other.server_port}")
        other.shutdown()


def test_one_that_takes_the_call_and_says_nothing_holds_up_nobody_and_is_not_asked_twice_at_a_time() -> None:
    clock = SystemClock()
    with socket.create_server(("127.0.0.1", 0)) as mute, panel() as two:
        one = f"http://127.0.0.1:{mute.getsockname()[1]}"
        ear = Ear(clock)
        started = clock.elapsed()
        assert ear.answering((one, two), seconds=0.5) == {two}
        assert ear.answering((one, two), seconds=0.5) == {two}
        assert clock.elapsed() - started < 1.5
        mute.accept()[0].close()
        mute.settimeout(0.2)
        with pytest.raises(TimeoutError):
            mute.accept()


def test_the_page_for_when_nobody_answers_stands_in_three_languages_the_persons_first() -> None:
    page = nobody.page(("http://mini-1:8484", "http://mini-2:8484"), {"LANG": "sv_FI.UTF-8"})
    assert page.index("Ingen av maskinerna svarar") < page.index("Neither appliance answers") < page.index("Kumpikaan laite ei vastaa")
    assert page.count("<h1 ") == 1
    assert 'href="http://mini-1:8484/"' in page
    assert 'href="http://mini-2:8484/"' in page
    assert "The appliance does not answer" in nobody.page(("http://mini-1:8484",), {})


@pytest.mark.parametrize(
    ("environment", "code"),
    [({}, "en"), ({"LANG": "fi_FI.UTF-8"}, "fi"), ({"LC_ALL": "sv_SE", "LANG": "fi_FI"}, "sv"), ({"LANG": "C.UTF-8"}, "en")],
)
def test_the_language_is_that_of_the_session(environment: dict[str, str], code: str) -> None:
    assert nobody.order(environment)[0] == code
    assert set(nobody.order(environment)) == {"fi", "sv", "en"}


def test_a_second_window_knocks_at_the_first_and_is_refused_and_one_that_was_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    knocked = threading.Event()
    with first(tmp_path) as door:
        assert door is not None
        door.open(knocked.set)
        with first(tmp_path) as second:
            assert second is None
        assert knocked.wait(5.0)
    (tmp_path / "run" / "control.sock").touch()
    with first(tmp_path) as door:
        assert door is not None
