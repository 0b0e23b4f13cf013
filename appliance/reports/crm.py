"""The report of the CRM's ops log: Markdown for whoever looks after the way to the CRM. Codes and numbers alone."""

from collections import Counter
from collections.abc import Iterator, Sequence

from appliance.records.ops import OpsLine
from appliance.records.push import PushCounts

DEPTH_WARNED = 3  # more waiting than this is told as a backlog
QUIET_SECONDS = 86_400.0  # without a success while something waits
SHARE_WARNED = 0.2  # of tries that failed
TRIES_ENOUGH = 5  # to speak of a share
LAST_LINES = 20
_TRIES = ("synced", "retrying", "failed")


def warnings(lines: Sequence[OpsLine], counts: PushCounts, now: float, enabled: bool, unreadable: int = 0) -> Iterator[str]:
    """What somebody should look at, a sentence each."""
    if not enabled:
        yield "The CRM is off (crm.enabled): pushes are kept here and not sent."
    if counts.failed:
        yield f"{counts.failed} pushes were given up. Look at the reason, then: tandem crm retry --all"
    if counts.depth > DEPTH_WARNED:
        yield f"{counts.depth} pushes wait; the oldest since {_span(now - counts.oldest_at)}."
    if counts.depth and counts.last_success_at and now - counts.last_success_at > QUIET_SECONDS:
        yield f"Nothing has gone through for {_span(now - counts.last_success_at)}, and something waits."
    if counts.depth and not counts.last_success_at:
        yield "Nothing has ever gone through."
    tries = [line for line in lines if line.event in _TRIES]
    failed = sum(line.event != "synced" for line in tries)
    if len(tries) >= TRIES_ENOUGH and failed > SHARE_WARNED * len(tries):
        yield f"{failed} of {len(tries)} tries failed ({100 * failed // len(tries)} %)."
    if any(line.error == "sign_in" for line in tries):
        yield "The CRM did not believe a signature: compare the secret in crm.secret_file with the CRM's."
    if counts.demo:
        yield f"{counts.demo} pushes are of a demonstration. Before a release: tandem crm reset"
    if unreadable:
        yield f"{unreadable} lines of the log could not be read."


def report(
    lines: Sequence[OpsLine], counts: PushCounts, now: float, *, at: str, last_success: str, enabled: bool, unreadable: int = 0
) -> str:
    """The whole report. ``at`` and ``last_success`` are ``now`` and the last success in words a reader knows."""
    told = list(warnings(lines, counts, now, enabled, unreadable))
    parts = [
        f"# CRM pushes\n\nAs of {at}.",
        "## Warnings\n\n" + ("\n".join(f"- {one}" for one in told) or "None."),
        "## Queue\n\n" + _table(("What", "Value"), _queue(counts, last_success, now)),
        "## What happened\n\n" + (_table(("Event", "Times"), sorted(_times(lines).items())) if lines else "Nothing yet."),
        "## Errors\n\n" + (_table(("Error", "Response code", "CRM error", "Times"), _errors(lines)) or "None."),
        f"## The last {LAST_LINES}\n\n" + (_table(_HEAD, [_row(line) for line in lines[-LAST_LINES:]]) or "Nothing yet."),
    ]
    return "\n\n".join(parts) + "\n"


_HEAD = ("Time", "Event", "Push", "Attempts", "Queue depth", "Response code", "Error", "CRM error")


def _queue(counts: PushCounts, last_success: str, now: float) -> list[tuple[str, object]]:
    return [
        ("Queue depth", counts.depth),
        ("Oldest waits since", _span(now - counts.oldest_at) if counts.oldest_at else "-"),
        ("Cached", counts.cached),
        ("Retrying", counts.retrying),
        ("Synced", counts.synced),
        ("Failed", counts.failed),
        ("Last success", last_success or "never"),
        ("Last error", counts.last_error or "-"),
        ("Response code", counts.response_code or "-"),
        ("CRM error", counts.crm_error or "-"),
        ("Of a demonstration", counts.demo),
    ]


def _times(lines: Sequence[OpsLine]) -> Counter[str]:
    return Counter(line.event for line in lines)


def _errors(lines: Sequence[OpsLine]) -> list[tuple[object, ...]]:
    found = Counter((line.error, line.response_code, line.crm_error) for line in lines if line.event in ("retrying", "failed"))
    return [(error, code or "-", crm_error or "-", times) for (error, code, crm_error), times in found.most_common()]


def _row(line: OpsLine) -> tuple[object, ...]:
    return (
        line.timestamp, line.event, line.push or "-", line.attempts, line.queue_depth, line.response_code or "-", line.error or "-",
        line.crm_error or "-",
    )  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown; nothing without rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(max(seconds, 0))} seconds"
