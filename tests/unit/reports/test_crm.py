"""The report of the ops log: what to look at first, then the numbers, and never a word of a customer's."""

from appliance.records.ops import OpsLine
from appliance.records.push import PushCounts
from appliance.reports.crm import report, warnings

NOW = 1_795_000_000.0
WELL = PushCounts(synced=3, last_success_at=NOW - 60)


def line(event: str, **fields: object) -> OpsLine:
    return OpsLine(timestamp="2026-11-18T11:06:40.000Z", event=event, **fields)  # type: ignore[arg-type]


def told(counts: PushCounts, *lines: OpsLine, enabled: bool = True, unreadable: int = 0) -> list[str]:
    return list(warnings(lines, counts, NOW, enabled, unreadable))


def test_when_all_is_well_there_is_no_warning() -> None:
    assert told(WELL, *[line("synced")] * 9, line("retrying", error="timeout")) == []


def test_each_thing_that_somebody_should_look_at_is_a_warning() -> None:
    assert "crm.enabled" in told(WELL, enabled=False)[0]
    assert "given up" in told(PushCounts(failed=2))[0]
    assert "4 pushes wait" in told(PushCounts(depth=4, oldest_at=NOW - 7_200, last_success_at=NOW))[0]
    assert told(PushCounts(depth=1, oldest_at=NOW, last_success_at=NOW - 200_000)) == [
        "Nothing has gone through for 2 days, and something waits."
    ]
    assert told(PushCounts(depth=1, oldest_at=NOW)) == ["Nothing has ever gone through."]
    assert told(WELL, *[line("synced")] * 3, *[line("retrying")] * 2) == ["2 of 5 tries failed (40 %)."]
    assert "signature" in told(WELL, line("retrying", error="sign_in"))[0]
    assert "demonstration" in told(PushCounts(demo=1))[0]
    assert "could not be read" in told(WELL, unreadable=2)[0]


def test_the_report_is_markdown_with_tables_whose_cells_hold_nothing_that_breaks_them() -> None:
    lines = [line("retrying", error="server_error", response_code=500, crm_error="a|b", attempts=1, push="w-1"), line("synced", attempts=2)]
    written = report(lines, WELL, NOW, at="now", last_success="then", enabled=True)
    assert written.startswith("# CRM pushes\n\nAs of now.")
    assert "| Last success | then |" in written
    assert "| server_error | 500 | a\\|b | 1 |" in written
    assert "| retrying | 1 |" in written
    tables = [row for row in written.splitlines() if row.startswith("|")]
    assert all(row.endswith("|") for row in tables)


def test_an_empty_log_makes_a_report_too() -> None:
    written = report([], PushCounts(), NOW, at="now", last_success="", enabled=True)
    assert "Nothing yet." in written
    assert "| Last success | never |" in written
