"""``tandem voice``: the ear at a glance, and clips brought in by hand."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, bad, good, json_option, print_json, reach
from appliance.ground.errors import TandemError
from appliance.records.voice import Caller

_STATES = {"off": "off: each clip waits for a person", "ready": "ready", "listening": "at work", "troubled": "in trouble"}


@click.group("voice")
def command() -> None:
    """What customers say: the ear at a glance, clips brought in."""


@command.command("status")
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """The ear, its queue, its last success and error, and both stages. The exit code is 1 when it is in trouble or clips pile up."""
    with reach(context) as commands:
        told = commands.voice()
    if as_json:
        print_json(told)
    else:
        _print(told)
    if told["backlog"] or told["last_error"]:
        context.exit(1)


def _print(told: dict[str, Any]) -> None:
    ear = f"{told['ear']}, " if told["ear"] else ""
    click.echo(f"The ear: {ear}{_STATES.get(told['state'], told['state'])}.")
    if told["enabled"]:
        for name, stage in told["stages"].items():
            state = stage["condition"] if stage["enabled"] else "off"
            click.echo(f"  {name:<10} {state:<10} asked {stage['asked']}, failed {stage['failures']}")
    click.echo(f"Waiting: {told['queue']}. Heard today: {told['heard_today']}; not to be heard: {told['failed_today']}.")
    if told["backlog"]:
        click.echo(bad(f"More than three clips wait; the oldest for {told['oldest_seconds']:.0f} s."), err=True)
    if told["last_error_words"]:
        click.echo(bad(told["last_error_words"]), err=True)


@command.command("take")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="Who spoke.")
@click.option("--address", default="", help="The caller's mail address: a reply goes there; without one a person calls back.")
@click.option("--telephone", default="", help="Where the caller can be called back.")
@click.option("--company", default="", help="The caller's company.")
@click.option(
    "--lang", "language", default="", type=click.Choice(["", "fi", "sv", "en"]), metavar="[fi|sv|en]", help="What it is spoken in."
)
@click.option("--again", is_flag=True, help="Take it in although the same sound came before.")
@json_option
@click.pass_context
def take(
    context: click.Context, files: tuple[Path, ...], name: str, address: str, telephone: str, company: str, language: str, again: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Bring FILES in: each becomes a case. What is not taken is named, and the exit code is 1."""
    caller = Caller(name=name, address=address, telephone=telephone, company=company)
    taken: list[dict[str, Any]] = []
    with reach(context) as commands:
        for file in files:
            taken.append(_take(commands, file, caller, language, again))
    if as_json:
        print_json({"taken": taken})
    else:
        for row in taken:
            click.echo(
                good(f"{row['file']}: case {row['case']}") if row["case"] else bad(f"{row['file']}: {row['reason']}"), err=not row["case"]
            )
    if not all(row["case"] for row in taken):
        context.exit(1)


def _take(commands: Any, file: Path, caller: Caller, language: str, again: bool) -> dict[str, Any]:
    try:
        found = commands.take_clip(OWNER, file.name, file.read_bytes(), caller, language, again)
    except TandemError as error:
        hint = " (--again)" if error.code == "same_audio" else ""
        return {"file": str(file), "case": "", "reason": f"{error}{hint}"}
    return {"file": str(file), "case": found["case"], "reason": ""}
