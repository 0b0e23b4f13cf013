"""``tandem models``: which there are, bring one here, look at its files, remove it."""

import sys
import threading
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.common import OWNER, ago, bad, good, json_option, print_json, print_table, reach
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import TandemError

LOOK_SECONDS = 0.2
clock: Clock = SystemClock()
yes_option = click.option("--yes", is_flag=True, help="Accept the model's licence without being asked.")
_STATES = {"built_in": "built in", "here": "here", "damaged": "damaged", "partly": "in part", "absent": "not here"}
_AGAINST = {
    "card": "each file is what its card says",
    "hub": "each file is what the hub says",
    "record": "each file is what the machine it came from says",
    "found": "nobody vouches for the files: they were taken as they are, and their digests written down",
}


@click.group("models")
def command() -> None:
    """The models of this machine: list, pull, import, verify, remove."""


@command.command("list")
@click.option("--peer", is_flag=True, help="Also which of them the other machine has.")
@json_option
@click.pass_context
def list_(context: click.Context, peer: bool, as_json: bool) -> None:
    """Every model that has a card or lies here."""
    with reach(context) as commands:
        table = commands.models(peer)
    if as_json:
        print_json(table)
        return
    print_table(
        ("model", "for", "languages", "licence", "size", "memory", "state", "used by"),
        [
            (
                row["name"], row["task"], " ".join(row["languages"]), row["licence"], megabytes(row["bytes"] // 1_000_000), _memory(row),
                _state(row), ", ".join(row["used_by"]),
            )
            for row in table["models"]
        ],
        "No cards.",
    )  # fmt: skip
    free, spare = table["free_bytes"] // 1_000_000, table["memory"]["available_bytes"] // 1_000_000
    click.echo(f"In {table['folder']}; {megabytes(free)} of disk and {megabytes(spare)} of memory are free now.")
    for row in table["models"]:
        if row["missing"]:
            click.echo(bad(f"{row['used_by'][0]} names {row['name']}, which is not here.") + f" tandem models pull {row['name']}")


@command.command("pull")
@click.argument("name")
@click.option("--from-peer", "source", flag_value="peer", help="From the other machine, and from nowhere else.")
@click.option("--from-hub", "source", flag_value="hub", help="From the hub, also when it is here already or the other machine has it.")
@yes_option
@json_option
@click.pass_context
def pull(context: click.Context, name: str, source: str | None, yes: bool, as_json: bool) -> None:
    """Bring model NAME here: from the other machine when it has it, else from the hub. Goes on where an earlier pull ended."""
    with reach(context) as commands:
        row = row_of(commands, name)
        _said_before(row, "pull", as_json)
        accept = agreed(row, yes, as_json)
        if row["state"] == "here" and accept and not source:
            told = commands.accept_licence(OWNER, row["name"])
            print_json(told) if as_json else click.echo(f"{good(row['name'])} is here, and may be used now.")
            return
        source = source or ("hub" if row["state"] == "damaged" else "any")
        _followed(context, commands, commands.pull_model(OWNER, row["name"], accept, source), as_json)


@command.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--as", "name", default="", help="Which model it is, where that cannot be told by its name.")
@yes_option
@json_option
@click.pass_context
def import_(context: click.Context, path: Path, name: str, yes: bool, as_json: bool) -> None:
    """Take a model from PATH: a folder, a memory stick, a .zip or .tar, or a Python package with the model in it."""
    place = str(path.resolve())
    with reach(context) as commands:
        name = name or commands.guess_model(place)
        if not name:
            raise TandemError(f"It cannot be told which model {path.name} is.", f"Say it: tandem models import {path} --as NAME")
        row = row_of(commands, name)
        _said_before(row, "import", as_json)
        accept = agreed(row, yes, as_json)
        _followed(context, commands, commands.import_model(OWNER, place, row["name"], accept), as_json)


@command.command("verify")
@click.argument("names", nargs=-1)
@json_option
@click.pass_context
def verify(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Read every file of the models NAMES (all that are here, by default) and compare it with its digest."""
    jobs = []
    with reach(context) as commands:
        here = [row["name"] for row in commands.models()["models"] if row["state"] in ("here", "damaged")]
        for name in names or here:
            jobs.append(follow(commands, commands.verify_model(OWNER, name), as_json))
    if as_json:
        print_json(jobs)
    elif not jobs:
        click.echo("There is no model here to look at.")
    for job in jobs if not as_json else ():
        if job.state == "failed":
            click.echo(bad(f"{job.model}: {job.message} {job.remedy}"))
        elif job.damaged:
            click.echo(
                bad(f"{job.model} is not what it was: {', '.join(job.damaged)}.") + f" Bring it anew: tandem models pull {job.model}"
            )
        else:
            click.echo(f"{good(job.model)}: every file is as it came.")
    if any(job.state == "failed" or job.damaged for job in jobs):
        context.exit(1)


@command.command("remove")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when something works with it.")
@json_option
@click.pass_context
def remove(context: click.Context, name: str, force: bool, as_json: bool) -> None:
    """Remove model NAME from this machine, and what is left of an unfinished pull."""
    with reach(context) as commands:
        done = commands.remove_model(OWNER, name, force)
    print_json(done) if as_json else click.echo(f"Removed {done['model']}: {megabytes(done['freed_bytes'] // 1_000_000)} are free again.")


# What these share


def row_of(commands: Any, name: str) -> dict[str, Any]:
    """One model as ``models`` tells it, by its name or its repository. Raises ``TandemError`` when there is none."""
    rows = commands.models()["models"]
    found = next((row for row in rows if name in (row["name"], row["repository"]) and name), None)
    if found is None:
        raise TandemError(f"There is no card of a model {name}.", "See which there are: tandem models list")
    return dict(found)


def agreed(row: dict[str, Any], yes: bool, as_json: bool) -> bool:
    """Whether its licence is accepted now; shown and asked where nobody has. Raises ``TandemError`` when it is not."""
    if row["accepted"] or row["state"] == "built_in":
        return False
    click.echo(f"{row['title'] or row['name']} is under the licence {row['licence']}. {row['licence_url']}".rstrip(), err=as_json)
    if yes or (sys.stdin.isatty() and click.confirm("Do you accept this licence for your company?", err=as_json)):
        return True
    raise TandemError(f"The licence of {row['name']} was not accepted; nothing was brought.", "Read it, then run it again with --yes.")


def _said_before(row: dict[str, Any], what: str, as_json: bool) -> None:
    """What it will take of this machine, before anything of it is taken."""
    needed = f"{what} {row['name']}: about {megabytes(row['bytes'] // 1_000_000)} of disk" if row["bytes"] else f"{what} {row['name']}"
    memory = f", {_memory(row)} of memory while it runs" if row["memory_megabytes"] else ""
    click.echo(f"{needed}{memory}.", err=as_json)
    if not row["ever_fits"]:
        click.echo(bad("This machine has too little memory for it, whatever else is closed."), err=as_json)
    elif row["fits"]:
        click.echo(f"It could not be loaded now. {row['fits']}", err=as_json)
    if row["needs_missing"]:
        click.echo(f'What runs it is not installed yet: pip install "tandem-appliance[{row["needs"]}]"', err=as_json)


def _followed(context: click.Context, commands: Any, job: Any, as_json: bool) -> None:
    job = follow(commands, job, as_json)
    if as_json:
        print_json(job)
    if job.state == "failed":
        if as_json:
            context.exit(1)
        raise TandemError(job.message, job.remedy)
    row = row_of(commands, job.model)
    if not as_json:
        click.echo(f"{good(job.model)} is here, {megabytes(row['bytes'] // 1_000_000)}: {_AGAINST[row['checked_against']]}.")


def follow(commands: Any, job: Any, as_json: bool) -> Any:
    """The job when it has ended; how far it is stands on standard error."""
    shown = ""
    never = threading.Event()
    while job.state == "working":
        shown = _tell(job, shown, as_json)
        clock.wait(never, LOOK_SECONDS)
        job = commands.model_job(job.model) or job
    _tell(job, shown, as_json)
    if shown and sys.stderr.isatty() and not as_json:
        click.echo("", err=True)
    return job


def _tell(job: Any, shown: str, as_json: bool) -> str:
    """At a terminal one line that changes; in a file a line at each tenth; for a program one JSON line each."""
    share = 100 * job.done_bytes // job.total_bytes if job.total_bytes else 0
    step = f"{job.file} {share}" if sys.stderr.isatty() or as_json else str(share // 10)
    if step == shown or not job.done_bytes:
        return shown
    if as_json:
        click.echo(msgspec.json.encode({"file": job.file, "done_bytes": job.done_bytes, "total_bytes": job.total_bytes}).decode(), err=True)
        return step
    line = f"{share:3} %  {megabytes(job.done_bytes // 1_000_000)} of {megabytes(job.total_bytes // 1_000_000)}  {job.file}"
    click.echo(f"\r{line:<78.78}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty())
    return step


def megabytes(number: int) -> str:
    """So many megabytes as people say it."""
    return f"{number / 1000:.1f} GB" if number >= 1000 else f"{number} MB"


def _memory(row: dict[str, Any]) -> str:
    if not row["memory_megabytes"]:
        return "-"
    return f"{'' if row['memory_measured'] else '~'}{megabytes(row['memory_megabytes'])}"


def _state(row: dict[str, Any]) -> str:
    if row["job"] and row["job"]["state"] == "working":
        return f"{row['job']['kind']}…"
    told = _STATES[row["state"]]
    if row["state"] == "here":
        seen = row["verified"]
        told = f"{told}, verified {ago(max(0.0, clock.now() - seen['at']))} ago" if seen else told
        return told if row["accepted"] else f"{told}, licence not accepted"
    return f"{told}, at the other machine" if row["at_peer"] and row["state"] != "built_in" else told
