"""``tandem update``: a new version on both machines while mail goes on, and the way back."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from appliance.care.update.facts import Facts, ours
from appliance.care.update.install import asked
from appliance.care.update.layout import prepare
from appliance.care.update.rolling import Check, Look, Order, Outcome, Pace, Rolling
from appliance.care.update.wheel import Wheel, read
from appliance.cli.common import OWNER, ago, bad, good, home_of, json_option, must_be_there, print_json, print_table
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import Refused, TandemError
from appliance.ground.files import exclusive_lock

FOLDER = "updates"  # of the home; node/update_steps.py looks there
clock: Clock = SystemClock()


@click.command("update")
@click.argument("wheel", required=False, type=click.Path(path_type=Path))
@click.option("--wheels", type=click.Path(path_type=Path), help="A folder with the packages that WHEEL needs, where it needs other ones.")
@click.option("--rollback", is_flag=True, help="Go back to the version from before, the same way.")
@click.option("--status", "show", is_flag=True, help="What runs, what is on trial, what was done last.")
@click.option("--prepare", "first", is_flag=True, help="Make this installation one that can be updated; once on each machine.")
@click.option("--prefix", type=click.Path(path_type=Path), help="With --prepare: the installation, when it is not this one.")
@click.option("--allow-older", is_flag=True, help="Take WHEEL also when it is not newer.")
@click.option("--no-way-back", is_flag=True, help="One machine alone: take a version that changes the database.")
@click.option("--though-unwell", is_flag=True, help="Also when a machine is not well: the new version may mend it.")
@click.option("--patience", default=Pace().trial, show_default=True, help="Seconds that a version has to show itself.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    wheel: Path | None,
    wheels: Path | None,
    rollback: bool,
    show: bool,
    first: bool,
    prefix: Path | None,
    allow_older: bool,
    no_way_back: bool,
    though_unwell: bool,
    patience: float,
    as_json: bool,
) -> None:
    """Put the version in WHEEL in on both machines, one after the other; mails go on being answered.

    The machine that stands by is first. A version that does not come up, or fails a test, is taken back by itself.
    """
    if [bool(wheel), rollback, show, first].count(True) != 1:
        raise click.UsageError("Give a WHEEL, or one of --rollback, --status, --prepare.")
    if first:
        _prepare(prefix, as_json)
        return
    home = home_of(context)
    must_be_there(home)
    client = client_of(home)
    if show:
        _status(client, as_json)
        return
    with _only_one(home):
        version = _laid_ready(home, wheel, wheels).version if wheel is not None else ""
        order = Order(version, allow_older, no_way_back, though_unwell)
        _conduct(context, client, order, wheel, bool(wheels), Pace(trial=patience, smoke=min(Pace().smoke, patience / 2)), as_json)


def client_of(home: Path) -> Any:
    """The daemon of this home. Raises ``Refused`` when none runs."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient

    client = ControlClient(home, Commands)
    if not client.answers():
        raise Refused("The appliance does not run on this machine.", "Start it: tandem service start; it is updated while it works.")
    return client


class ViaDaemon:
    """One of the machines, reached by the daemon of this one."""

    def __init__(self, client: Any, there: bool, wheel: str = "", wheels: bool = False) -> None:
        self._client = client
        self._there = there
        self._wheel = wheel
        self._wheels = wheels
        self.name = "The other machine" if there else "This machine"

    def _step(self, step: str, **words: Any) -> Any:
        return self._client.update_step(OWNER, step, words, self._there)

    def look(self) -> Look:
        found = msgspec.convert(self._step("look"), Look)
        return found if self._there else replace(found, busy=False)  # it is we who are busy with it

    def install(self) -> Facts:
        if self._there:
            self._client.update_bring(OWNER)
        return msgspec.convert(self._step("install", wheel=self._wheel, wheels=self._wheels), Facts)

    def start_on_trial(self, version: str, seconds: float) -> None:
        self._step("start", version=version, seconds=seconds)

    def smoke(self, version: str, leading: bool) -> tuple[Check, ...]:
        return msgspec.convert(self._step("smoke", version=version, leading=leading), tuple[Check, ...])

    def confirm(self, version: str) -> None:
        self._step("confirm", version=version)

    def go_back(self, reason: str) -> None:
        self._step("back", reason=reason)

    def hand_over(self) -> None:
        self._client.pair_handover(OWNER)


def _conduct(context: click.Context, client: Any, order: Order, wheel: Path | None, wheels: bool, pace: Pace, as_json: bool) -> None:
    name = wheel.name if wheel is not None else ""
    sides = (False, True) if client.pair()["paired"] else (False,)
    machines = tuple(ViaDaemon(client, there, name, wheels) for there in sides)
    began = clock.elapsed()

    def say(text: str) -> None:
        click.echo(f"{clock.elapsed() - began:6.1f} s  {text}", err=as_json)

    try:
        outcome = Rolling(order, machines, clock, say, pace).run()
    except KeyboardInterrupt:
        click.echo("Left in the middle. What is on trial goes back by itself; see tandem update --status.", err=True)
        raise
    seconds = round(clock.elapsed() - began, 1)
    print_json({**msgspec.to_builtins(outcome), "ok": outcome.ok, "seconds": seconds}) if as_json else click.echo(told(outcome, seconds))
    if not outcome.ok:
        context.exit(1)


def told(outcome: Outcome, seconds: float) -> str:
    """How it ended, for a person."""
    if outcome.ok:
        return good(f"{outcome.version} runs on {' and '.join(outcome.updated)}") + f", {seconds:.0f} s later."
    lines = [bad(f"{outcome.version} was not kept. {outcome.reason}.")]
    if outcome.taken_back:
        lines.append(f"{' and '.join(outcome.taken_back)} runs what it ran before.")
    if outcome.updated:
        lines.append(f"{' and '.join(outcome.updated)} runs {outcome.version}. The two understand each other, and mail goes on.")
    return "\n".join(lines)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Raises ``Refused`` while another update is conducted from this machine."""
    folder = home / FOLDER
    (folder / "wheels").mkdir(mode=0o700, parents=True, exist_ok=True)
    _give(home, folder, folder / "wheels")
    with exclusive_lock(folder / "lock") as held:
        if held is None:
            raise Refused("Somebody updates from this machine already.", "Wait until that has ended: tandem update --status")
        _give(home, folder / "lock")
        yield


def _laid_ready(home: Path, wheel: Path, wheels: Path | None) -> Wheel:
    """Copy the files to where the daemon finds them, and may read them; what an earlier update left goes."""
    found = read(wheel)
    click.echo(f"{found.name}, version {found.version}, SHA-256 {found.sha256}", err=True)
    folder = home / FOLDER
    for old in (*folder.glob("*.whl"), *(folder / "wheels").glob("*")):
        if not (old.parent == folder and old.samefile(wheel)):
            old.unlink()
    try:
        if not (folder / wheel.name).exists():
            shutil.copyfile(wheel, folder / wheel.name)
        copies = [folder / wheel.name]
        for path in sorted(wheels.glob("*.whl")) if wheels is not None else ():
            copies.append(Path(shutil.copyfile(path, folder / "wheels" / path.name)))
    except OSError as error:
        raise Refused(f"The files could not be copied into {folder} ({error.strerror}).", "Make room there, then try again.") from error
    _give(home, *copies)
    return found


def _give(home: Path, *paths: Path) -> None:
    """To the account that owns the home, when it is root who made them."""
    if os.geteuid() == 0:
        owner = home.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid)


def _prepare(prefix: Path | None, as_json: bool) -> None:
    try:
        layout = prepare(Path(sys.prefix), ours()) if prefix is None else prepare(prefix, asked(prefix))
    except OSError as error:
        raise Refused(
            f"{error.filename} could not be changed ({error.strerror}).", "Run it as whoever installed Tandem: with sudo."
        ) from error
    if as_json:
        print_json({"folder": str(layout.folder), "launcher": str(layout.launcher), "version": layout.in_use()})
        return
    click.echo(f"{layout.launcher} starts what {layout.folder / 'current'} names: {layout.in_use()}.")
    click.echo(f"The appliance's account must be able to write to {layout.folder}. Then start the service again.")


def _status(client: Any, as_json: bool) -> None:
    here = client.update_step(OWNER, "history", {})
    there: dict[str, Any] | None = None
    if client.pair()["paired"]:
        try:
            there = client.update_step(OWNER, "history", {}, True)
        except TandemError as error:
            click.echo(f"The other machine does not say: {error.message}", err=True)
    if as_json:
        print_json({"here": here, "there": there})
        return
    for each in (here, there):
        if each is not None:
            trial = f", {bad(each['trial'] + ' on trial')}" if each["trial"] else ""
            before = f"; before: {each['previous']}" if each["previous"] else ""
            click.echo(f"{each['node']} runs {good(each['version'])}{trial}{before}.")
    rows = [
        (
            f"{ago(max(0.0, clock.now() - row['at']))} ago",
            each["node"],
            str(row["event"]).replace("_", " "),
            row.get("version", ""),
            row.get("reason", ""),
        )
        for each in (here, there)
        if each is not None
        for row in each["updates"][:10]
    ]
    print_table(("when", "node", "what", "version", "why"), rows, "Nothing was ever updated here.")
