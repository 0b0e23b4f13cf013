"""What ``policy.toml`` may say of account records, and what it may not."""

import pytest

from appliance.policy import PolicyError, Question, judge, load
from appliance.policy.accounts import gaps, pattern
from appliance.records.message import Trust
from appliance.records.policy import Allowance
from tests.support.accounts import POLICY
from tests.support.cases import OPEN

RECYCLING = """
[[template]]
name = "recycling"
approved_by = "Anna"
approved_on = "2026-01-01"
text.en = "We take your old pump back."
[[rule]]
name = "recycling"
tier = 2
template = "recycling"
words.en = ["recycl*"]
"""


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("needs_account = true\n", "", "rule[1].needs_account", "needs_account = true"),
        ("{account.status}. The", "{account.stauts}. The", "template[1].text.en", "{account.stauts}"),
        ("{account.status}. The", "{acount.status}. The", "template[1].text.en", "{acount.status}"),
        ("Arvioitu toimituspäivä on {account.expected}.", "", "template[1].text", "different account fields"),
        ("order = '[A-Z]{2}-?\\d{5}'", "order = '['", "accounts.order", "regular expression"),
        ("order = '[A-Z]{2}-?\\d{5}'", "", "template[1].text", "how the order number looks"),
        ('kind = "date"', 'kind = "dat"', "accounts.fields.expected.kind", "Did you mean 'date'?"),
        ('kind = "word"', 'kind = "text"', "accounts.fields.status.words", "no other has any"),
        ('kind = "date"', 'kind = "word"', "accounts.fields.expected.words", "needs its words"),
        ('sv = "skickad", en = "shipped" }', 'de = "versandt" }', "accounts.fields.status.words.shipped.de", "no such key"),
    ],
)
def test_a_mistake_about_account_records_is_named_with_its_key(old: str, new: str, path: str, words: str) -> None:
    assert POLICY.count(old) >= 1
    with pytest.raises(PolicyError) as raised:
        load(POLICY.replace(old, new, 1))
    assert path in str(raised.value)
    assert words in str(raised.value)


def test_a_rule_that_needs_records_cannot_answer_with_words_that_show_none() -> None:
    plain = POLICY.replace("{account.order}", "").replace("{account.status}", "").replace("{account.expected}", "")
    with pytest.raises(PolicyError, match="shows no account field"):
        load(plain)


def test_a_policy_without_account_records_looks_nothing_up() -> None:
    assert load("").accounts.order == ""
    assert pattern("").search("AB-10001 12345") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("order AB-10001.", ["AB-10001"]),
        ("(ab10001)", ["ab10001"]),
        ("AB-10001 and AB-10002", ["AB-10001", "AB-10002"]),
        ("XAB-10001 AB-100011 AB-10001-B ÄAB-10001 x-AB-10001", []),
        ("AB-\N{FULLWIDTH DIGIT ONE}0001", []),
    ],
)
def test_an_order_number_must_stand_alone(text: str, found: list[str]) -> None:
    assert [match[0] for match in pattern(r"[A-Z]{2}-?\d{5}").finditer(text)] == found


def test_a_price_is_no_order_number() -> None:
    assert [match[0] for match in pattern(r"1\d{4}").finditer("10496,50 € 10.10496 10496")] == ["10496"]


def test_each_gap_is_named_once_in_order() -> None:
    assert gaps("{account.b} {account.a} {account.b}") == ("b", "a")


def test_two_questions_that_are_both_about_the_order_are_one_matter_for_its_record_alone() -> None:
    policy = load(POLICY)
    both, other = ("Where is my order?", "Has it been shipped?"), ("Where is my order?", "What does it cost?")
    for asked, allowance in ((both, Allowance.SEND), (other, Allowance.REVIEW), ((), Allowance.REVIEW)):
        question = Question(text="Where is my order? Has it been shipped?", trust=Trust.PASSED, parts=2, asked=asked)
        assert judge(question, policy, OPEN).allowance is allowance
    recycling = load(RECYCLING)
    twice = Question(text="Do you recycle? What is recycled?", trust=Trust.PASSED, parts=2, asked=("Do you recycle?", "What is recycled?"))
    assert judge(twice, recycling, OPEN).reason.code == "template_and_more"


def test_a_record_is_not_even_asked_for_when_nobody_vouches_for_the_sender() -> None:
    policy = load(POLICY)
    for trust in (Trust.ABSENT, Trust.FAILED):
        verdict = judge(Question(text="Where is my order AB-10001?", trust=trust), policy, OPEN)
        assert (verdict.allowance, verdict.reason.code) == (Allowance.REVIEW, "not_trusted_account")
