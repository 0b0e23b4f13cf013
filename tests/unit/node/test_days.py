"""Days as the company sees them."""

from datetime import datetime

from appliance.node.days import midnight


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_day_begins_at_midnight_in_the_companys_zone_not_in_utc() -> None:
    assert midnight(_at("2026-11-20T22:30:00+00:00"), "Europe/Helsinki") == _at("2026-11-21T00:00:00+02:00")


def test_the_day_on_which_the_clocks_change_begins_at_its_own_midnight() -> None:
    assert midnight(_at("2026-03-29T12:00:00+03:00"), "Europe/Helsinki") == _at("2026-03-29T00:00:00+02:00")
