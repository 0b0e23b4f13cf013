"""What every command shares: the settings of its home, the way to the daemon, and how things are printed."""

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import msgspec

from appliance.ground.errors import SettingsError
from appliance.records.person import Actor, Role

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
START_SECONDS = 30.0
STOP_SECONDS = 20.0
OWNER = Actor(name="cli", role=Role.ADMIN)  # whoever may read the home owns it


def home_of(context: click.Context) -> Path:
    """The home that ``--home``, the environment or the machine's custom names."""
    from appliance.settings.home import find_home

    return Path(context.obj).absolute() if context.obj else find_home(os.environ)


def load_settings(context: click.Context) -> Any:
    """The settings of the home that is meant."""
    from appliance.settings.read import load

    return load(home=home_of(context), environment=os.environ)


@contextmanager
def reach(context: click.Context) -> Iterator[Any]:
    """The commands of this home: the daemon's when one runs, else a node opened here for as long as the command takes."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient

    home = home_of(context)
    remote = ControlClient(home, Commands)
    if remote.answers():  # asked before the settings are read: a lever must work while tandem.toml is broken
        yield cast(Commands, remote)
        return
    must_be_there(home)
    from appliance.node.build import build

    node = build(load_settings(context))
    try:
        yield node.commands
    finally:
        node.close()


leash_option = click.option("--leash", is_flag=True, hidden=True, help="End when whoever started this process has gone away.")


def on_a_leash() -> None:
    """End this process, as by SIGTERM, when the other end of the pipe on standard input closes: whoever holds it has ended, however."""

    def wait() -> None:
        # Not by sys.stdin: an interpreter that ends while a thread reads there finds its buffer locked, and aborts.
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="leash", daemon=True).start()


@contextmanager
def running(context: click.Context) -> Iterator[Any]:
    """The commands of this home's daemon. Where none runs, one is started without a panel for as long as the command takes."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient

    home = home_of(context)
    remote = ControlClient(home, Commands)
    if remote.answers():
        yield cast(Commands, remote)
        return
    must_be_there(home)
    with _daemon(home, remote):
        yield cast(Commands, remote)


@contextmanager
def _daemon(home: Path, remote: Any) -> Iterator[None]:
    import subprocess  # late: rarely needed, and 10 ms

    from appliance.ground.clock import SystemClock

    clock, never = SystemClock(), threading.Event()
    child = subprocess.Popen(
        [sys.executable, "-m", "appliance", "--home", str(home), "run", "--no-panel", "--leash"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        until = clock.elapsed() + START_SECONDS
        while not remote.answers():
            if child.poll() is not None or clock.elapsed() > until:
                raise SettingsError("The appliance could not be started for this command.", f"See why: tandem --home {home} run")
            clock.wait(never, 0.05)
        yield
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def must_be_there(home: Path) -> None:
    """Raises ``SettingsError`` where nobody has made a home: a slip in its name begins no second appliance."""
    if not home.is_dir():
        raise SettingsError(f"There is no appliance in {home}.", "Check the spelling of --home; tandem init makes a new one.")


def print_json(value: Any) -> None:
    """Records and plain values as JSON, one document."""
    click.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Columns as wide as they need; a sentence instead of an empty table. Long cells are cut at the terminal's width."""
    if not rows:
        click.echo(empty)
        return
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(headings[column]), *(len(row[column]) for row in cells)) for column in range(len(headings))]
    room = shutil.get_terminal_size((120, 24)).columns
    widths[-1] = max(10, min(widths[-1], room - sum(widths[:-1]) - 2 * (len(widths) - 1)))
    click.echo("  ".join(click.style(name.ljust(width), bold=True) for name, width in zip(headings, widths, strict=True)).rstrip())
    for row in cells:
        click.echo("  ".join(_fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _fit(cell: str, width: int) -> str:
    cell = " ".join(cell.split())
    return cell.ljust(width) if len(cell) <= width else cell[: width - 1] + "…"


def ago(seconds: float) -> str:
    """A span as people say it: 40 s, 14 min, 3 h, 2 d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def good(text: str) -> str:
    return click.style(text, fg="green")


def bad(text: str) -> str:
    return click.style(text, fg="red")
