"""``tandem cases``: list them, open one, ask why, decide again."""

from typing import Any

import click

from appliance.cli.common import ago, bad, good, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.ground.errors import Refused
from appliance.records.case import CaseFile, CaseState


@click.group("cases")
def command() -> None:
    """List cases, open one, ask why, decide again."""


@command.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([str(state) for state in CaseState]), help="Only these; may be repeated."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--before", help="Continue below this case.")
@click.option("--text", default="", help="Only cases whose sender or subject contains this.")
@json_option
@click.pass_context
def list_(context: click.Context, states: tuple[str, ...], limit: int, before: str | None, text: str, as_json: bool) -> None:
    """Cases, newest first."""
    with reach(context) as commands:
        rows = commands.rows(tuple(CaseState(state) for state in states) or None, limit, before, text)
    if as_json:
        print_json(rows)
        return
    now = SystemClock().now()
    print_table(
        ("case", "since", "state", "lang", "why", "from", "subject"),
        [(row.id, ago(now - row.received_at), row.state, row.language, row.reason, row.sender, row.subject) for row in rows],
        "No cases.",
    )


@command.command("show")
@click.argument("case")
@json_option
@click.pass_context
def show(context: click.Context, case: str, as_json: bool) -> None:
    """One case: what was asked, what was drafted, what happened."""
    with reach(context) as commands:
        file = commands.file(case)
    if file is None:
        raise Refused(f"There is no case {case}.", "tandem cases list shows them.")
    if as_json:
        print_json(file)
        return
    _print_file(file)


def _print_file(file: CaseFile) -> None:
    row = file.row
    click.secho(f"{row.id}  {row.state}  {row.reason}", bold=True)
    if file.erased:
        click.echo("The customer's words were erased.")
    if file.message is not None:
        click.echo(f"From:    {file.message.sender.name} <{file.message.sender.address}>\nSubject: {file.message.subject}\n")
        click.echo(_indent(file.message.text))
    if file.draft is not None:
        click.secho("\nDraft", bold=True)
        click.echo(_indent(file.draft.text))
        for citation in file.draft.citations:
            click.echo(f"  cites {citation.passage} ({citation.score:.2f})")
    if file.outcome is not None:
        click.secho("\nChecks", bold=True)
        for check in file.outcome.checks:
            click.echo(
                f"  {good('✓') if check.passed else bad('✗')} {check.name}" + (f" {check.score:.2f}" if check.score is not None else "")
            )
    click.secho("\nHistory", bold=True)
    for line in file.lines:
        click.echo(f"  {line.position:>8}  {line.kind}  {line.by}")


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


@command.command("explain")
@click.argument("case")
@click.option("--lang", "language", default="en", type=click.Choice(["fi", "sv", "en"]))
@json_option
@click.pass_context
def explain(context: click.Context, case: str, language: str, as_json: bool) -> None:
    """Why CASE stands where it stands."""
    with reach(context) as commands:
        told = commands.explain(case, language)
    if as_json:
        print_json(told)
        return
    for line in told:
        click.echo(line)


@command.command("replay")
@click.argument("case")
@json_option
@click.pass_context
def replay(context: click.Context, case: str, as_json: bool) -> None:
    """Decide CASE again from its recorded draft; exit code 1 when it comes out differently."""
    with reach(context) as commands:
        result: dict[str, Any] = commands.replay(case)
    if as_json:
        print_json(result)
    else:
        click.echo(good("The same decision.") if result["same"] else bad("Another decision."))
        click.echo(f"  then: {result['then']}\n  now:  {result['now']}")
        for name, pair in result.get("versions_differ", {}).items():
            click.echo(f"  {name}: {pair[0]} → {pair[1]}")
    if not result["same"]:
        context.exit(1)
