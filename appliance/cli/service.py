"""``tandem service``: the appliance as a service of this machine, under launchd or systemd."""

import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from appliance.care.service import launchd, logs, look, systemd
from appliance.care.service.check import check
from appliance.care.service.plan import Place, Plan, ServiceError, Standing, System, ask, carry_out, lines
from appliance.care.update import layout
from appliance.cli.common import ago, bad, good, json_option, print_json
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError, TandemError

SYSTEMS: dict[str, System] = {"linux": systemd, "darwin": launchd}
RUNS_SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
READY_SECONDS = 120.0
RECENT_SECONDS = 600.0
WATCH_SECONDS = 2.0

print_option = click.option("--print", "print_only", is_flag=True, help="Say what would be done, and do nothing.")


@click.group("service")
def command() -> None:
    """Have the machine run the appliance: from its start, without anybody signed in, and again whenever it ends."""


@command.command("install")
@print_option
@click.pass_context
def install(context: click.Context, print_only: bool) -> None:
    """Put the service in and start it, or renew it. May be run any number of times; nothing of the home is lost."""
    system = system_of()
    place = _place(context, system)
    began = SystemClock().elapsed()
    _do(system, system.install(place), print_only, place)
    if not print_only:
        _ready_or_not(system, place.home, Standing(installed=True), "installed", began)


@command.command("uninstall")
@print_option
def uninstall(print_only: bool) -> None:
    """Stop the service and take it out. The home and everything in it stays."""
    system = system_of()
    home = look.installed_home(system)
    _do(system, system.uninstall(), print_only)
    if not print_only:
        click.echo(f"Taken out. The home {home or system.HOME} and the account {system.ACCOUNT} are left as they are.")


@command.command("start")
@print_option
@click.pass_context
def start(context: click.Context, print_only: bool) -> None:
    """Start the service and wait until it is ready."""
    system = system_of()
    began = SystemClock().elapsed()
    _do(system, system.start(), print_only)
    if not print_only:
        _ready_or_not(system, _home(context, system), Standing(installed=True), "ready", began)


@command.command("stop")
@print_option
def stop(print_only: bool) -> None:
    """Stop the service; what is under way is finished. The next start of the machine starts it again."""
    system = system_of()
    _do(system, system.stop(), print_only)
    if not print_only:
        click.echo("Stopped.")


@command.command("restart")
@print_option
@click.pass_context
def restart(context: click.Context, print_only: bool) -> None:
    """Stop it, start it, wait until it is ready again, and say how long that took."""
    system = system_of()
    before = Standing(installed=True) if print_only else look.standing(system)
    began = SystemClock().elapsed()
    _do(system, system.restart(), print_only)
    if not print_only:
        _ready_or_not(system, _home(context, system), before, "ready again", began)


@command.command("status")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@json_option
@click.pass_context
def status(context: click.Context, watch: bool, as_json: bool) -> None:
    """Does it run, since when, how often was it started again, how is it? Needs no root. Exit code 1 when it is not well."""
    system = system_of()
    while True:
        found = facts(context, system)
        if watch and not as_json:
            click.clear()
        if as_json:
            print_json(found)
        else:
            click.echo("\n".join(as_lines(found, system)))
        if not watch:
            context.exit(0 if found["ready"] else 1)
        SystemClock().wait(threading.Event(), WATCH_SECONDS)


@command.command("logs")
@click.option("--since", default="1h", show_default=True, help="How far back: 15min, 1h, 2d, or 2026-11-20T08:00.")
@click.option("--errors", is_flag=True, help="Only what went wrong, from the log of errors.")
@click.option("--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@json_option
@click.pass_context
def show_logs(context: click.Context, since: str, errors: bool, follow: bool, as_json: bool) -> None:
    """What the appliance wrote down, oldest first. No customer's words are in it.

    Under systemd it is the journal's, which also holds what systemd says of the service; with --errors, --json or without
    systemd it is that of the home's logs folder.
    """
    clock = SystemClock()
    begin = logs.moment(since, clock.now())
    words = () if errors or as_json or not _supervises() else system_of().log_command(begin, follow)
    if words:
        os.execvp(words[0], words)
    folder = _home(context, SYSTEMS.get(sys.platform)) / "logs"
    try:
        for line in _lines_of(folder, errors, begin, follow, clock):
            click.echo(_json(line) if as_json else logs.told(line))
    except PermissionError as error:
        raise ServiceError(f"This account may not read {folder}.", f"Run it as root: sudo {_again()}") from error


def _lines_of(folder: Path, errors: bool, since: float, follow: bool, clock: SystemClock) -> Iterator[logs.Line]:
    if not folder.is_dir() and (os.access(folder.parent, os.X_OK) or not folder.parent.exists()):
        raise ServiceError(f"There is no log in {folder}.", "Name the home with --home, or see tandem service status.")
    yield from logs.read(folder, errors, since)
    if follow:
        yield from logs.follow(folder, errors, clock, threading.Event())


def _json(line: logs.Line) -> str:
    import json

    return json.dumps(line, ensure_ascii=False)


def system_of(platform: str = sys.platform) -> System:
    """What runs services on this machine. Raises ``ServiceError`` where it is neither of the two."""
    if platform not in SYSTEMS:
        raise ServiceError(f"{platform} has neither launchd nor systemd.", "Have your own supervisor run: tandem run.")
    return SYSTEMS[platform]


def _supervises() -> bool:
    return sys.platform == "darwin" or RUNS_SYSTEMD.is_dir()


def _place(context: click.Context, system: System) -> Place:
    """This installation. The home is the one that was named; else the one that is in use; else the service's own."""
    program = layout.program(Path(sysconfig.get_path("scripts")))
    number = launchd.free_number(_numbers()) if system.NAME == launchd.NAME and not _account_exists(system) else None
    own = layout.of_running()
    versions = own.folder if own is not None else None
    return Place(program=program, home=_home(context, system), account_number=number, versions=versions)


def _account_exists(system: System) -> bool:
    return ask(("id", "-u", system.ACCOUNT)).returncode == 0


def _numbers() -> str:
    lists = (("/Users", "UniqueID"), ("/Groups", "PrimaryGroupID"))
    return "\n".join(ask(("dscl", ".", "-list", *each)).stdout for each in lists)


def _home(context: click.Context, system: System | None) -> Path:
    """Whose service is meant. A person's own home is not: the service has one of its own."""
    if context.obj:
        return Path(context.obj).absolute()
    if system is None:
        raise SettingsError("Which home is meant?", "Name it with --home.")
    return look.installed_home(system) or system.HOME


def _do(system: System, plan: Plan, print_only: bool, place: Place | None = None) -> None:
    """Carry the plan out as root, or say it. ``place`` is what an install puts in, and is checked first."""
    if print_only:
        click.echo("\n".join(lines(plan)))
        return
    if not _supervises():
        raise ServiceError(
            f"{system.NAME} does not run on this machine.", "Have your own supervisor run: tandem run. --print shows the plan."
        )
    if os.geteuid() != 0:
        raise ServiceError("Only root may change what the machine runs.", f"Run: sudo {_again()}")
    if place is not None:
        check(place)
    elif not system.FILE.exists():
        raise ServiceError("There is no service on this machine.", "Put it in: tandem service install.")
    carry_out(plan, SystemClock())


def _again() -> str:
    """This very command, with the program's whole path, for sudo keeps no PATH of ours."""
    import shlex

    return shlex.join([str(layout.program(Path(sysconfig.get_path("scripts")))), *sys.argv[1:]])


def _ready_or_not(system: System, home: Path, before: Standing, word: str, began: float) -> None:
    """Wait for the probe and say how long it all took, since ``began`` by the steady clock.

    Raises ``ServiceError``, with the last errors said, when it does not turn green.
    """
    clock = SystemClock()
    host, port = _panel(home)
    waited = look.wait_until_ready(system, host, port, clock, READY_SECONDS, before.pid)
    if waited.ready:
        click.echo(good(f"The service is {word}") + f" after {clock.elapsed() - began:.1f} s, process {waited.standing.pid}.")
        return
    for line in last_errors(home, clock.now() - RECENT_SECONDS):
        click.echo(line, err=True)
    why = waited.standing.told or ("it runs and is not ready" if waited.standing.pid else "it does not run")
    raise ServiceError(f"The service is not ready after {waited.seconds:.0f} s: {why}", "See tandem service logs --errors.")


def last_errors(home: Path, since: float, most: int = 5) -> list[str]:
    """The newest lines of the log of errors, where this account may read it."""
    try:
        return [logs.told(line) for line in logs.read(home / "logs", errors=True, since=since)][-most:]
    except OSError:
        return []


def _panel(home: Path) -> tuple[str, int]:
    """Where the probe answers. Whoever may not read the home is told the usual place."""
    from appliance.settings.model import PanelSettings
    from appliance.settings.read import load

    try:
        panel = load(home=home, environment={}).panel
    except (TandemError, OSError):
        panel = PanelSettings()
    return panel.host, panel.port


def facts(context: click.Context, system: System) -> dict[str, Any]:
    """Everything that ``status`` says. ``node`` is null where this account may not ask the daemon itself."""
    home = _home(context, system)
    now = look.standing(system) if _supervises() else Standing(installed=False)
    since = look.running_since(now.pid)
    node = _node(home)
    return {
        "system": system.NAME, "installed": now.installed, "running": bool(now.pid), "pid": now.pid, "since": since,
        "restarts": now.restarts, "ready": bool(now.pid) and look.is_ready(*_panel(home)), "told": now.told, "last_end": now.last_end,
        "home": str(home), "node": node, "errors": last_errors(home, SystemClock().now() - 86_400.0),
    }  # fmt: skip


def _node(home: Path) -> dict[str, Any] | None:
    """``status`` and ``health`` by the control socket, which only the home's account and root may open."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient

    client = ControlClient(home, Commands)
    try:
        return {"status": client.status(), "health": client.health()} if client.answers() else None
    except (TandemError, OSError):
        return None


def as_lines(found: dict[str, Any], system: System) -> list[str]:
    """The status as a person reads it."""
    from appliance.cli.status import lines as node_lines

    if not found["installed"]:
        return [f"There is no service on this machine ({system.NAME}). Put it in: tandem service install."]
    told = [_running(found) if found["running"] else bad("The service does not run.") + " Start it: tandem service start."]
    if found["last_end"]:
        told.append(f"It last ended with: {found['last_end']}.")
    if found["running"]:
        told.append(good("Ready.") if found["ready"] else bad(found["told"] or "Not ready."))
    if found["node"] is not None:
        told += node_lines(found["node"]["status"], found["node"]["health"])
    elif found["running"]:
        told.append(f"How the desk is, only root and {system.ACCOUNT} may ask: sudo {_again()}")
    return told + (["The newest errors of 24 hours:", *found["errors"]] if found["errors"] else [])


def _running(found: dict[str, Any]) -> str:
    span = f"since {ago(max(0.0, SystemClock().now() - found['since']))}" if found["since"] else "now"
    times = "never started again by itself" if not found["restarts"] else f"started again {found['restarts']} times"
    return f"The service runs {span} as process {found['pid']}, {times}; its home is {found['home']}."
