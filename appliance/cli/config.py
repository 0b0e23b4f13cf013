"""``tandem config``: judge the configuration."""

import click

from appliance.cli.common import good, json_option, load_settings, print_json


@click.group("config")
def command() -> None:
    """Check the configuration, or print a commented one."""


@command.command("check")
@json_option
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Judge tandem.toml, policy.toml and the environment; exit code 2 with each key, reason and remedy."""
    from appliance.node.macros import load_macros
    from appliance.node.policies import load_policy

    settings = load_settings(context)
    policy = load_policy(settings)
    macros = load_macros(settings.macros.path)
    found = {
        "home": str(settings.home),
        "mailboxes": [box.id for box in settings.mailbox],
        "sources": [source.url.partition("?")[0] or str(source.path) for source in settings.knowledge.source],
        "policy": policy.version,
        "macros": str(len(macros)),
    }
    if as_json:
        print_json(found)
        return
    click.echo(good("The configuration is good."))
    for name, value in found.items():
        click.echo(f"  {name}: {', '.join(value) or 'none' if isinstance(value, list) else value}")


@command.command("template")
def template() -> None:
    """Print a commented tandem.toml with every key, its meaning and its default."""
    from appliance.settings.describe import template_toml

    click.echo(template_toml())
