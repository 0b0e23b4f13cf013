"""Two homes on this machine whose nodes can become a pair, and are built as the daemon builds them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.ground.clock import Clock, SystemClock
from appliance.node.build import build
from appliance.node.node import Node
from appliance.node.sandbox import free_port
from appliance.settings.change import set_values
from appliance.settings.read import load
from tests.support.home import make_home, wait_for

HOST = "127.0.0.1"


class Homes:
    """Homes ``a`` (with the company's files) and ``b`` (empty but for its own addresses), and the nodes that live in them."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder, self.clock = folder, clock or SystemClock()
        self.ports = {"a": free_port(), "b": free_port()}
        self.nodes: dict[str, Node] = {}
        make_home(folder / "a")
        (folder / "b").mkdir(mode=0o700)
        for name, other in (("a", "b"), ("b", "a")):
            pair = {"pair.listen": HOST, "pair.port": self.ports[name], "pair.static_peer": f"{HOST}:{self.ports[other]}"}
            panel = {"panel.host": HOST, "panel.port": free_port(), "panel.chat_port": free_port()}
            set_values(folder / name, {**pair, **panel, "pair.witness": "none", "pair.lease_seconds": 2.0}, environment={})

    def build(self, name: str) -> Node:
        self.nodes[name] = node = build(load(home=self.folder / name, environment={}), self.clock)
        return node

    @property
    def a(self) -> Node:
        return self.nodes["a"]

    @property
    def b(self) -> Node:
        return self.nodes["b"]

    def address(self, name: str) -> str:
        return f"{HOST}:{self.ports[name]}"

    def pair(self) -> None:
        """Make the two a pair, and close the nodes that they were."""
        a, b = self.build("a"), self.build("b")
        b.pairing.join(a.pairing.begin().code, self.address("a"))
        assert a.ended.wait(20)
        assert b.ended.wait(20)
        a.close()
        b.close()

    def live(self, name: str) -> None:
        """What the daemon does: a node that ends with ``again`` is built anew."""
        self._stops[name] = stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                node = self.build(name)
                node.start()
                while not (stop.is_set() or node.ended.is_set()):
                    node.ended.wait(0.05)
                node.close()
                self.lives[name] = self.lives.get(name, 0) + 1
                if not node.again or node.broken:
                    return

        self._threads[name] = thread = threading.Thread(target=run, daemon=True)
        thread.start()

    _stops: dict[str, threading.Event]
    _threads: dict[str, threading.Thread]
    lives: dict[str, int]

    def start(self) -> None:
        """Both live, and are in step."""
        self._stops, self._threads, self.lives = {}, {}, {}
        for name in ("a", "b"):
            self.live(name)
        wait_for(lambda: all(self.told(name).get("mode") == "pair" for name in ("a", "b")), 60.0)
        wait_for(lambda: all(self.told(name)["peer"]["in_sync"] for name in ("a", "b")), 60.0)

    def told(self, name: str) -> dict[str, Any]:
        """What ``pair`` says there; nothing while the node is being built anew."""
        node = self.nodes.get(name)
        if node is None or not node.running:
            return {}
        try:
            return node.commands.pair()
        except Exception:
            return {}

    @property
    def leader(self) -> Node:
        return next(node for node in self.nodes.values() if node.standing.role == "leader")

    @property
    def standby(self) -> Node:
        return next(node for node in self.nodes.values() if node.standing.role == "standby")

    def close(self) -> None:
        for stop in getattr(self, "_stops", {}).values():
            stop.set()
        for thread in getattr(self, "_threads", {}).values():
            thread.join(60)
        for node in self.nodes.values():
            node.close()


@contextmanager
def homes(folder: Path, clock: Clock | None = None) -> Iterator[Homes]:
    made = Homes(folder, clock)
    try:
        yield made
    finally:
        made.close()
