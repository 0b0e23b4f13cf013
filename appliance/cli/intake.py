"""``tandem intake``: mail files taken in by hand."""

from pathlib import Path

import click

from appliance.cli.common import OWNER, json_option, print_json, reach


@click.command("intake")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--mailbox", default="", help="The mailbox whose reply address is used; the first one by default.")
@json_option
@click.pass_context
def command(context: click.Context, files: tuple[Path, ...], mailbox: str, as_json: bool) -> None:
    """Take .eml and .mbox FILES, tables of messages (.csv, .xlsx: sender, subject, body) or folders of them in."""
    with reach(context) as commands:
        taken = commands.take_files(OWNER, [str(file.resolve()) for file in files], mailbox)
    if as_json:
        print_json(taken)
    else:
        click.echo("1 message is in the journal." if taken["taken"] == 1 else f"{taken['taken']} messages are in the journal.")
