"""The desk's whole way from a mail to a decision, measured mail by mail over a data set that a person brings.

Nothing is stored and nothing is sent: the desk is asked as if every sender were vouched for and every lever open. What is written down
are a mail's name, codes and numbers; none of its words.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from appliance.channels.mail.parse import parse
from appliance.channels.mail.table import SUFFIXES, messages
from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.evals.bench.report import Conditions, clock, conditions, percentile
from appliance.evals.folder import files_of, mails_of, name_of
from appliance.evals.table import table
from appliance.ground.errors import TandemError
from appliance.records.answer import Decision, Outcome
from appliance.records.base import Record
from appliance.records.case import Case, CaseState, History
from appliance.records.message import Address, Message, Trust
from appliance.records.policy import Switches

OPEN = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)
SOMEBODY = Address(address="somebody@customers.example")  # who wrote a row that names no sender; nobody is answered without one
COUNT_MOST = 100_000
STAGES = ("detect", "judge", "search", "write", "check", "decide")
PERCENTILES = ("p50", "p95", "p99")
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class DatasetEmpty(TandemError):
    """The data set holds no message."""


class MailRow(Record):
    """One mail's way. ``milliseconds`` by stage; ``total`` is the time on the wall, from the question to the decision."""

    name: str
    language: str
    tier: int
    decision: str
    reason: str
    score: float | None
    total: float
    milliseconds: dict[str, float]
    engine: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Spread(Record):
    """Milliseconds below which half, 95 and 99 of a hundred mails stayed."""

    p50: float
    p95: float
    p99: float


class PipelineReport(Record):
    """All rows and their sum. ``times`` by stage and, as ``total``, for the whole way; ``per_second`` one mail after the other."""

    dataset: str
    writer: str
    prompt: str
    policy: str
    knowledge: str
    warm_up: int
    before: Conditions
    after: Conditions
    rows: tuple[MailRow, ...]
    decisions: dict[str, int]
    times: dict[str, Spread]
    per_second: float


def run(desk: Desk, dataset: Path, count: int = 0, warm_up: int = 5, tell: Callable[[int], None] = lambda _: None) -> PipelineReport:
    """Ask the desk about ``count`` messages of the data set (0: all of them, once), after ``warm_up`` that are not counted.

    A count beyond the data set goes round again. Raises :class:`DatasetEmpty`, and what an unreadable table or folder raises.
    """
    found = list(islice(read(dataset), COUNT_MOST))
    if not found:
        raise DatasetEmpty(
            f"There is no message in {dataset}.", "Name a table (.csv, .xlsx) with a column body, a mail, or a folder of mails."
        )
    before = conditions()
    for name, message in islice(_round(found), warm_up):
        _measure(name, message, desk)
    rows = []
    for number, (name, message) in enumerate(islice(_round(found), count or len(found)), start=1):
        rows.append(_measure(name, message, desk))
        tell(number)
    return _summed_up(dataset, desk, warm_up, before, rows)


def read(dataset: Path) -> Iterator[tuple[str, Message]]:
    """The messages of a table, of a mail file, or of all mails below a folder, with a name for each."""
    if dataset.suffix.lower() in SUFFIXES:
        for number, message in enumerate(messages(dataset, "bench"), start=1):
            yield f"row {number}", message
        return
    for path in files_of(dataset):
        if path.suffix.lower() in SUFFIXES:
            yield from ((f"{name_of(path, dataset)} {name}", message) for name, message in read(path))
        else:
            yield from ((mail.name, parse(mail.raw)) for mail in mails_of(path, dataset))


def rendered(report: PipelineReport) -> str:
    """The sum for a person."""
    lines = [
        f"bench pipeline: {len(report.rows)} mails of {report.dataset}, writer {report.writer}, {report.per_second:.1f} a second",
        f"  load {report.before.load:.2f} before, {report.after.load:.2f} after; {report.warm_up} to warm up are not counted",
        "  " + ", ".join(f"{decision} {number}" for decision, number in sorted(report.decisions.items())),
        "",
    ]
    rows = [[stage, *(f"{getattr(spread, name):.2f}" for name in PERCENTILES)] for stage, spread in report.times.items()]
    return "\n".join([*lines, table(["ms", *PERCENTILES], rows, right=(1, 2, 3))])


def _round(found: Sequence[tuple[str, Message]]) -> Iterator[tuple[str, Message]]:
    while True:
        yield from found


def _measure(name: str, message: Message, desk: Desk) -> MailRow:
    case = Case(
        id="bench",
        channel="mail",
        mailbox="bench",
        state=CaseState.CLAIMED,
        received_at=clock.now(),
        message=msgspec.structs.replace(message, trust=Trust.PASSED, sender=message.sender if message.sender.address else SOMEBODY),
        history=History(),
    )
    started = clock.elapsed()
    outcome = answer(case, desk, OPEN)
    return _row(name, outcome, 1000 * (clock.elapsed() - started))


def _row(name: str, outcome: Outcome, total: float) -> MailRow:
    return MailRow(
        name=name,
        language=outcome.language.code,
        tier=int(outcome.tier),
        decision=outcome.decision.value,
        reason=outcome.reason.code,
        score=outcome.score,
        total=round(total, 3),
        milliseconds={stage: outcome.milliseconds.get(stage, 0.0) for stage in STAGES},
        engine=outcome.usage.engine,
        prompt_tokens=outcome.usage.prompt_tokens,
        completion_tokens=outcome.usage.completion_tokens,
    )


def _summed_up(dataset: Path, desk: Desk, warm_up: int, before: Conditions, rows: Sequence[MailRow]) -> PipelineReport:
    times = {stage: spread(row.milliseconds[stage] for row in rows) for stage in STAGES}
    return PipelineReport(
        dataset=dataset.name,
        writer=f"{desk.writer.name} {desk.writer.version}",
        prompt=desk.writer.prompt,
        policy=desk.policy.version,
        knowledge=desk.library.version,
        warm_up=warm_up,
        before=before,
        after=conditions(),
        rows=tuple(rows),
        decisions=dict(Counter(row.decision for row in rows)),
        times={**times, "total": spread(row.total for row in rows)},
        per_second=round(1000 * len(rows) / max(1e-9, sum(row.total for row in rows)), 2),
    )


def spread(values: Iterable[float]) -> Spread:
    """The percentiles of some milliseconds."""
    known = list(values)
    return Spread(**{name: round(percentile(known, share), 3) for name, share in _SHARES.items()})


def sheets(report: PipelineReport) -> dict[str, list[list[Any]]]:
    """The report as a workbook: a row for each mail, the times, and what it was made with."""
    heads = ["mail", "language", "tier", "decision", "reason", "score", "total ms", *(f"{stage} ms" for stage in STAGES)]
    usage = ["engine", "prompt tokens", "completion tokens"]
    mails = [
        [
            *(row.name, row.language, row.tier, row.decision, row.reason, row.score, row.total),
            *row.milliseconds.values(),
            *(row.engine, row.prompt_tokens, row.completion_tokens),
        ]
        for row in report.rows
    ]
    times = [[stage, *(getattr(each, name) for name in PERCENTILES)] for stage, each in report.times.items()]
    about = [[name, value] for name, value in trend(report).items()]
    return {"mails": [[*heads, *usage], *mails], "times": [["ms", *PERCENTILES], *times], "run": [["what", "value"], *about]}


def trend(report: PipelineReport) -> dict[str, Any]:
    """The run as one line of a table: the same columns for every run."""
    return {
        "dataset": report.dataset,
        "mails": len(report.rows),
        **{decision.value: report.decisions.get(decision.value, 0) for decision in Decision},
        "per_second": report.per_second,
        **{f"{stage}_{name}": getattr(each, name) for stage, each in report.times.items() for name in PERCENTILES},
        "writer": report.writer,
        "prompt": report.prompt,
        "policy": report.policy,
        "knowledge": report.knowledge,
        "load": report.before.load,
    }
