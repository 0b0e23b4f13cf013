"""What ``tandem status --errors`` finds in the error log."""

import json
from datetime import UTC, datetime
from pathlib import Path

from appliance.cli.status import recent_errors


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
