"""What ``tandem status --errors`` finds in the error log."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from appliance.cli.status import recent_errors, troubles


def _line(event: str, at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": event, "time": moment.replace("+00:00", "Z")})


def test_errors_of_the_last_day_are_counted_by_kind_the_most_frequent_first(tmp_path: Path) -> None:
    lines = [_line("imap_failed", 2000.0), *(_line("smtp_failed", at) for at in (2000.0, 3000.0, 10.0)), "torn li"]
    (tmp_path / "errors.log").write_text("\n".join(lines))
    assert [(event, count) for event, (count, _) in recent_errors(tmp_path / "errors.log", 1000.0).items()] == [
        ("smtp_failed", 2),
        ("imap_failed", 1),
    ]


def test_without_a_log_there_are_no_errors(tmp_path: Path) -> None:
    assert recent_errors(tmp_path / "errors.log", 0.0) == {}


def queue(answer: tuple[int, float] = (0, 0.0), review: tuple[int, float] = (0, 0.0), lost: int = 0) -> dict[str, Any]:
    targets = {
        name: {"minutes": minutes, "late": late, "oldest_seconds": oldest}
        for name, minutes, (late, oldest) in (("answer", 15, answer), ("review", 240, review))
    }
    return {"targets": targets, "lost_drafts": lost, "in_mailboxes": {}}


def test_who_has_waited_longer_than_promised_is_told_with_the_promise_and_since_when() -> None:
    told = [click.unstyle(line) for line in troubles(queue(answer=(1, 1_000.0), review=(2, 18_000.0)))]
    assert told == [
        "1 case has waited for the desk longer than 15 min (targets.answer_minutes), the oldest since 16 min.",
        "2 cases have waited for a person longer than 240 min (targets.review_minutes), the oldest since 5 h.",
    ]


def test_lost_drafts_are_told_with_what_to_do() -> None:
    assert troubles(queue(answer=(0, 30.0), review=(0, 60.0))) == []
    (told,) = troubles(queue(lost=1))
    assert click.unstyle(told).startswith("1 draft did not reach the address in smtp.drafts_to → tandem review list")
