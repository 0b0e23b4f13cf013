"""The words: three tables of one shape, nothing missing, nothing left over, times and numbers as each language writes them."""

import re
import string
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.care.first_run import SENTENCES, STEPS, TRIED
from appliance.desk.reasons import CODES, table
from appliance.ground.assets import asset
from appliance.panel import words
from appliance.panel.short import short
from appliance.panel.words import Voice
from appliance.records.case import CaseState
from appliance.records.events import KINDS
from appliance.records.first_run import StepState
from appliance.records.language import LANGUAGES, Code
from appliance.records.person import Role
from appliance.records.policy import SWITCH_NAMES

TABLES = words.load(asset("web") / "words")
NOW = 1_795_000_000.0
HELSINKI = ZoneInfo("Europe/Helsinki")

# Families of keys that are put together at run time, each by the file named.
BUILT = (
    "check.", "dependency.", "event.", "problem.", "repair.", "state.", "role.", "person.", "language.", "lever.",
    "outcome.", "channel.", "escalation.option_", "escalation.code.", "group.", "done.", "glance.", "keys.", "nav.",
    "reason.", "erase.step.", "by.", "event_handover.", "event_draft.", "trouble.", "chat.", "knowledge.kind_", "knowledge.outcome.",
    "place.", "machine.check.", "machine.tried_", "machine.disk_",
    "setup.says.", "setup.state.", "setup.step.", "setup.running.", "setup.field.", "setup.auth.", "setup.security.", "setup.sign_in.",
    "setup.try_", "setup.password_",
    "push.", "tier.", "shadow.decision.",
    "models.state.", "models.task_of.", "models.against.", "models.work.", "models.trouble.",
    "pair.reason.", "pair.remedy.", "pair.event.", "pair.kind.", "pair.witness_", "pair.progress_", "pair.lease_", "pair.because.",
    "call.way_", "call.from_", "call.kind_", "call.index_", "call.trouble_", "call.ear_state.", "call.fallback.",
)  # fmt: skip


def voice(code: Code, now: float = NOW) -> Voice:
    return Voice(TABLES, code, HELSINKI, now)


def gaps_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def used_keys() -> set[str]:
    """Every key that a template or a module names in full."""
    found: set[str] = set()
    for path in [*(asset("web") / "templates").glob("*.html"), *Path(words.__file__).parent.rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"""\bt\("([a-z_]+\.[a-z_.]+)"\s*[,)]""", text)) | set(
            re.findall(r"""\.text\(\s*["']([a-z_]+\.[a-z_.]+)["']\s*[,)]""", text)
        )
        for key in re.findall(r"""(?:\bn|\.count)\(\s*"([a-z_]+\.[a-z_.]+)"\s*,""", text):
            found |= {f"{key}.one", f"{key}.many"}
        found |= {key for pair in re.findall(r"""t\("([a-z_.]+)" if [^"]* else "([a-z_.]+)"\)""", text) for key in pair}
    return found


def test_the_three_tables_have_the_same_keys() -> None:
    assert TABLES["fi"].keys() == TABLES["en"].keys()
    assert TABLES["sv"].keys() == TABLES["en"].keys()


@pytest.mark.parametrize("code", ["fi", "sv"])
def test_a_translation_has_the_same_gaps_and_says_something(code: Code) -> None:
    for key, text in TABLES["en"].items():
        assert text.strip(), key
        assert TABLES[code][key].strip(), (code, key)
        assert gaps_of(TABLES[code][key]) == gaps_of(text) or key in ("time.days.one",), (code, key)


def test_every_key_that_is_used_is_there() -> None:
    keys = used_keys()
    assert len(keys) > 100
    assert sorted(keys - TABLES["en"].keys()) == []


def test_no_key_is_left_over() -> None:
    left = {key for key in TABLES["en"].keys() - used_keys() if not key.startswith(BUILT)}
    assert left == set()


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("state", [str(state) for state in CaseState]),
        ("person", [role.name.lower() for role in Role]),
        ("role", ["leader", "standby", "alone"]),
        ("language", list(LANGUAGES)),
        *[(f"lever.{name}", ["name", "is_on", "is_off"]) for name in SWITCH_NAMES],
        *[(f"done.{name}", ["on", "off"]) for name in SWITCH_NAMES],
    ],
)
def test_what_can_be_shown_has_a_word(prefix: str, names: list[str]) -> None:
    assert [name for name in names if f"{prefix}.{name}" not in TABLES["en"]] == []


def test_every_step_of_the_first_run_has_its_words() -> None:
    wanted = {f"setup.says.{name}.what" for name in SENTENCES} | {f"setup.step.{name}" for name in STEPS}
    wanted |= {f"setup.state.{state}" for state in StepState} | {f"setup.running.{name}" for name in TRIED}
    assert sorted(wanted - TABLES["en"].keys()) == []
    assert sorted({key for key in TABLES["en"] if key.startswith("setup.says.") and key.endswith(".what")} - wanted) == []


def test_every_event_about_a_case_has_a_sentence() -> None:
    about_cases = {str(kind.__struct_config__.tag) for kind in KINDS if {"case", "cases"} & set(kind.__struct_fields__)}
    assert sorted(about_cases - {key.removeprefix("event.") for key in TABLES["en"] if key.startswith("event.")}) == []


@pytest.mark.parametrize(
    ("seconds", "fi", "sv", "en"),
    [
        (5, "juuri nyt", "just nu", "just now"),
        (840, "14 min sitten", "för 14 min sedan", "14 min ago"),
        (4440, "1 h 14 min sitten", "för 1 h 14 min sedan", "1 h 14 min ago"),
        (9 * 3600, "9 h sitten", "för 9 h sedan", "9 h ago"),
        (86400, "1 pv sitten", "för 1 dag sedan", "1 day ago"),
        (2 * 86400, "2 pv sitten", "för 2 dagar sedan", "2 days ago"),
        (8 * 86400, "10.11.2026", "2026-11-10", "10 Nov 2026"),
    ],
)
def test_how_long_ago_in_each_language(seconds: float, fi: str, sv: str, en: str) -> None:
    said = [voice(code).ago(NOW - seconds).replace("\u00a0", " ") for code in ("fi", "sv", "en")]
    assert said == [fi, sv, en]


def test_the_exact_time_is_the_companys() -> None:
    assert voice("fi").exact(NOW) == "18.11.2026 klo 13.06.40 EET"
    assert voice("sv").exact(NOW) == "2026-11-18 kl. 13:06:40 EET"
    assert voice("en").exact(NOW) == "18 Nov 2026 at 13:06:40 EET"
    assert voice("en").iso(NOW) == "2026-11-18T13:06:40+02:00"


def test_numbers_are_written_as_the_language_writes_them() -> None:
    assert voice("en").number(12345.67, 1) == "12,345.7"
    assert voice("fi").number(12345.67, 1) == voice("sv").number(12345.67, 1) == "12\u202f345,7"


def test_one_is_counted_apart_from_many() -> None:
    assert voice("en").count("glance.waits", 1) == "1 case waits for you."
    assert voice("fi").count("glance.waits", 2) == "2 tapausta odottaa sinua."
    assert voice("sv").count("glance.waits", 0) == "0 ärenden väntar på dig."


@pytest.mark.parametrize(
    ("code", "one", "two"),
    [
        ("fi", "1 tapaus on odottanut sinua 1\u00a0min.", "2 tapausta odottaa sinua, vanhin on odottanut 1\u00a0min."),
        ("sv", "1 ärende har väntat på dig i 1\u00a0min.", "2 ärenden väntar på dig, det äldsta i 1\u00a0min."),
        ("en", "1 case has waited for you for 1\u00a0min.", "2 cases wait for you, the oldest for 1\u00a0min."),
    ],
)
def test_how_long_one_and_how_long_many_have_waited(code: Code, one: str, two: str) -> None:
    said = [voice(code).count("glance.waits_since", number, duration=voice(code).duration(60)) for number in (1, 2)]
    assert said == [one, two]


@pytest.mark.parametrize(
    ("wish", "kept", "accept", "expected"),
    [
        ("sv", "fi", "en", "sv"),
        ("xx", "fi", "en", "fi"),
        ("", "", "de, sv-FI;q=0.8, en;q=0.9", "en"),
        ("", "", "de, fr", "fi"),
        ("", "", "en;q=0, sv;q=nonsense", "fi"),
        ("", "", "", "fi"),
    ],
)
def test_the_language_is_the_wish_then_the_habit_then_the_browsers_then_the_companys(
    wish: str, kept: str, accept: str, expected: Code
) -> None:
    assert words.choose(wish, kept, accept, "fi") == expected


def test_a_dependency_is_called_by_its_name() -> None:
    assert words.dependency(voice("en"), "knowledge:fi.xlsx") == "Knowledge fi.xlsx"
    assert words.dependency(voice("en"), "answer-2") == "The desk 2"
    assert words.dependency(voice("en"), "intake:support") == "Taking mail in: support"
    assert words.dependency(voice("en"), "something-else") == "something else"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_reason_makes_sense_without_its_numbers(code: Code) -> None:
    assert short("", voice(code)) == ""
    for reason in CODES:
        said = short(reason, voice(code))
        assert said[0].isupper(), (code, reason, said)
        assert said.endswith("."), (code, reason, said)
        assert "  " not in said, (code, reason, said)
        assert " ." not in said, (code, reason, said)


def test_reasons_that_need_numbers_have_short_words() -> None:
    needy = {reason for reason in CODES if "{" in re.sub(r" ?\([^()]*\{\w+\}[^()]*\)|:? ?\{names\}", "", table("en")[reason])}
    assert sorted(reason for reason in needy if f"reason.{reason}" not in TABLES["en"]) == []
    assert sorted(key for key in TABLES["en"] if key.startswith("reason.") and key.removeprefix("reason.") not in CODES) == []
