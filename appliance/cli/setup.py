"""``tandem setup``: the steps of the first run. Each can be tried again at any time."""

from collections.abc import Sequence

import click

from appliance.cli.common import OWNER, ago, bad, good, json_option, print_json, reach
from appliance.ground.errors import TandemError
from appliance.records.first_run import Step, StepState

NAMES = {
    "company": "Company and languages", "hours": "Time zone and hours", "mail_in": "Mail in", "mail_out": "Mail out",
    "self_mail": "A mail to ourselves", "race": "The race at the mailbox", "knowledge": "Knowledge", "person": "First person",
    "levers": "Levers", "dry_day": "A dry day",
}  # fmt: skip
_SIGNS = {"done": "✓", "not_needed": "✓", "skipped": "–", "trouble": "✗", "open": "○", "running": "…"}
step_argument = click.argument("step", type=click.Choice(list(NAMES)))


@click.group("setup")
def command() -> None:
    """The steps of the first run: how far it is, try one, pass one by."""


@command.command("status")
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Every step as it stands, with what to do. Exit code 0 whatever is left to do."""
    with reach(context) as commands:
        found = commands.setup_steps(OWNER)
    print_json(found) if as_json else show(found)


@command.command("try")
@step_argument
@json_option
@click.pass_context
def try_(context: click.Context, step: str, as_json: bool) -> None:
    """Try STEP at its server now: mail_in, mail_out, self_mail (waits a minute at most) or race. Exit code 1 when it failed."""
    with reach(context) as commands:
        found = commands.try_step(OWNER, step, True)
    print_json(found) if as_json else show([found])
    if found.state is StepState.TROUBLE:
        context.exit(1)


@command.command("skip")
@step_argument
@click.option("--undo", is_flag=True, help="Take it up again.")
@json_option
@click.pass_context
def skip(context: click.Context, step: str, undo: bool, as_json: bool) -> None:
    """Pass STEP by."""
    with reach(context) as commands:
        found = commands.skip_step(OWNER, step, not undo)
    print_json(found) if as_json else show([found])


@command.command("dry-day")
@json_option
@click.pass_context
def dry_day(context: click.Context, as_json: bool) -> None:
    """What would have left by itself since automation was closed with safe mode off."""
    with reach(context) as commands:
        day, now = commands.dry_day(OWNER), next(step for step in commands.setup_steps(OWNER) if step.name == "dry_day")
    if as_json:
        print_json(day)
        return
    if now.state is StepState.DONE:  # with automation on nothing is held back that could be counted
        show([now])
        return
    click.echo(f"In {ago(day.hours * 3600)} the desk settled {day.cases} cases; {day.would_leave} would have left by themselves.")
    click.echo(f"  People looked at {day.looked_at} of these: {day.unchanged} sent unchanged, {day.edited} edited, {day.refused} not sent.")
    click.echo("  There is enough to judge by." if day.enough else "  That is not enough to judge by yet.")
    for case in day.shown:
        click.echo(f"  {case}")


def show(found: Sequence[Step]) -> None:
    """The steps as a person reads them, each with what to do next."""
    from appliance.care.first_run import left, sentence

    for step in found:
        what, remedy = sentence(step)
        click.echo(f"{_sign(step)} {NAMES[step.name]}: {what}")
        if step.tried is not None and step.state is StepState.DONE and step.tried.detail:
            click.echo(f"    {step.tried.detail}")
        if remedy and step.open:
            click.echo(f"    → {remedy}")
        if step.restart:
            click.echo("    → It takes effect when the appliance is started again.")
    if len(found) > 1:
        click.echo(f"{len(found) - left(tuple(found))} of {len(found)} steps are behind you.")


def _sign(step: Step) -> str:
    sign = _SIGNS[step.state]
    return good(sign) if sign == "✓" else bad(sign) if sign == "✗" else sign


def told(error: TandemError) -> None:
    """What went wrong, and what to do, without ending."""
    click.echo(bad(error.message))
    if error.remedy:
        click.echo(f"    → {error.remedy}")
