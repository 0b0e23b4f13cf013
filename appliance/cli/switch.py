"""``tandem switch``: pull a lever."""

from typing import Any

import click

from appliance.cli.common import OWNER, ago, bad, good, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock

LEVERS = {"safe-mode": "safe_mode", "automation": "automation_enabled", "outbound": "outbound_enabled", "intake": "intake_enabled"}
DRILL = "drill"


@click.command("switch")
@click.argument("lever", required=False, type=click.Choice([*LEVERS, DRILL]))
@click.argument("position", required=False, type=click.Choice(["on", "off"]))
@json_option
@click.pass_context
def command(context: click.Context, lever: str | None, position: str | None, as_json: bool) -> None:
    """Pull LEVER on or off; without arguments, show where the levers stand, who pulled them and when.

    \b
    safe-mode on     route only: nothing is answered
    automation off   no automatic reply; people go on
    outbound off     nothing leaves; mail still comes in
    intake off       the mailboxes are left alone
    drill            closes outbound and automation, measures until both machines know, puts them back
    """
    if lever == DRILL:
        if position:
            raise click.UsageError("A drill takes no position: tandem switch drill")
        _rehearse(context, as_json)
        return
    with reach(context) as commands:
        if lever and position:
            commands.set_switch(OWNER, LEVERS[lever], position == "on")
        states = commands.switch_states()
    if lever and not position:
        states = tuple(state for state in states if state.name == LEVERS[lever])
    if as_json:
        print_json(states)
        return
    now = SystemClock().now()
    names = {value: key for key, value in LEVERS.items()}
    rows = [(names[s.name], "on" if s.on else "off", s.by or "first start", f"{ago(now - s.at)} ago" if s.at else "") for s in states]
    print_table(("lever", "is", "by", "since"), rows, "The levers cannot be read: everything counts as closed. Run tandem verify.")


def _rehearse(context: click.Context, as_json: bool) -> None:
    """Exit code 1 when it took longer than two seconds, or the other machine did not hear of it."""
    with reach(context) as commands:
        ran: dict[str, Any] = commands.switch_drill(OWNER)
    if as_json:
        print_json(ran)
    else:
        seconds = "" if ran["seconds"] is None else f" in {ran['seconds']:.2f} s"
        outcome = good("passed") if ran["ok"] else bad(f"failed ({ran['reason']})")
        click.echo(f"Drill of the levers: {outcome}{seconds}. They stand as before.")
    if not ran["ok"]:
        context.exit(1)
