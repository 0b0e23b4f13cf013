"""``tandem status``: the node at a glance."""

from typing import Any

import click

from appliance.cli.common import ago, bad, good, json_option, print_json, reach


@click.command("status")
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """The node at a glance: role, queue, levers, health."""
    with reach(context) as commands:
        status = commands.status()
        health = commands.health()
    if as_json:
        print_json(status)
        return
    for line in lines(status, health):
        click.echo(line)


def lines(status: dict[str, Any], health: dict[str, Any]) -> list[str]:
    """The status as a person reads it."""
    queue, switches = status["queue"], status["switches"]
    state = "runs" if status["running"] else "does not run (tandem run starts it)"
    told = [
        f"Node {status['node']} {state}; role {status['role']}, term {status['term']}, journal at {status['position']}.",
        f"{queue['waiting']} waiting, {queue['review']} for a person, {queue['dead']} dead letters"
        + (f"; the oldest since {ago(queue['oldest_seconds'])}." if queue["oldest_seconds"] else "."),
        "Levers: " + ", ".join(f"{name.replace('_', ' ')} {'on' if on else 'off'}" for name, on in switches.items()) + ".",
        good("Mail may leave.") if status["may_send"] else bad("Nothing leaves now."),
    ]
    for row in health["dependencies"]:
        if not row["connected"]:
            told.append(bad(f"{row['name']}: {row['reason']}") + (f" → {row['remedy']}" if row["remedy"] else ""))
    return told
