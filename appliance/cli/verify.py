"""``tandem verify``: walk the journal's chain."""

import click

from appliance.cli.common import bad, good, json_option, print_json, reach


@click.command("verify")
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Walk the whole chain; exit code 1 when an entry was edited, deleted, swapped or cut off, and where."""
    with reach(context) as commands:
        result = commands.verify()
    if as_json:
        print_json(result)
    elif result["ok"]:
        click.echo(good(f"Verified: {result['entries']} entries, unbroken to position {result['position']}."))
    else:
        click.echo(bad(f"The journal was tampered with or damaged ({result['entries']} entries read):"))
        for problem in result["problems"]:
            click.echo(f"  position {problem['position']}: {problem['what']}")
    if not result["ok"]:
        context.exit(1)
