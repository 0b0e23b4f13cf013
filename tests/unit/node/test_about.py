"""What one machine says of itself to the other, and where the other one's panel is."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.node import about as about_room
from appliance.node.about import About, AboutPeer, AskAbout
from appliance.pair.line.errors import LineError, LineLost
from appliance.pair.line.wire import Line, Open
from tests.unit.node.pair_parts import SECONDS, Wire

SAID = About(version="1", role="leader", position=7, term=3, well=True, because=(), ready=True, panel_host="", panel_port=8484)


class Two:
    def __init__(self, folder: Path) -> None:
        self.says = SAID
        self.there = AboutPeer(self._nobody, lambda: self.says)
        self.serve: Any = self.there.serve
        self.wire = Wire(folder, {"about": lambda line, open_: self.serve(line, open_)})
        self.lines: list[Line] = []
        self.here = AboutPeer(self._dial, lambda: SAID)

    def _dial(self) -> Line:
        self.lines.append(self.wire.dial("about"))
        return self.lines[-1]

    @staticmethod
    def _nobody() -> Line:
        raise LineLost("nobody is there")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.here.close()
    two.wire.close()


def test_the_other_machine_is_asked_over_one_line_again_and_again(two: Two) -> None:
    two.here.look()
    two.says = replace(SAID, position=8, well=False, because=("disk_slow",))
    two.here.look()
    assert two.here.peer == two.says
    assert len(two.lines) == 1


def test_one_that_falls_silent_is_unknown_but_remembered_and_is_asked_anew(two: Two) -> None:
    two.here.look()
    two.wire.listener.cut()
    with pytest.raises(LineError):
        two.here.look()
    assert (two.here.peer, two.here.last) == (None, SAID)
    assert two.here.panel == "http://127.0.0.1:8484"
    two.here.look()
    assert two.here.peer == SAID


def test_a_line_on_which_nothing_comes_is_closed(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about_room, "ANSWER_SECONDS", 0.05)
    over = threading.Event()

    def deaf(line: Line, _: Open) -> None:
        line.receive(AskAbout, SECONDS)
        over.wait(SECONDS)

    two.serve = deaf
    with pytest.raises(LineError):
        two.here.look()
    with pytest.raises(LineLost):
        two.lines[0].send(AskAbout())
    over.set()


def test_closing_twice_does_no_harm_and_it_may_be_asked_again(two: Two) -> None:
    two.here.look()
    two.here.close()
    two.here.close()
    two.here.look()
    assert two.here.peer == SAID


def test_one_that_was_never_asked_has_no_panel(two: Two) -> None:
    assert two.here.panel == ""


@pytest.mark.parametrize(
    ("panel_host", "public_url", "seen_at", "panel"),
    [
        ("", "", "192.168.1.21", "http://192.168.1.21:8484"),
        ("0.0.0.0", "", "192.168.1.21", "http://192.168.1.21:8484"),
        ("::", "", "fd00::21", "http://[fd00::21]:8484"),
        ("*", "", "192.168.1.21", "http://192.168.1.21:8484"),
        ("192.168.1.30", "", "192.168.1.21", "http://192.168.1.30:8484"),
        ("fd00::30", "", "192.168.1.21", "http://[fd00::30]:8484"),
        ("mini.example", "", "192.168.1.21", "http://mini.example:8484"),
        ("127.0.0.1", "", "192.168.1.21", ""),
        ("localhost", "", "192.168.1.21", ""),
        ("127.0.0.2", "", "192.168.1.21", ""),
        ("::1", "", "fd00::21", ""),
        ("127.0.0.1", "", "127.0.0.1", "http://127.0.0.1:8484"),
        ("", "", "fe80::1%en0", ""),
        ("127.0.0.1", "https://desk.example/", "192.168.1.21", "https://desk.example"),
        ("", "https://desk.example/tandem/", "192.168.1.21", "https://desk.example/tandem"),
    ],
)
def test_the_panel_of_the_other_machine_is_where_a_browser_here_can_reach_it(
    two: Two, panel_host: str, public_url: str, seen_at: str, panel: str
) -> None:
    two.here.last = replace(SAID, panel_host=panel_host, public_url=public_url)
    two.here.host = seen_at
    assert two.here.panel == panel
