"""``tandem escalations``: cases that somebody higher up must know of."""

import click

from appliance.cli.common import OWNER, ago, json_option, print_json, print_table, reach
from appliance.records.escalation import LEVELS, Escalation


@click.group("escalations")
def command() -> None:
    """Cases that somebody higher up must know of."""


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """What is escalated: first what nobody has seen, the highest level first."""
    from appliance.ground.clock import SystemClock

    with reach(context) as commands:
        found = commands.escalations(OWNER)
    if as_json:
        print_json(found)
        return
    now = SystemClock().now()
    print_table(("level", "case", "raised", "by", "seen by", "subject"), [_row(one, now) for one in found], "Nothing is escalated.")


def _row(one: Escalation, now: float) -> tuple[str, ...]:
    why = one.by if one.code == "person" else f"the policy ({one.code})"
    return (str(one.level), one.case, f"{ago(now - one.raised_at)} ago", why, one.seen_by or "nobody", one.subject)


@command.command("raise")
@click.argument("case")
@click.option("--level", required=True, type=click.IntRange(LEVELS[0], LEVELS[-1]), help="3 is at once, 2 within the hour, 1 today.")
@click.option("--note", default="", help="What whoever sees it should know.")
@json_option
@click.pass_context
def raise_(context: click.Context, case: str, level: int, note: str, as_json: bool) -> None:
    """Raise CASE to a level. It is only ever raised."""
    with reach(context) as commands:
        stands = commands.escalate(OWNER, case, level, note)
    print_json({"case": case, "level": stands}) if as_json else click.echo(f"{case} stands at level {stands}.")


@command.command("seen")
@click.argument("case")
@json_option
@click.pass_context
def seen(context: click.Context, case: str, as_json: bool) -> None:
    """Say that you look after CASE."""
    with reach(context) as commands:
        commands.see_escalation(OWNER, case)
    print_json({"case": case, "seen": True}) if as_json else click.echo(f"Noted: somebody looks after {case}.")
