"""When people answer."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.settings.hours import NotHours, Span, opens_next, parse

HELSINKI = ZoneInfo("Europe/Helsinki")
WEEK = ("mon-fri 8-16", "sat 10:00-14:30")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the week that begins on Monday, 16 November 2026."""
    return datetime(2026, 11, 16 + day, hour, minute, tzinfo=HELSINKI)


def test_a_line_is_one_span_for_each_of_its_days() -> None:
    assert parse("Mon–Wed 8-16.30") == tuple(Span(day=day, opens=480, closes=990) for day in range(3))
    assert parse("sun 0-24") == (Span(day=6, opens=0, closes=1440),)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "mon",
        "8-16",
        "mon-fri",
        "mon-fri 16-8",
        "mon 8-8",
        "fri-mon 8-16",
        "monday 8-16",
        "mon 8-25",
        "mon 8:60-9",
        "mon 8-16, tue 9-10",
    ],
)
def test_a_line_that_says_no_hours_is_refused_with_the_line_in_the_reason(line: str) -> None:
    with pytest.raises(NotHours, match=r"'"):
        parse(line)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (at(0, 8), None),
        (at(0, 15, 59), None),
        (at(0, 16), at(1, 8)),
        (at(0, 7, 59), at(0, 8)),
        (at(4, 17), at(5, 10)),
        (at(5, 14, 30), at(7, 8)),
        (at(6, 12), at(7, 8)),
    ],
)
def test_outside_the_hours_it_is_known_when_a_person_is_there_again(now: datetime, opens: datetime | None) -> None:
    assert opens_next(WEEK, now) == opens


def test_a_single_span_that_has_just_ended_comes_again_in_a_week() -> None:
    assert opens_next(("mon 8-9",), at(0, 10)) == at(7, 8)


def test_whoever_names_no_hours_promises_nothing() -> None:
    assert opens_next((), at(6, 3)) is None


def test_the_hour_is_the_clocks_on_the_wall_over_a_change_of_the_clocks() -> None:
    saturday = datetime(2026, 10, 24, 18, tzinfo=HELSINKI)  # the night before the clocks go back
    monday = opens_next(("mon 8-16",), saturday)
    assert monday is not None
    assert (monday.day, monday.hour, monday.utcoffset()) == (26, 8, datetime(2026, 10, 26, 8, tzinfo=HELSINKI).utcoffset())
