"""``tandem eval``: judge how mails and replies of a folder are read."""

from pathlib import Path

import click

from appliance.cli.common import json_option, print_json


@click.group("eval")
def command() -> None:
    """Judge how the mails and replies of a folder are read; yours too."""


@command.command("mail")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@json_option
def mail(folder: Path, as_json: bool) -> None:
    """Read every mail below FOLDER: what it is, what it says, and that none is lost."""
    from appliance.evals.mail import evaluate, render

    result = evaluate(folder)
    print_json(result) if as_json else click.echo(render(result))


@command.command("replies")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@json_option
def replies(folder: Path, as_json: bool) -> None:
    """Cut quotes and signatures from every reply below FOLDER."""
    from appliance.evals.replies import evaluate, render

    result = evaluate(folder)
    print_json(result) if as_json else click.echo(render(result))
