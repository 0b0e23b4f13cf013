"""``tandem intake``: mail files taken in by hand."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, bad, json_option, print_json, reach
from appliance.ground.errors import Refused


@click.command("intake")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--mailbox", default="", help="The mailbox whose reply address is used; the first one by default.")
@click.option("--overwrite", is_flag=True, help="Begin the queue anew: archive what ended, close what waits.")
@click.option(
    "--to", "copy", type=click.Path(dir_okay=False, path_type=Path), help="With --overwrite: a new .csv or .xlsx, the audit copy."
)
@json_option
@click.pass_context
def command(context: click.Context, files: tuple[Path, ...], mailbox: str, overwrite: bool, copy: Path | None, as_json: bool) -> None:
    """Take .eml and .mbox FILES, tables of messages (.csv, .xlsx: sender, subject, body) or folders of them in.

    They are added to the queue; what cannot be taken is named, and the exit code is 1. With --overwrite --to FILE the queue is begun
    anew: an audit copy is written, what has ended loses its words and leaves the lists, what waits for the desk or a person is
    closed. What is under way goes on.
    """
    if overwrite != (copy is not None):
        raise click.UsageError("--overwrite and --to belong together: --overwrite --to FILE, where FILE is the audit copy.")
    paths = [str(file.resolve()) for file in files]
    with reach(context) as commands:
        made_room = _make_room(commands, paths, mailbox, copy) if copy is not None else {}
        taken = {**made_room, **commands.take_files(OWNER, paths, mailbox)}
    print_json(taken) if as_json else _print(taken)
    if taken["refused"]:
        context.exit(1)


def _print(taken: dict[str, Any]) -> None:
    if "copy" in taken:
        told = "In {copy}: {copied} cases. Archived: {archived}; closed unanswered: {closed}; left as they were: {left}."
        click.echo(told.format_map(taken))
    click.echo("1 message is in the journal." if taken["taken"] == 1 else f"{taken['taken']} messages are in the journal.")
    for row in taken["refused"]:
        click.echo(bad(f"Not taken: {row['reason']}") + f" → {row['remedy']}", err=True)


def _make_room(commands: Any, paths: list[str], mailbox: str, copy: Path) -> dict[str, Any]:
    """Archive and close what stands in the queue, once it is certain that the files can be read; what became of it."""
    from appliance.cli.copies import archive, in_lots  # late: only this needs it

    if not commands.count_messages(OWNER, paths, mailbox):
        raise Refused("The files hold no message; the queue is as it was.", "Name a table or mails that hold some.")
    done = archive(commands, copy, words=False)
    closed = in_lots(done.seen, lambda lot: commands.replace_waiting(OWNER, lot))
    return {
        "copy": str(copy),
        "copied": done.copied,
        "archived": done.archived,
        "closed": closed,
        "left": done.copied - done.archived - closed,
    }
