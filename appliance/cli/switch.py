"""``tandem switch``: pull a lever."""

import click

from appliance.cli.common import OWNER, ago, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock

LEVERS = {"safe-mode": "safe_mode", "automation": "automation_enabled", "outbound": "outbound_enabled", "intake": "intake_enabled"}


@click.command("switch")
@click.argument("lever", required=False, type=click.Choice(list(LEVERS)))
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
    """
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
