"""The page of numbers: what came in and what became of it, for people and for programs."""

import pytest

from appliance.panel import plot
from appliance.panel.words import Voice
from appliance.reports.analytics import OUTCOMES, Analytics, Day, Waits
from tests.unit.panel.conftest import Desk
from tests.unit.panel.test_words import HELSINKI, TABLES

DAY = 86_400.0


def days(number: int) -> tuple[Day, ...]:
    return tuple(Day(at=1_795_000_000.0 + DAY * back, arrived=5, outcomes=dict.fromkeys(OUTCOMES, 1)) for back in range(number))


def test_a_person_sees_what_came_in_what_became_of_it_and_what_no_source_knew(desk: Desk) -> None:
    with desk.browser("key-of-a-viewer") as browser:
        page = browser.get("/analytics?days=30&lang=en").text
    for words_ in ("What came in, and what became of it", "Answered by a person", "nine in ten within", "Finnish", "delivery time"):
        assert words_ in page
    assert 'href="/knowledge?text=delivery%20time"' in page
    assert 'href="/analytics?days=30" aria-current="page"' in page


@pytest.mark.parametrize("code", ["fi", "sv", "en"])
def test_every_period_and_language_has_its_page(desk: Desk, code: str) -> None:
    with desk.browser() as browser:
        for number in (1, 7, 30, 90):
            assert browser.get(f"/analytics?days={number}&lang={code}").status_code == 200
        assert browser.get("/analytics?days=0").status_code == 400
        assert browser.get("/analytics?days=91").status_code == 400


def test_a_program_gets_the_same_as_json(desk: Desk) -> None:
    with desk.client("key-of-a-viewer") as client:
        seen = client.get("/analytics?days=7").json()
    assert len(seen["period"]["days"]) == 7
    assert seen["period"]["arrived"] == sum(day["arrived"] for day in seen["period"]["days"])
    assert {"counts", "today", "period"} == set(seen)


def test_a_company_without_mail_is_told_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Analytics(
        days=tuple(Day(at=day.at, outcomes=dict.fromkeys(OUTCOMES, 0)) for day in days(7)), arrived=0, outcomes=dict.fromkeys(OUTCOMES, 0),
        automatic=Waits(), by_person=Waits(), languages={}, channels={}, held_for={}, missing={},
    )  # fmt: skip
    monkeypatch.setattr(desk.twin, "analytics", lambda _: empty)
    with desk.browser() as browser:
        page = browser.get("/analytics?lang=en").text
    assert "Nothing came in" in page
    assert "no replies yet" in page
    assert "Every fact that was asked for was found." in page


@pytest.mark.parametrize("number", [1, 7, 30, 90])
def test_few_days_have_a_label_so_that_none_lies_on_another_and_the_last_always_has(number: int) -> None:
    drawn = plot.of_days(days(number), Voice(TABLES, "en", HELSINKI, 1_795_000_000.0))
    labels = [column.label for column in drawn.columns]
    assert labels[-1]
    assert sum(bool(label) for label in labels) <= 8
    assert all(column.name for column in drawn.columns)


def test_the_parts_of_a_day_stand_on_one_another_and_reach_what_came_in() -> None:
    (column,) = plot.of_days(days(1), Voice(TABLES, "en", HELSINKI, 0.0)).columns
    assert [bar.series for bar in column.bars] == list(OUTCOMES)
    for lower, upper in zip(column.bars, column.bars[1:], strict=False):
        assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)
