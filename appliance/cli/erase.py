"""``tandem erase``: a customer's right to be forgotten."""

import click

from appliance.cli.common import OWNER, json_option, print_json, reach


@click.command("erase")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def command(context: click.Context, address: str, yes: bool, as_json: bool) -> None:
    """Destroy every word of the customer with ADDRESS. This cannot be undone."""
    if not yes:
        click.confirm(f"Every message and draft of {address} will be unreadable for good. Go on?", abort=True)
    with reach(context) as commands:
        result = commands.erase(OWNER, address)
    if as_json:
        print_json(result)
        return
    if not result["known"]:
        click.echo("Nobody of that address is known; nothing to erase.")
    for step in result["steps"]:
        if step["step"] == "outside":
            _print_places(step["places"])
        elif result["known"]:
            click.echo(f"  {step['step']}: {step['status']}" + (f" ({step['count']})" if "count" in step else ""))


def _print_places(places: list[str]) -> None:
    """Where a customer's mails may lie that are not ours to delete."""
    if places:
        click.echo("Mails that are not the appliance's own lie where they were; delete this customer's there by hand:")
    for place in places:
        click.echo(f"  {place}")
