"""The daemon: the port first, then everything behind it, then wait to be told to stop.

Whoever watches this process (launchd, systemd, the peer) gets an answer from ``/healthz`` while the rest is still loading:
the imports of the web framework alone take longer than the whole first phase.
"""

import signal
import threading
from typing import TYPE_CHECKING

from appliance.ground import log as logging
from appliance.ground.clock import SystemClock
from appliance.ground.errors import StoreError
from appliance.ground.files import write_atomically
from appliance.ground.log import Log
from appliance.panel.front import PanelServer, Probes

if TYPE_CHECKING:
    from appliance.node.node import Node
    from appliance.settings.model import Settings

log = Log("daemon")

STOP_SECONDS = 5.0


def run(settings: "Settings", panel: bool = True) -> None:
    """Run until SIGTERM or SIGINT. Raises a ``TandemError`` when the node cannot start or broke on the way."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The home {settings.home} cannot be made ({error.strerror}).", "Name another with --home.") from error
    logging.configure(settings.home / "logs", settings.log.level)
    for note in settings.notes:
        log.info("note", text=note)
    ready = threading.Event()
    server = PanelServer(Probes(ready=ready.is_set)) if panel else None
    if server is not None:
        server.start(settings.panel.host, settings.panel.port)
    try:
        with_node(settings, server, stop, ready)
    finally:
        if server is not None:
            server.stop(STOP_SECONDS)


def with_node(settings: "Settings", server: PanelServer | None, stop: threading.Event, ready: threading.Event) -> None:
    """Build the node, serve it, wait, and put it away. ``ready`` follows the node's own proof."""
    from appliance.node.build import build

    node = build(settings, SystemClock())
    try:
        node.start()
        if server is not None:
            attach(node, server)
        sign_in_file(node)
        while not (stop.is_set() or node.ended.is_set()):
            (ready.set if node.ready else ready.clear)()
            stop.wait(0.5)
        ready.clear()
    finally:
        node.close()
    if node.broken is not None:
        raise node.broken


def attach(node: "Node", server: PanelServer) -> None:
    """Put the panel and the API behind the port that is already open."""
    from appliance.panel.app import build_app, options_of

    server.attach(build_app(node.commands, options_of(node.settings)))


def sign_in_file(node: "Node") -> None:
    """A one-time token in a file only the owner may read: how the desktop window signs in."""
    folder = node.home / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / "sign-in.token", node.tokens.issue().encode())
