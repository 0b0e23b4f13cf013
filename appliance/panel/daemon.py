"""The daemon: the port first, then everything behind it, then wait to be told to stop.

Whoever watches this process (launchd, systemd, the peer) gets an answer from ``/healthz`` while the rest is still loading:
the imports of the web framework alone take longer than the whole first phase.
"""

import os
import signal
import threading
from typing import TYPE_CHECKING

from appliance.ground import log as logging
from appliance.ground.clock import SystemClock
from appliance.ground.errors import StoreError
from appliance.ground.files import write_atomically
from appliance.ground.log import Log
from appliance.ground.supervisor import Supervisor
from appliance.panel.front import CHAT, PanelServer, Probes

if TYPE_CHECKING:
    from appliance.node.node import Node
    from appliance.settings.model import Settings

log = Log("daemon")

STOP_SECONDS = 5.0
LOOK_SECONDS = 0.25


def run(settings: "Settings", panel: bool = True) -> None:
    """Run until SIGTERM or SIGINT. Raises a ``TandemError`` when the node cannot start or broke on the way."""
    stop = threading.Event()
    supervisor = Supervisor.of(os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The home {settings.home} cannot be made ({error.strerror}).", "Name another with --home.") from error
    logging.configure(settings.home / "logs", settings.log.level, settings.log.standard_error)
    for note in settings.notes:
        log.info("note", text=note)
    ready = threading.Event()
    server = PanelServer(Probes(ready=ready.is_set)) if panel else None
    chat = PanelServer(Probes(ready=ready.is_set)) if panel and settings.chat.enabled else None
    try:
        if server is not None:
            server.start(settings.panel.host, settings.panel.port)
        if chat is not None:
            chat.start(settings.chat.host, settings.panel.chat_port, CHAT)
        with_node(settings, server, chat, stop, ready, supervisor)
    finally:
        for each in (server, chat):
            if each is not None:
                each.stop(STOP_SECONDS)


def with_node(
    settings: "Settings",
    server: PanelServer | None,
    chat: PanelServer | None,
    stop: threading.Event,
    ready: threading.Event,
    supervisor: Supervisor,
) -> None:
    """Build the node, serve it, wait, and put it away. ``ready`` follows the node's own proof.

    The supervisor hears READY as soon as people can work: a node whose proof failed must not be started again and again.
    """
    doors = [chat] if chat is not None else []
    again = True
    try:
        while again and not stop.is_set():
            again = _one_life(settings, server, doors[0] if doors else None, stop, ready, supervisor)
            if again:
                settings = _read_again(settings)
                if settings.chat.enabled and server is not None and not doors:  # the pair that it joined has one
                    doors.append(PanelServer(Probes(ready=ready.is_set)))
                    doors[0].start(settings.chat.host, settings.panel.chat_port, CHAT)
    finally:
        for door in doors:
            door.stop(STOP_SECONDS)


def _one_life(
    settings: "Settings",
    server: PanelServer | None,
    chat: PanelServer | None,
    stop: threading.Event,
    ready: threading.Event,
    supervisor: Supervisor,
) -> bool:
    """A node from its building to its end; whether it is to be built anew, on what its home has become."""
    from appliance.node.build import build
    from appliance.node.watchdog import Watchdog

    node = build(settings, SystemClock())
    node.supervised = bool(supervisor.address or supervisor.watchdog_seconds)
    watchdog = Watchdog(node.parts, supervisor)
    try:
        node.start()
        if server is not None:
            attach(node, server)
        if chat is not None:
            attach_chat(node, chat)
        sign_in_file(node)
        supervisor.tell("READY=1")
        watchdog.start()
        told = ""
        while not (stop.is_set() or node.ended.is_set()):
            (ready.set if node.ready else ready.clear)()
            if (status := status_line(node)) != told:
                supervisor.tell(f"STATUS={status}")
                told = status
            stop.wait(LOOK_SECONDS)
        ready.clear()
    finally:
        if node.again:
            for each in (server, chat):
                if each is not None:
                    each.detach()
        else:
            supervisor.tell("STOPPING=1")
        watchdog.closing()
        node.close()
        watchdog.stop()
    if node.broken is not None:
        raise node.broken
    return node.again


def _read_again(settings: "Settings") -> "Settings":
    """The settings as they stand now: those of a node that joined a pair are the pair's."""
    from appliance.settings.read import load

    return load(home=settings.home, environment=os.environ)


def status_line(node: "Node") -> str:
    """How the node is, in one line that anybody on the machine may read."""
    return "Ready." if node.ready else f"Not ready: {node.not_ready_because}."


def attach(node: "Node", server: PanelServer) -> None:
    """Put the panel and the API behind the port that is already open."""
    from appliance.panel.app import build_app, options_of

    server.attach(build_app(node.commands, options_of(node.settings)))


def attach_chat(node: "Node", chat: PanelServer) -> None:
    """Put the customers' chat behind its own port."""
    from appliance.panel.chat.app import build_chat
    from appliance.panel.chat.options import chat_options_of

    chat.attach(build_chat(node.commands, chat_options_of(node.settings)))


def sign_in_file(node: "Node") -> None:
    """A one-time token in a file only the owner may read: how the desktop window signs in."""
    folder = node.home / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / "sign-in.token", node.tokens.issue().encode())
