"""What is never automated is found in every spelling; what is ordinary is left alone."""

from pathlib import Path

import pytest

from appliance.policy import Question, default_policy, judge
from appliance.records.language import LANGUAGES, Code
from appliance.records.policy import Allowance, Tier
from tests.support.cases import OPEN

DISGUISED = (
    "my L.A.W.Y.E.R. calls",
    "my la-\nwyer calls",
    "my law yer calls",
    "my ⓛⓐⓦⓨⓔⓡ calls",
    "MY ＬＡＷＹＥＲ CALLS",
    "my l_a_w_y_e_r",
    "I will su\u200be you",
)
DATA = Path(__file__).parents[2] / "data" / "policy"


def lines(name: str) -> list[str]:
    return [line for line in (DATA / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def tier0(code: Code) -> list[tuple[str, str]]:
    rows = [line.partition("\t") for line in lines(f"tier0.{code}.txt")]
    return [(rule, phrase) for rule, _, phrase in rows]


@pytest.mark.parametrize(("rule", "phrase"), [row for code in LANGUAGES for row in tier0(code)])
def test_a_message_that_is_never_automated_goes_to_a_team(rule: str, phrase: str) -> None:
    verdict = judge(Question(text=phrase), default_policy(), OPEN)
    assert verdict.tier is Tier.NEVER
    assert verdict.allowance is Allowance.ROUTE
    assert verdict.reason.code == "tier0"
    assert verdict.team
    assert rule in {hit.topic for hit in default_policy().matcher.find(phrase)}


@pytest.mark.parametrize("phrase", [phrase for code in LANGUAGES for phrase in lines(f"ordinary.{code}.txt")])
def test_an_ordinary_question_may_be_answered(phrase: str) -> None:
    verdict = judge(Question(text=phrase), default_policy(), OPEN)
    assert verdict.allowance is Allowance.SEND, verdict.reason


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_lists_are_long_enough_to_mean_something(code: Code) -> None:
    assert len(tier0(code)) >= 60
    assert len(lines(f"ordinary.{code}.txt")) >= 60
    topics = {rule for rule, _ in tier0(code)}
    built_in = {rule.name for rule in default_policy().rules if rule.tier is Tier.NEVER}
    assert topics == built_in


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_topic_in_the_subject_or_after_an_ordinary_question_counts(code: Code) -> None:
    ordinary = lines(f"ordinary.{code}.txt")[0]
    for _, phrase in tier0(code)[::7]:
        assert judge(Question(text=ordinary, subject=phrase), default_policy(), OPEN).tier is Tier.NEVER
        assert judge(Question(text=f"{ordinary}\n\n{phrase}"), default_policy(), OPEN).tier is Tier.NEVER


@pytest.mark.parametrize("phrase", DISGUISED)
def test_a_topic_in_disguise_is_found(phrase: str) -> None:
    assert judge(Question(text=phrase), default_policy(), OPEN).tier is Tier.NEVER


def test_the_languages_are_looked_for_in_every_message_whatever_was_detected() -> None:
    verdict = judge(Question(text="Hello, minä vien asian oikeuteen.", language="en"), default_policy(), OPEN)
    assert verdict.tier is Tier.NEVER
