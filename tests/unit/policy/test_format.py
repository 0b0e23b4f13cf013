"""policy.toml: checked to the last key, and Tier 0 cannot be lost by leaving it out."""

import pytest

from appliance.ground.errors import SettingsError
from appliance.policy import PolicyError, Question, default_policy, judge, load
from appliance.records.person import Role
from appliance.records.policy import Allowance, Tier
from tests.support.cases import OPEN

TEAM = '[teams.desk]\nname.en = "Desk"\naddress = "desk@example.com"\n'


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("versoin = 1", "versoin", "Did you mean 'version'?"),
        ("version = 2", "version", "Write version = 1."),
        ("x = [", "", "not TOML"),
        ("[thresholds]\nscore = 1.5", "thresholds.score", "from 0 to 1"),
        ('[thresholds]\nscore = "high"', "thresholds.score", "expected a number, found text"),
        ("[thresholds.weights]\ngroundd = 1", "thresholds.weights.groundd", "Did you mean 'grounded'?"),
        ("[limits]\nattempts = 0", "limits.attempts", "from 1 to 50"),
        ("[limits]\nattempts = 1.5", "limits.attempts", "whole number"),
        ("[limits]\nattempts = true", "limits.attempts", "expected a number"),
        ('[[rule]]\ntier = 0\nwords.en = ["x"]', "rule[1].name", "this key is needed"),
        ('[[rule]]\nname = "x"\ntier = 7', "rule[1].tier", "from 0 to 3"),
        ('[[rule]]\nname = "x"\nteam = "billig"\nwords.en = ["x"]', "rule[1].team", "Did you mean 'billing'?"),
        ('[[rule]]\nname = "x"\ntier = 1', "rule[1].words", "matches nothing"),
        ('[[rule]]\nname = "x"\ntier = 1\nwords.de = ["x"]', "rule[1].words.de", "no such key"),
        ('[[rule]]\nname = "x"\ntier = 1\nwords.en = ["a*"]', "rule[1].words", "too short"),
        ('[[rule]]\nname = "x"\ntier = 1\nwords.en = ["a b-c"]', "rule[1].words", "is not a word"),
        ('[[rule]]\nname = "x"\ntier = 1\npatterns.en = ["("]', "rule[1].words", "regular expression"),
        ('[[rule]]\nname = "x"\ntier = 1\nlexicons = ["leagl"]', "leagl", "Use one of"),
        ('[[rule]]\nname = "x"\ntier = 2\nwords.en = ["x"]', "rule[1].template", "approved template"),
        ('[[rule]]\nname = "x"\ntier = 1\nwords.en = ["x"]\n[[rule]]\nname = "x"\ntier = 1\nwords.en = ["y"]', "rule[2].name", "two rules"),
        ('[[template]]\nname = "x"\ntext.en = "y"', "template[1].approved_by", "approval"),
        ('[teams.desk]\naddress = "nowhere"', "teams.desk.address", "not a mail address"),
        ('default_team = "sales"', "default_team", "not known"),
        ('[tier0]\nleave_out = ["legl"]', "tier0.leave_out", "Did you mean 'legal'?"),
        ('[levers]\nopen_safe_mode = "viewer"', "levers.open_safe_mode", "operator"),
        ('[levers]\nopen_safe_mode = "boss"', "levers.open_safe_mode", "Use one of"),
        ("teams = 3", "teams", "expected a table"),
        ("rule = 3", "rule", "expected several tables"),
    ],
)
def test_a_wrong_key_is_named_with_the_reason_and_the_remedy(text: str, path: str, words: str) -> None:
    with pytest.raises(PolicyError) as raised:
        load(text)
    assert isinstance(raised.value, SettingsError)
    assert raised.value.exit_code == 2
    assert path in str(raised.value)
    assert words in str(raised.value)
    assert raised.value.remedy


def test_an_empty_policy_still_never_automates_what_must_not_be() -> None:
    policy = load("")
    assert judge(Question(text="My lawyer will call."), policy, OPEN).tier is Tier.NEVER
    assert policy.default_team == "service"


def test_a_company_cannot_raise_the_tier_of_a_built_in_rule() -> None:
    policy = load(TEAM + '[[rule]]\nname = "legal"\ntier = 3\nteam = "desk"\nwords.en = ["barrator*"]')
    verdict = judge(Question(text="My lawyer will call."), policy, OPEN)
    assert (verdict.tier, verdict.team, verdict.allowance) == (Tier.NEVER, "desk", Allowance.ROUTE)
    assert judge(Question(text="The barrators come."), policy, OPEN).rule == "legal"


def test_a_built_in_rule_is_left_out_only_by_name() -> None:
    policy = load('[tier0]\nleave_out = ["medical"]')
    assert judge(Question(text="My doctor asked."), policy, OPEN).allowance is Allowance.SEND
    assert judge(Question(text="My lawyer asked."), policy, OPEN).tier is Tier.NEVER


def test_a_built_in_rules_team_that_the_company_does_not_have_becomes_the_default_team() -> None:
    verdict = judge(Question(text="My lawyer will call."), load(TEAM), OPEN)
    assert verdict.team == "desk"


def test_the_version_changes_with_the_text_and_with_nothing_else() -> None:
    assert load(TEAM).version == load(TEAM).version
    assert load(TEAM).version != load("[limits]\nattempts = 3\n" + TEAM).version
    assert load(TEAM).thresholds_version != load("[limits]\nattempts = 3\n" + TEAM).thresholds_version
    assert len(default_policy().version) == 16


def test_levers_may_ask_for_more_than_the_built_in_role() -> None:
    assert load('[levers]\nopen_automation_enabled = "admin"').levers == {"open_automation_enabled": Role.ADMIN}


def test_a_company_that_is_a_clinic_may_add_words_and_exceptions() -> None:
    policy = load('[[rule]]\nname = "vip"\ntier = 1\nphrases.en = ["royal_family"]\nexcept.en = ["royal_family package"]')
    assert judge(Question(text="We are the royal family."), policy, OPEN).allowance is Allowance.ROUTE
    assert judge(Question(text="Do you sell the royal family package?"), policy, OPEN).allowance is Allowance.SEND
