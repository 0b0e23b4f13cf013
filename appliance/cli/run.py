"""``tandem run``: the daemon."""

import click

from appliance.cli.common import load_settings


@click.command("run")
@click.option("--no-panel", is_flag=True, help="Run the loops without panel and API.")
@click.pass_context
def command(context: click.Context, no_panel: bool) -> None:
    """Run the appliance until it is stopped (SIGTERM or Ctrl-C)."""
    from appliance.panel.daemon import run

    run(load_settings(context), panel=not no_panel)
