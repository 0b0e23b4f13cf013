"""``tandem keys``: API keys and one-time sign-in."""

import click

from appliance.cli.common import OWNER, json_option, load_settings, print_json, print_table, reach
from appliance.ground.errors import Refused
from appliance.records.person import Role


@click.group("keys")
def command() -> None:
    """API keys and one-time sign-in."""


@command.command("add")
@click.argument("name")
@click.option("--role", default="agent", show_default=True, type=click.Choice([role.name.lower() for role in Role]))
@json_option
@click.pass_context
def add(context: click.Context, name: str, role: str, as_json: bool) -> None:
    """A new key for NAME. Its secret is shown this once."""
    if not name.strip():
        raise click.UsageError("A key needs a name: whose it is.")
    with reach(context) as commands:
        issued = commands.issue_key(OWNER, name, int(Role[role.upper()]))
    print_json(issued) if as_json else click.echo(f"{issued['key']}  {issued['secret']}\nKeep the secret; it is not shown again.")


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """The keys, without their secrets."""
    with reach(context) as commands:
        keys = commands.keys()
    if as_json:
        print_json(keys)
        return
    print_table(("key", "name", "role"), [(k["key"], k["name"], Role(k["role"]).name.lower()) for k in keys], "No keys.")


@command.command("revoke")
@click.argument("key")
@json_option
@click.pass_context
def revoke(context: click.Context, key: str, as_json: bool) -> None:
    """KEY opens nothing any more."""
    with reach(context) as commands:
        commands.revoke_key(OWNER, key)
    print_json({"key": key, "revoked": True}) if as_json else click.echo(f"{key} is revoked.")


@command.command("sign-in")
@json_option
@click.pass_context
def sign_in(context: click.Context, as_json: bool) -> None:
    """A link that signs a browser in once, within two minutes."""
    panel = load_settings(context).panel
    with reach(context) as commands:
        if not commands.status()["running"]:
            raise Refused("The appliance does not run, so no link would lead anywhere.", "Start it: tandem run")
        link = f"http://{panel.host}:{panel.port}/sign-in?token={commands.new_token()}"
    print_json({"link": link}) if as_json else click.echo(link)
