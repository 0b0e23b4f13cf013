"""``tandem shadow``: a candidate that answers unseen, beside what counted."""

import click

from appliance.cli.common import OWNER, json_option, print_json, print_table, reach
from appliance.records.candidate import CandidateRow, ShadowSummary


@click.command("shadow")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 92), help="How far back the numbers go.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0, 500), help="So many of the newest cases are listed.")
@json_option
@click.pass_context
def command(context: click.Context, days: int, limit: int, as_json: bool) -> None:
    """How the candidate of shadow.kind compares with what counted. Nothing of it ever leaves."""
    with reach(context) as commands:
        summary, rows = commands.shadow(days), commands.candidates(OWNER, limit)
    if as_json:
        print_json({"summary": summary, "candidates": rows})
        return
    click.echo(_summary(summary))
    headings = ("case", "candidate", "what counted", "it would have", "alike", "seconds")
    print_table(headings, [_row(row) for row in rows], "No candidate has looked at a case. Set shadow.kind to ask one.")


def _summary(seen: ShadowSummary) -> str:
    lines = [f"Looked at {seen.asked_today} of {seen.per_day} cases today."]
    if seen.answered:
        lines.append(f"Of {seen.answered} answered, {seen.same_decision} were decided the same; {seen.failed} failed.")
        lines.append(f"It would have sent {seen.sends_more} where a person was asked, and asked at {seen.sends_less} that left.")
    return "\n".join(lines)


def _row(row: CandidateRow) -> tuple[str, ...]:
    would = row.failure or row.decision or "(under way)"
    return (row.case, row.writer, row.decided, would, "" if row.alike is None else f"{row.alike:.2f}", f"{row.seconds:.1f}")
