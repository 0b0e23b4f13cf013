"""``tandem review``: decide what waits for a person, one by one or by a CSV."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, ago, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError, TandemError
from appliance.records.case import CaseRow, CaseState
from appliance.records.person import Approval

YES = {"approve", "approved"}
NO = {"reject", "rejected"}


@click.group("review")
def command() -> None:
    """Decide what waits for a person."""


@command.command("list")
@click.option("--csv", "as_csv", is_flag=True, help="Print the approvals CSV, to be filled in and imported.")
@json_option
@click.pass_context
def list_(context: click.Context, as_csv: bool, as_json: bool) -> None:
    """What waits for a person."""
    with reach(context) as commands:
        rows = all_rows(commands)
    if as_json:
        print_json(rows)
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("id", "decision", "comment", "decided_at"))
        writer.writerows((row.id, "", "", "") for row in rows)
    else:
        now = SystemClock().now()
        print_table(
            ("case", "waits", "why", "from", "subject"),
            [(row.id, ago(now - row.changed_at), row.reason, row.sender, row.subject) for row in rows],
            "Nothing waits for you.",
        )


def all_rows(commands: Any) -> list[CaseRow]:
    """Everything that waits, however much it is."""
    found: list[CaseRow] = []
    while page := commands.rows((CaseState.REVIEW, CaseState.UNCERTAIN, CaseState.DEAD), 500, found[-1].id if found else None):
        found += page
    return found


def _decide(context: click.Context, approval: Approval, as_json: bool) -> None:
    with reach(context) as commands:
        state = commands.decide(OWNER, approval)
    print_json({"case": approval.case, "state": state}) if as_json else click.echo(f"{approval.case}: {state}")


@command.command("approve")
@click.argument("case")
@click.option("--comment", default="")
@json_option
@click.pass_context
def approve(context: click.Context, case: str, comment: str, as_json: bool) -> None:
    """Send the draft of CASE as it stands."""
    _decide(context, Approval(case=case, decision="approve", by=OWNER.name, comment=comment), as_json)


@command.command("reject")
@click.argument("case")
@click.option("--comment", default="")
@json_option
@click.pass_context
def reject(context: click.Context, case: str, comment: str, as_json: bool) -> None:
    """Send nothing; CASE is closed."""
    _decide(context, Approval(case=case, decision="reject", by=OWNER.name, comment=comment), as_json)


@command.command("edit")
@click.argument("case")
@click.option("--text", help="The whole reply; without it your editor opens with the draft.")
@click.option("--file", "file", type=click.Path(exists=True, path_type=Path), help="A file with the whole reply.")
@json_option
@click.pass_context
def edit(context: click.Context, case: str, text: str | None, file: Path | None, as_json: bool) -> None:
    """Send your own words, or the draft as you change it, for CASE."""
    words = text if text is not None else text_of(file.read_bytes(), str(file)) if file else _from_editor(context, case)
    if not words.strip():
        raise SettingsError("The reply is empty.", "Write something, or reject the case.")
    _decide(context, Approval(case=case, decision="approve", by=OWNER.name, text=words), as_json)


def _from_editor(context: click.Context, case: str) -> str:
    with reach(context) as commands:
        found = commands.file(case)
    if found is None:
        raise SettingsError(f"There is no case {case}.", "tandem review list shows what waits.")
    edited = click.edit(found.draft.text if found.draft else "")
    if edited is None:
        raise click.Abort
    return edited


@command.command("resolve")
@click.argument("case")
@click.argument("decision", type=click.Choice(["sent", "resend", "drop"]))
@json_option
@click.pass_context
def resolve(context: click.Context, case: str, decision: str, as_json: bool) -> None:
    """Say what became of an uncertain delivery of CASE."""
    with reach(context) as commands:
        state = commands.resolve(OWNER, case, decision)
    print_json({"case": case, "state": state}) if as_json else click.echo(f"{case}: {state}")


@command.command("undo")
@click.argument("case")
@json_option
@click.pass_context
def undo(context: click.Context, case: str, as_json: bool) -> None:
    """Take the last decision about CASE back, within review.undo_seconds; nothing has left by it then."""
    with reach(context) as commands:
        state = commands.undo(OWNER, case)
    print_json({"case": case, "state": state}) if as_json else click.echo(f"{case}: {state}")


@command.command("assign")
@click.argument("case")
@click.argument("person", default="")
@json_option
@click.pass_context
def assign(context: click.Context, case: str, person: str, as_json: bool) -> None:
    """PERSON (a name, or an id of tandem people) takes care of CASE; without PERSON nobody in particular."""
    with reach(context) as commands:
        who = commands.assign(OWNER, case, person)
    print_json({"case": case, "person": who}) if as_json else click.echo(f"{case}: {who or 'nobody in particular'}")


@command.command("note")
@click.argument("case")
@click.argument("text", default="")
@json_option
@click.pass_context
def note(context: click.Context, case: str, text: str, as_json: bool) -> None:
    """Write an internal note on CASE; without TEXT the notes there are."""
    with reach(context) as commands:
        notes = [commands.note(OWNER, case, text)] if text else commands.notes(OWNER, case)
    if as_json:
        print_json(notes)
        return
    now = SystemClock().now()
    print_table(("written", "by", "note"), [(f"{ago(now - one.at)} ago", one.by, one.text) for one in notes], "No notes.")


@command.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@json_option
@click.pass_context
def import_(context: click.Context, file: Path, as_json: bool) -> None:
    """Carry out an approvals CSV (id, decision, comment, decided_at). Lines without a decision are left alone."""
    decided = approvals(file.read_bytes())
    done: dict[str, str] = {}
    refused: dict[str, str] = {}
    with reach(context) as commands:
        for approval in decided:
            try:
                done[approval.case] = commands.decide(OWNER, approval)
            except TandemError as error:
                refused[approval.case] = str(error)
    if as_json:
        print_json({"decided": done, "refused": refused})
    else:
        click.echo(f"{len(done)} decided, {len(refused)} refused.")
        for case, reason in refused.items():
            click.echo(f"  {case}: {reason}", err=True)
    if refused:
        context.exit(1)


def text_of(content: bytes, name: str) -> str:
    """What a person wrote in a file. Raises ``SettingsError`` for another code page than UTF-8: guessed letters could reach a customer."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name} is not in UTF-8.", "Save it as UTF-8 (in Excel: CSV UTF-8), then try again.") from error


def approvals(content: bytes) -> list[Approval]:
    """The decided lines of an approvals CSV; ``;`` and ``,`` both separate, a byte order mark is fine."""
    text = text_of(content, "The approvals CSV")
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    if not {"id", "decision"} <= {(name or "").strip() for name in reader.fieldnames or ()}:
        raise SettingsError("The approvals CSV lacks the columns id and decision.", "Take the one that `tandem review list --csv` prints.")
    decided: list[Approval] = []
    for number, row in enumerate(reader, start=2):
        word = (row.get("decision") or "").strip().lower()
        if not word:
            continue
        if word not in YES | NO:
            raise SettingsError(f"Line {number} says {word!r}.", "Write approve, reject, or nothing.")
        decision = "approve" if word in YES else "reject"
        decided.append(
            Approval(case=(row["id"] or "").strip(), decision=decision, by=OWNER.name, comment=(row.get("comment") or "").strip())
        )
    return decided
