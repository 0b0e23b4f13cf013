"""``tandem cases``: list them, open one, ask why, decide again."""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, ago, bad, good, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.ground.errors import Refused
from appliance.ground.files import write_atomically
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


EXPORTED = (
    "id", "received_at", "changed_at", "channel", "mailbox", "state", "reason", "language", "tier", "team", "score", "agent",
    "duplicate_of",
)  # fmt: skip


@command.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option(
    "--state", "states", multiple=True, type=click.Choice([str(state) for state in CaseState]), help="Only these; may be repeated."
)
@click.option("--words", is_flag=True, help="With sender and subject; without it only numbers and codes.")
@click.pass_context
def export(context: click.Context, file: Path, states: tuple[str, ...], words: bool) -> None:
    """Write every case into FILE, a .csv or an .xlsx: an audit copy of the queue."""
    columns = (*EXPORTED, "sender", "subject") if words else EXPORTED
    count = 0
    with reach(context) as commands, table_writer(file) as write:
        write(columns)
        before: str | None = None
        while rows := commands.rows(tuple(CaseState(state) for state in states) or None, 500, before):
            for row in rows:
                write([getattr(row, column) for column in columns])
            before = rows[-1].id
            count += len(rows)
    click.echo(f"{count} cases are in {file}.")


@contextmanager
def table_writer(file: Path) -> Iterator[Callable[[Sequence[Any]], None]]:
    """A function that adds a row to a CSV or a workbook, saved at the end."""
    if file.suffix.lower() == ".xlsx":
        from openpyxl import Workbook  # late: only this command needs it

        book = Workbook(write_only=True)
        sheet = book.create_sheet("cases")
        yield lambda row: sheet.append([_plain(value) for value in row])
        book.save(file)
        return
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        yield lambda row: writer.writerow([_plain(value) for value in row])


def _plain(value: Any) -> Any:
    """A cell that a spreadsheet takes as a value and never as a formula, whatever a customer wrote into a subject."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


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


@command.command("raw")
@click.argument("case")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=False)
@click.pass_context
def raw(context: click.Context, case: str, file: Path | None) -> None:
    """The mail of CASE as it came, into FILE or to standard output; kept with intake.retain_raw, or when it could not be read whole."""
    with reach(context) as commands:
        mail = commands.raw(OWNER, case)
    if mail is None:
        raise Refused(f"The mail of {case} was not kept as it came.", "Set intake.retain_raw = true to keep those that come from now on.")
    if file is None:
        sys.stdout.buffer.write(mail)
    else:
        write_atomically(file, mail)
        click.echo(f"Wrote {file}.")


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
