"""The first glance, and the plot of the day."""

import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import appliance
from appliance.channels.mail.errors import Unreachable
from appliance.ground.assets import asset
from appliance.ground.errors import Refused, TandemError
from appliance.panel import plot, troubles, words
from appliance.panel.glance import Glance, escalated, glance, repairs
from appliance.panel.words import Voice
from appliance.records.knowledge import SourceState
from appliance.records.language import Code
from tests.support.clock import FakeClock
from tests.support.panel_twin import PanelTwin

APPLIANCE = Path(appliance.__file__).parent
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
    said = seen(role="leader", node="kallio-7m9q", peer={"node": "sampo-2k4d", "lag": 0.2})
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


def late(answer: int = 0, review: int = 0, minutes: int = 240, oldest: float = 21_600.0) -> dict[str, Any]:
    return {
        "review": max(review, 1),
        "late": answer + review,
        "targets": {
            "answer": {"minutes": 15, "late": answer, "oldest_seconds": 1_200.0},
            "review": {"minutes": minutes, "late": review, "oldest_seconds": oldest},
        },
    }


def test_who_waits_longer_than_promised_is_said_with_the_promise_and_since_when() -> None:
    said = seen(oldest=21_600.0, queue=late(review=2))
    assert said.mood == "look"
    assert said.sentences[-1] == "2 cases have waited longer than the 4\u00a0h you promised, the oldest for 6\u00a0h."
    said = seen(oldest=60.0, queue=late(answer=1))
    assert said.sentences[-1] == "1 message has waited longer than 15\u00a0min for the desk, for 20\u00a0min now."
    assert seen(oldest=60.0, queue=late()).mood == "good"


@pytest.mark.parametrize(
    ("minutes", "said"), [(15, "15 min"), (60, "1 h"), (90, "1 h 30 min"), (240, "4 h"), (2160, "36 h"), (2880, "2 days")]
)
def test_a_promise_is_said_as_it_was_set(minutes: int, said: str) -> None:
    assert VOICE.span(minutes).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("code", "reason", "remedy"),
    [
        ("en", "The mail server of support cannot be reached.", "Check host, port and firewall."),
        ("fi", "Postilaatikon support palvelimeen ei saada yhteyttä.", "Tarkista palvelimen nimi, portti ja palomuuri."),
        ("sv", "E-postservern för support går inte att nå.", "Kontrollera värdnamn, port och brandvägg."),
    ],
)
def test_what_is_broken_is_told_in_the_readers_language_with_the_english_behind_it(code: Code, reason: str, remedy: str) -> None:
    voice = Voice(words.load(asset("web") / "words"), code, ZoneInfo("Europe/Helsinki"), MIDNIGHT)
    fault = Unreachable("support", "the IMAP server imap.example, port 993, did not answer in time.", "Check the host.")
    row = {"reason": fault.message, "remedy": fault.remedy, "code": fault.code, "gaps": fault.gaps}
    told = troubles.of_dependency(row, voice)
    assert told.reason == reason
    assert told.remedy.startswith(remedy)
    assert told.detail == str(fault)


def test_a_code_without_words_or_with_an_open_gap_is_told_in_english() -> None:
    row = {"reason": "It is odd.", "remedy": "Look.", "code": "from_the_future", "gaps": {}}
    assert troubles.of_dependency(row, VOICE) == troubles.Told(reason="It is odd.", remedy="Look.")
    assert troubles.of_dependency({**row, "code": "unreachable"}, VOICE) == troubles.Told(reason="It is odd.", remedy="Look.")


def test_every_code_that_a_dependency_can_have_has_words() -> None:
    codes = {code for error in _errors(TandemError) if (code := error.code) and code != "mailbox"}
    codes |= set(re.findall(r'TandemError\(.*code="(\w+)"\)', "".join(path.read_text() for path in (APPLIANCE / "node").glob("*.py"))))
    codes |= set(re.findall(r'SourceUnreadable\(\s*"(\w+)"', "".join(path.read_text() for path in (APPLIANCE / "knowledge").rglob("*.py"))))
    table = words.load(asset("web") / "words")["en"]
    assert len(codes) > 20
    assert {code for code in codes if f"trouble.{code}.what" not in table or f"trouble.{code}.remedy" not in table} == set()


def _errors(above: type[TandemError]) -> set[type[TandemError]]:
    """All below it, but what only refuses a caller: no dependency is ever in such trouble."""
    found = {error for below in above.__subclasses__() for error in ({below} | _errors(below))}
    return {error for error in found if not issubclass(error, Refused)}


def test_drafts_that_got_lost_are_something_to_put_right() -> None:
    twin = PanelTwin(clock=FakeClock())
    (found,) = repairs({**twin.status(), "queue": {"lost_drafts": 3}}, twin.health(), (), {}, VOICE)
    assert (found.key, found.gaps, found.link) == ("repair.drafts", {"n": "3"}, "/review")
    assert VOICE.text("repair.drafts.what", **found.gaps) == "Drafts did not reach your own mailbox: 3"


@pytest.mark.parametrize(
    ("level", "age", "grave"), [(1, 60.0, False), (2, 60.0, False), (3, 60.0, True), (2, 3601.0, True), (1, 4 * 3600.0 + 1, True)]
)
def test_an_escalation_is_grave_when_it_must_be_seen_at_once_or_should_have_been(level: int, age: float, grave: bool) -> None:
    (repair,) = escalated({level: (1, VOICE.now - age)}, VOICE)
    assert repair.grave is grave
    assert escalated({}, VOICE) == ()


def test_mail_that_gathers_while_taking_in_is_paused_is_told() -> None:
    twin = PanelTwin(clock=FakeClock(VOICE.now))
    (found,) = repairs({**twin.status(), "queue": {"in_mailboxes": {"support": 3, "sales": 1}}}, twin.health(), (), {}, VOICE)
    assert (found.key, found.gaps) == ("repair.left", {"n": "4"})
