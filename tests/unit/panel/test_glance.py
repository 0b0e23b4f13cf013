"""The first glance, and the plot of the day."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appliance.ground.assets import asset
from appliance.panel import plot, words
from appliance.panel.glance import Glance, glance, repairs
from appliance.panel.words import Voice
from appliance.records.knowledge import SourceState
from tests.support.clock import FakeClock
from tests.support.panel_twin import PanelTwin

MIDNIGHT = 1_794_952_800.0  # 18 November 2026, 00.00 in Helsinki
VOICE = Voice(words.load(asset("web") / "words"), "en", ZoneInfo("Europe/Helsinki"), MIDNIGHT + 50_000)


def seen(oldest: float | None = None, sources: tuple[SourceState, ...] = (), broken: str = "", **changed: Any) -> Glance:
    twin = PanelTwin(clock=FakeClock())
    if broken:
        twin.dependencies = [{"name": broken, "connected": False, "reason": "It is gone.", "remedy": "Bring it back."}]
    status = {**twin.status(), **changed}
    return glance(status, repairs(status, twin.health(), sources, twin.counts(), VOICE), oldest, VOICE)


def test_all_is_well_and_nobody_waits() -> None:
    said = Glance(mood="good", word="All well", sentences=("Kallio works alone.", "No case waits for you."), nodes="Kallio")
    assert seen() == said


def test_who_waits_and_for_how_long_is_said() -> None:
    said = seen(oldest=840.0, queue={"review": 3, "dead": 0})
    assert said.sentences[-1] == "3 cases wait for you, the oldest for 14\u00a0min."


def test_a_follower_is_named_with_its_lag() -> None:
    said = seen(role="leader", node="kallio-7m9q", peer={"name": "sampo-2k4d", "lag": 0.2})
    assert said.sentences[0] == "Kallio leads, Sampo follows, 0.2 s behind."
    assert said.nodes == "kallio-7m9q, sampo-2k4d"


def test_mail_that_is_not_taken_in_is_said_first() -> None:
    said = seen(switches={"outbound_enabled": True, "safe_mode": True, "automation_enabled": True, "intake_enabled": False})
    assert (said.mood, said.sentences[1]) == ("look", "No new mail is taken in: it stays in the mailbox.")


@pytest.mark.parametrize(
    ("switches", "mood", "sentence"),
    [
        (
            {"outbound_enabled": False, "safe_mode": False, "automation_enabled": True},
            "look",
            "Nothing leaves: outgoing mail is turned off.",
        ),
        (
            {"outbound_enabled": True, "safe_mode": True, "automation_enabled": True},
            "good",
            "Safe mode is on: every message goes to a team.",
        ),
        ({"outbound_enabled": True, "safe_mode": False, "automation_enabled": False}, "good", "Every reply waits for a person."),
    ],
)
def test_a_lever_that_holds_something_back_is_said(switches: dict[str, bool], mood: str, sentence: str) -> None:
    said = seen(switches=switches)
    assert (said.mood, said.sentences[1]) == (mood, sentence)


def test_what_is_broken_is_never_all_well() -> None:
    assert seen(broken="store").mood == "act"
    assert seen(running=False).mood == "act"
    assert seen(sources=(SourceState(name="a", path="a", language="fi", trouble="It is broken."),)).mood == "look"


def test_each_repair_says_what_why_and_what_to_do() -> None:
    twin = PanelTwin(clock=FakeClock())
    twin.dependencies = [{"name": "intake:support", "connected": False, "reason": "Wrong password.", "remedy": "Set it."}]
    source = SourceState(name="fi.xlsx", path="fi.xlsx", language="fi", trouble="No sheet.", remedy="Add one.")
    counts = {"uncertain": 1, "dead": 2}
    found = repairs({**twin.status(), "ready": False}, twin.health(), (source,), counts, VOICE)
    assert [row.key for row in found] == ["repair.dependency", "repair.source", "repair.uncertain", "repair.dead", "repair.not_ready"]
    assert found[0].gaps == {"name": "Taking mail in: support"}
    assert (found[0].reason, found[0].remedy) == ("Wrong password.", "Set it.")


def test_the_bars_stand_at_the_companys_hours_and_on_one_another() -> None:
    drawn = plot.of_day([{"at": MIDNIGHT + 9 * 3600, "answered": 3, "held": 1, "routed": 0}], VOICE)
    column = drawn.columns[9]
    assert (column.numbers, drawn.top, drawn.empty) == ((3, 1, 0), 4, False)
    answered, held = column.bars
    assert (answered.height, held.height) == (90.0, 30.0)
    assert answered.y + answered.height == plot.HEIGHT
    assert held.y + held.height == answered.y


def test_the_hour_that_comes_twice_in_autumn_is_one_bar() -> None:
    autumn = 1_792_886_400.0  # 25 October 2026, 03.00 in Helsinki, and again an hour later
    drawn = plot.of_day([{"at": autumn, "answered": 1}, {"at": autumn + 3600, "answered": 2}], VOICE)
    assert sum(sum(column.numbers) for column in drawn.columns) == 3
    assert max(sum(column.numbers) for column in drawn.columns) == 3


def test_a_day_without_anything_is_empty() -> None:
    assert plot.of_day([], VOICE).empty is True


@pytest.mark.parametrize(("number", "top"), [(1, 1), (3, 4), (9, 10), (11, 20), (41, 50), (51, 80), (99, 100), (101, 200)])
def test_the_axis_ends_at_a_round_number(number: int, top: int) -> None:
    assert plot.round_up(number) == top
