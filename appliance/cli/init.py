"""``tandem init``: a configuration to fill in."""

import click

from appliance.cli.common import home_of
from appliance.ground.errors import SettingsError
from appliance.ground.files import write_atomically


@click.command("init")
@click.pass_context
def command(context: click.Context) -> None:
    """Write a commented tandem.toml into the home; one that is there already is left alone."""
    from appliance.settings.describe import template_toml

    home = home_of(context)
    file = home / "tandem.toml"
    if file.exists():
        raise SettingsError(f"{file} is there already.", "Edit it, or move it away first; tandem config check judges it.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(file, template_toml().encode("utf-8"))
    click.echo(f"Wrote {file}. Fill in the company and the mailbox, then: tandem config check")
