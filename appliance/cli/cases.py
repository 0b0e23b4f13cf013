"""``tandem cases``: list them, open one, ask why, decide again."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, ago, bad, good, json_option, print_json, print_table, reach
from appliance.cli.copies import archive, exported, table_writer
from appliance.desk.deliveries import copies_refused, kind_of, kinds
from appliance.desk.explain import words_gone
from appliance.desk.reasons import sentence
from appliance.ground.clock import SystemClock
from appliance.ground.errors import Refused
from appliance.ground.files import write_atomically
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.delivery import DeliveryKind
from appliance.records.message import Message, MessageKind
from appliance.records.voice import HeardClip


@click.group("cases")
def command() -> None:
    """List cases, open one, ask why, decide again."""


@command.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([str(state) for state in CaseState]), help="Only these; may be repeated."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--before", help="Continue below this case.")
@click.option("--archived", is_flag=True, help="Archived cases too.")
@click.option("--text", default="", help="Only cases whose sender or subject contains this.")
@json_option
@click.pass_context
def list_(
    context: click.Context, states: tuple[str, ...], limit: int, before: str | None, archived: bool, text: str, as_json: bool
) -> None:
    """Cases, newest first."""
    with reach(context) as commands:
        rows = commands.rows(tuple(CaseState(state) for state in states) or None, limit, before, text, archived=archived)
    if as_json:
        print_json(rows)
        return
    now = SystemClock().now()
    print_table(
        ("case", "since", "state", "lang", "why", "from", "subject"),
        [(row.id, ago(now - row.received_at), row.state, row.language, row.reason, row.sender, _subject(row)) for row in rows],
        "No cases.",
    )


def _subject(row: CaseRow) -> str:
    return "(words removed)" if row.words_removed_at else row.subject


@command.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option(
    "--state", "states", multiple=True, type=click.Choice([str(state) for state in CaseState]), help="Only these; may be repeated."
)
@click.option("--words", is_flag=True, help="With sender and subject; without it only numbers and codes.")
@click.pass_context
def export(context: click.Context, file: Path, states: tuple[str, ...], words: bool) -> None:
    """Write every case, archived ones too, into FILE, a .csv or an .xlsx: an audit copy of the queue."""
    chosen = tuple(CaseState(state) for state in states) or None
    with reach(context) as commands, table_writer(file) as write:
        written = sum(1 for _ in exported(commands, write, words, chosen, archived=True))
    click.echo(f"{written} cases are in {file}.")


@command.command("archive")
@click.option("--to", "file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new .csv or .xlsx: the audit copy.")
@click.option("--words", is_flag=True, help="With sender and subject in the copy; without it only numbers and codes.")
@json_option
@click.pass_context
def archive_(context: click.Context, file: Path, words: bool, as_json: bool) -> None:
    """Write an audit copy of the listed cases; then those that have ended lose their words and leave the lists.

    What is under way, waits for a person or is a dead letter stays as it is. Nothing goes before the copy is on the disk.
    """
    with reach(context) as commands:
        done = archive(commands, file, words)
    if as_json:
        print_json({"copied": done.copied, "archived": done.archived})
    else:
        click.echo(f"In {file}: {done.copied} cases. Archived: {done.archived}; still listed: {done.copied - done.archived}.")


@command.command("expire")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@click.pass_context
def expire(context: click.Context, dry_run: bool, as_json: bool) -> None:
    """Remove the words of cases that ended more than store.retention_days ago now; it also happens once a day."""
    with reach(context) as commands:
        due: dict[str, Any] = commands.expiring()
        if not dry_run:
            due |= commands.expire(OWNER)
    if as_json:
        print_json(due)
    elif not due["days"]:
        click.echo("Words are kept for ever: store.retention_days is 0.")
    elif dry_run:
        by_state = ", ".join(f"{number} {state}" for state, number in due["cases"].items()) or "none"
        click.echo(f"Cases that ended over {due['days']} days ago and would lose their words: {by_state}.")
    else:
        click.echo(f"Cases that ended over {due['days']} days ago and lost their words: {due['removed']}.")


@command.command("show")
@click.argument("case")
@json_option
@click.pass_context
def show(context: click.Context, case: str, as_json: bool) -> None:
    """One case: what was asked, what was drafted, what happened."""
    with reach(context) as commands:
        file = commands.file(case)
        clips = commands.clips(case) if file is not None else []
    if file is None:
        raise Refused(f"There is no case {case}.", "tandem cases list shows them.")
    if as_json:
        print_json(file)
        return
    _print_file(file, clips)


def _print_file(file: CaseFile, clips: Sequence[HeardClip] = ()) -> None:
    row = file.row
    click.secho(f"{row.id}  {row.state}  {row.reason}", bold=True)
    if file.erased:
        click.echo(words_gone(file, "en"))
    if file.message is not None:
        click.echo(_shown(_head(file.message)))
        click.echo(_words(file.message, row.id))
    for clip in clips:
        click.echo(_shown(f"\nClip {clip.name}: {clip.state}" + (f", {clip.seconds:.0f} s" if clip.seconds else "")))
        said = clip.transcript.text if clip.transcript is not None else None
        if said is not None and not (said and file.message is not None and said in file.message.text):
            click.echo(_indent(said or "Nobody speaks in it."))
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
    known = kinds(file.lines)
    for line in file.lines:
        kind, refused = kind_of(line, known), copies_refused(line)
        what = line.kind if kind is DeliveryKind.REPLY else f"{line.kind} ({kind})"
        click.echo(f"  {line.position:>8}  {what}  {line.by}" + (f"  {sentence(refused, 'en')}" if refused else ""))


def _head(message: Message) -> str:
    """Whom it is from, by what is known of them, and about what."""
    sender, caller = message.sender, message.caller
    known = (sender.name or caller.name, sender.address and f"<{sender.address}>", caller.telephone, caller.company)
    subject = f"Subject: {message.subject}\n" if message.subject or message.channel == "mail" else ""
    return f"From:    {' '.join(filter(None, known)) or 'unknown'}\n{subject}"


def _words(message: Message, case: str) -> str:
    """The message's text; of one that could not be read, where its mail is instead of what is left of it."""
    if message.kind is MessageKind.UNREADABLE:
        return f"  This mail could not be read. It is kept as it came: tandem cases raw {case} FILE.eml"
    return _indent(message.text)


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in _shown(text).splitlines())


def _shown(text: str) -> str:
    """A customer's words without what would command the terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


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


@command.command("reopen")
@click.argument("case")
@json_option
@click.pass_context
def reopen(context: click.Context, case: str, as_json: bool) -> None:
    """Bring CASE, closed or answered by mistake, back to review. What has left stays sent."""
    with reach(context) as commands:
        state = commands.reopen(OWNER, case)
    print_json({"case": case, "state": state}) if as_json else click.echo(f"{case}: {state}")


@command.command("attachment")
@click.argument("case")
@click.argument("index", type=click.IntRange(0))
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.pass_context
def attachment(context: click.Context, case: str, index: int, file: Path) -> None:
    """Write the attachment number INDEX (from 0) of CASE into FILE."""
    with reach(context) as commands:
        kept = commands.attachment(OWNER, case, index)
    write_atomically(file, kept.data)
    click.echo(f"Wrote {file}: {kept.media_type}, {len(kept.data)} bytes.")


@command.command("corrections")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@json_option
@click.pass_context
def corrections(context: click.Context, limit: int, as_json: bool) -> None:
    """What the desk drafted and people sent instead, newest cases first."""
    with reach(context) as commands:
        found = commands.corrections(OWNER, limit)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("Nobody has changed a draft yet.")
    for one in found:
        click.secho(f"{one.case}  {one.language}", bold=True)
        click.echo(f"{_indent(one.before)}\n  ---\n{_indent(one.after)}")


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
