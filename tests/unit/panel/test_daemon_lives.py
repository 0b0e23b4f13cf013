"""A daemon whose node ends to be built anew: the port stays open, requests wait, and the new node lives by the new settings."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.ground.errors import SettingsError, TandemError
from appliance.ground.supervisor import Supervisor
from appliance.node import build as building
from appliance.node.node import Node
from appliance.node.sandbox import free_port
from appliance.panel.daemon import with_node
from appliance.panel.front import PanelServer, Probes
from appliance.settings.change import set_values
from appliance.settings.model import Settings
from appliance.settings.read import load
from tests.support.home import make_home, wait_for

SECONDS = 60.0


class Daemon:
    """The daemon's inside in a thread, as ``run`` would have it in the process."""

    def __init__(self, home: Path, chat: bool = False) -> None:
        self.home = home
        self.nodes: list[Node] = []
        self.may_build = threading.Event()
        self.may_build.set()
        self.stop, self.ready = threading.Event(), threading.Event()
        self.server = PanelServer(Probes(ready=self.ready.is_set))
        self.chat = PanelServer(Probes(ready=self.ready.is_set)) if chat else None
        self.raised: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def build(self, settings: Settings, *more: object) -> Node:
        assert self.may_build.wait(SECONDS)
        self.nodes.append(self._build(settings, *more))  # type: ignore[arg-type]
        return self.nodes[-1]

    _build = staticmethod(building.build)

    def start(self) -> "Daemon":
        self.server.start("127.0.0.1", 0)
        self._thread.start()
        return self

    def _run(self) -> None:
        try:
            with_node(load(home=self.home, environment={}), self.server, self.chat, self.stop, self.ready, Supervisor())
        except BaseException as error:
            self.raised = error

    def up(self, lives: int = 1) -> Node:
        wait_for(lambda: len(self.nodes) == lives and self.nodes[-1].running and self.ready.is_set(), SECONDS)
        return self.nodes[-1]

    def again(self) -> None:
        self.nodes[-1].again = True
        self.nodes[-1].ended.set()

    def get(self, path: str) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)) as line:
            line.request("GET", path)
            return line.getresponse().status

    def ended(self) -> BaseException | None:
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        return self.raised

    def close(self) -> None:
        self.stop.set()
        self.may_build.set()
        self._thread.join(SECONDS)
        self.server.stop(2.0)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    daemon = Daemon(make_home(tmp_path / "home"))
    monkeypatch.setattr(building, "build", daemon.build)
    yield daemon.start()
    daemon.close()


def test_a_node_that_ends_to_be_built_anew_lives_on_with_the_settings_as_they_are_then(daemon: Daemon) -> None:
    first = daemon.up()
    assert first.settings.company.name == "Test Pumps"
    set_values(daemon.home, {"company.name": "Better Pumps"}, environment={})
    daemon.again()
    second = daemon.up(2)
    assert second is not first
    assert second.settings.company.name == "Better Pumps"
    assert first.store.broken is None
    assert not first.running
    assert daemon.get("/sign-in") == 200
    daemon.stop.set()
    assert daemon.ended() is None
    assert not second.running


def test_whoever_asks_between_two_lives_waits_for_the_new_node(daemon: Daemon) -> None:
    daemon.up()
    port = daemon.server.port
    daemon.may_build.clear()
    daemon.again()
    wait_for(lambda: not daemon.nodes[0].running and daemon.get("/readyz") == 503)
    assert daemon.get("/livez") == 200
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(daemon.get("/sign-in")))
    asking.start()
    wait_for(lambda: bool(daemon.server._front._waiting))
    daemon.may_build.set()
    asking.join(SECONDS)
    assert answers == [200]
    assert daemon.server.port == port
    daemon.up(2)


def test_a_node_may_be_built_anew_again_and_again(daemon: Daemon) -> None:
    for lives in (1, 2, 3):
        daemon.up(lives)
        daemon.again()
    daemon.up(4)
    assert daemon.get("/sign-in") == 200


def test_a_node_that_broke_ends_the_daemon_with_its_reason(daemon: Daemon) -> None:
    error = TandemError("The disk failed.", "Look at it.")
    daemon.up().broke(error)
    assert daemon.ended() is error


def test_one_that_broke_while_it_was_to_be_built_anew_ends_it_too(daemon: Daemon) -> None:
    error = TandemError("The disk failed.", "Look at it.")
    node = daemon.up()
    node.again = True
    node.broke(error)
    assert daemon.ended() is error
    assert len(daemon.nodes) == 1


def test_settings_that_cannot_be_read_when_it_is_built_anew_end_it_with_their_reason(daemon: Daemon) -> None:
    daemon.up()
    (daemon.home / "tandem.toml").write_text("[company]\nname = 3\n")
    daemon.again()
    assert isinstance(daemon.ended(), SettingsError)


def test_a_daemon_that_is_told_to_stop_does_not_build_another_node(daemon: Daemon) -> None:
    daemon.up()
    daemon.nodes[0].again = True
    daemon.stop.set()
    assert daemon.ended() is None
    assert len(daemon.nodes) == 1


def test_a_node_that_joins_a_pair_with_a_chat_opens_its_door(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.up()
    port = free_port()
    monkeypatch.setenv("TANDEM_PANEL__CHAT_PORT", str(port))
    set_values(daemon.home, {"chat.enabled": True}, environment={})
    daemon.again()
    daemon.up(2)

    def answers() -> bool:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as line:
            line.request("GET", "/livez")
            return line.getresponse().status == 200

    assert answers()
    daemon.again()
    daemon.up(3)
    assert answers()
    daemon.stop.set()
    assert daemon.ended() is None
    with pytest.raises(ConnectionRefusedError):
        answers()
