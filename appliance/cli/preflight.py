"""``tandem preflight``: everything this machine needs, checked before work starts."""

from typing import Any

import click
import msgspec

from appliance.cli.common import bad, good, json_option, load_settings, print_json
from appliance.ground.errors import SettingsError

SIGNS = {"good": "✓", "warning": "!", "failed": "✗"}


@click.group("preflight", invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Sign in to the mailboxes and mail servers too.")
@json_option
@click.pass_context
def command(context: click.Context, everything: bool, as_json: bool) -> None:
    """Check this machine, the configuration and the sources; with --all the mailboxes too. Exit code 1 when something failed."""
    if context.invoked_subcommand is not None:
        return
    from appliance.care import preflight
    from appliance.ground.clock import SystemClock
    from appliance.node.accounts import needs_of

    findings = []
    for finding in preflight.run(needs_of(load_settings(context), everything), SystemClock()):
        findings.append(finding)
        if not as_json:
            click.echo(line(finding))
    if as_json:
        print_json([msgspec.to_builtins(finding) for finding in findings])
    if any(finding.state == "failed" for finding in findings):
        context.exit(1)


def _remember_race(settings: Any) -> None:
    """What the first run asks, and ``pair.witness = "auto"``: that this mailbox was seen to decide races."""
    from appliance.care import first_run
    from appliance.ground.clock import SystemClock
    from appliance.node.trials import Trials
    from appliance.records.first_run import StepState, Tried

    clock = SystemClock()
    tried = Tried(state=StepState.DONE, about=first_run.about("race", settings), at=clock.now())
    Trials(settings.home, clock).ended("race", tried)


def line(finding: Any) -> str:
    """A finding as a person reads it, with the remedy below it."""
    sign = SIGNS[finding.state]
    colours = {"good": "green", "failed": "red", "warning": "yellow"}
    told = f"{click.style(sign, fg=colours[finding.state])} {finding.name}: {finding.detail}"
    return f"{told}\n    → {finding.remedy}" if finding.remedy else told


@command.command("mailbox")
@click.argument("mailbox", required=False)
@click.option("--race", "race_it", is_flag=True, required=True, help="Race two connections for folders and mails.")
@click.option("--rounds", default=200, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_context
def mailbox(context: click.Context, mailbox: str | None, race_it: bool, rounds: int, as_json: bool) -> None:  # noqa: ARG001  the only check yet
    """May two nodes rely on MAILBOX to decide between them? Everything happens in folders of its own."""
    from appliance.channels.mail.imap_race import race
    from appliance.ground.clock import SystemClock
    from appliance.node.accounts import imap_account

    settings = load_settings(context)
    boxes = [box for box in settings.mailbox if box.imap.host and mailbox in (None, box.id)]
    if not boxes:
        known = ", ".join(box.id for box in settings.mailbox) or "none"
        raise SettingsError("There is no such IMAP mailbox in tandem.toml.", f"Known: {known}.")
    account = imap_account(boxes[0], settings, SystemClock())
    report = race(account, account, rounds)
    if report.fit and boxes[0].id == settings.mailbox[0].id:
        _remember_race(settings)
    if as_json:
        print_json({"mailbox": boxes[0].id, "fit": report.fit, **msgspec.to_builtins(report)})
    else:
        click.echo(
            good("Fit: each race had one winner.") if report.fit else bad("Not fit: a pair needs tandem witness on a third machine.")
        )
        for name, races in (("folders", report.creates), ("mails", report.stores)):
            click.echo(f"  {name}: {races.one_winner} with one winner, {races.two_winners} with two, {races.no_winner} with none")
    if not report.fit:
        context.exit(1)
