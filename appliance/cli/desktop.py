"""``tandem desktop``: the panel in a window of its own."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import home_of, load_settings
from appliance.ground.errors import Refused, TandemError

INSTALL = "Install it: pip install 'tandem-appliance[desktop]'. Until then tandem keys sign-in gives a link for the browser."
START = "Start it with tandem run, try tandem demo, or name another: tandem desktop --address http://mini-1.local:8484"


@click.command("desktop")
@click.option("--address", "named", multiple=True, metavar="URL", help="Where a panel is; name both machines of a pair. Remembered.")
@click.pass_context
def command(context: click.Context, named: tuple[str, ...]) -> None:
    """The panel in a window. When one machine of a pair falls silent, the window goes on with the other."""
    check_machine(os.environ, sys.platform)
    from appliance.panel.only_one import first
    from appliance.panel.remembered import folder

    place = folder(os.environ)
    with first(place) as door:
        if door is None:
            click.echo("The window is open already; it was asked to come to the front.")
            return
        show(context, place, named, door)
    sys.stdout.flush()
    os._exit(0)  # threads of the toolkit may still wait for a page that never comes: a closed window ends the process all the same


def check_machine(environment: Mapping[str, str], platform: str) -> None:
    """Raises ``Refused``, with what to do, when no window can be opened here."""
    if importlib.util.find_spec("webview") is None:
        raise Refused("The desktop window is not installed.", INSTALL)
    if platform != "linux":
        return
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") or environment.get("QT_QPA_PLATFORM") == "offscreen"):
        raise Refused(
            "There is no display to open a window on.", "Run it where you see a desktop, or open a browser with tandem keys sign-in."
        )
    if os.geteuid() == 0 and "--no-sandbox" not in environment.get("QTWEBENGINE_CHROMIUM_FLAGS", ""):
        raise Refused(
            "The window is not opened for root: what draws pages must not rule the machine.", "Run it as the person who works with it."
        )


def show(context: click.Context, place: Path, named: tuple[str, ...], door: Any) -> None:
    """Open the window at a machine that answers, and keep it at one until it is closed."""
    from appliance.ground.clock import SystemClock
    from appliance.panel import addresses, nobody, remembered
    from appliance.panel.answering import Ear
    from appliance.panel.steering import Steering

    last = remembered.recall(place)
    told = tuple(dict.fromkeys(addresses.clean(each) for each in named)) or last.addresses
    panel = load_settings(context).panel
    here = home_of(context)
    own = addresses.own(panel) if here.is_dir() or not told else ""  # at a desk that only looks at others, nobody is missed here
    known = addresses.together((own,), (panel.public_url.rstrip("/"),), panel.peers, told)
    clock = SystemClock()
    peer = Peer(here, last.peer)
    steering = Steering(known, Ear(clock), lambda address: token_of(here) if address == own else "", peer.look)
    link = steering.first()
    if not link and addresses.together(known, (peer.panel,)) == (own,):
        raise Refused("No appliance runs on this machine, and no address of another one is known.", START)
    from appliance.panel.window import Window  # late: the toolkit alone takes a second

    window = Window(link, nobody.page(addresses.together(known, (peer.panel,)), os.environ), (last.width, last.height))
    remembered.remember(place, remembered.sized(*window.size, told, peer.panel))
    door.open(window.to_front)
    window.run(lambda ended: steering.run(window, ended, clock))
    remembered.remember(place, remembered.sized(*window.size, told, peer.panel))


class Peer:
    """Where the panel of the other machine is, as the daemon of this home says; as it was last, while that one says nothing."""

    def __init__(self, home: Path, panel: str) -> None:
        self._home = home
        self.panel = panel

    def look(self) -> str:
        """Ask once more."""
        from appliance.node.commands import Commands
        from appliance.node.control import ControlClient
        from appliance.panel.pair_view import other_panel

        daemon = ControlClient(self._home, Commands)
        try:
            status = daemon.status() if daemon.answers() else None
        except (OSError, TandemError):
            status = None
        if status is not None:
            self.panel = (other_panel(status) or self.panel) if status["paired"] else ""
        return self.panel


def token_of(home: Path) -> str:
    """A one-time token of the daemon of this home; "" when there is none, or when it is somebody else's: then a person signs in."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient

    daemon = ControlClient(home, Commands)
    try:
        return str(daemon.new_token()) if daemon.answers() else ""
    except (OSError, TandemError):
        return ""
