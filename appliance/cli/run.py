"""``tandem run``: the daemon."""

import sys

import click

from appliance.cli.common import leash_option, load_settings, on_a_leash


@click.command("run")
@click.option("--no-panel", is_flag=True, help="Run the loops without panel and API.")
@leash_option
@click.pass_context
def command(context: click.Context, no_panel: bool, leash: bool) -> None:
    """Run the appliance until it is stopped (SIGTERM or Ctrl-C)."""
    from appliance.panel.daemon import run

    settings = load_settings(context)
    if leash:
        on_a_leash()
    if sys.stdout.isatty() and not no_panel:
        click.echo(
            f"The panel: http://{settings.panel.host}:{settings.panel.port} (sign in: tandem keys sign-in). Ctrl-C stops the appliance."
        )
    run(settings, panel=not no_panel)
