"""Macros: what a file of them may say, and what a person is offered."""

import tomllib

import pytest

from appliance.policy.errors import PolicyError
from appliance.policy.macros import filled, fitting, load
from appliance.policy.model import Template
from appliance.records.policy import Tier

GOOD = """
version = 1
[[macro]]
id = "thanks"
title = { en = "Thanks", fi = "Kiitos" }
text = { en = "Hello {customer_name}, thanks.\\n{agent_name}, {company} ({case})", fi = "Kiitos!" }
tags = ["courtesy"]
[[macro]]
id = "grounded-only"
title.en = "More"
text.en = "There is more."
tiers = [2, 3]
"""
VALUES = {"customer_name": "Anna", "agent_name": "Aino", "company": "Pumps", "case": "c-1"}


def template(name: str, text: str) -> Template:
    return Template(name=name, approved_by="Maria", approved_on="2026-01-01", text={"en": text})


def test_a_macro_is_offered_in_the_cases_language_filled_in() -> None:
    pieces = load(GOOD)
    (first, second) = fitting(pieces, (), Tier.GROUNDED, "en", VALUES)
    assert (first.id, first.title, first.tags) == ("thanks", "Thanks", ("courtesy",))
    assert first.text == "Hello Anna, thanks.\nAino, Pumps (c-1)"
    assert second.id == "grounded-only"
    assert [macro.text for macro in fitting(pieces, (), Tier.GROUNDED, "fi", VALUES)] == ["Kiitos!"]
    assert fitting(pieces, (), Tier.GROUNDED, "sv", VALUES) == []


@pytest.mark.parametrize(
    ("tier", "ids"), [(Tier.NEVER, ["thanks"]), (Tier.TEMPLATE, ["thanks", "grounded-only"]), (None, ["thanks", "grounded-only"])]
)
def test_a_macro_for_some_tiers_is_offered_for_those_alone(tier: Tier | None, ids: list[str]) -> None:
    assert [macro.id for macro in fitting(load(GOOD), (), tier, "en", VALUES)] == ids


def test_approved_templates_are_offered_but_none_that_shows_a_customers_record() -> None:
    templates = (template("opening_hours", "We open at nine, {customer_name}."), template("order", "It is {account.status}."))
    (offered,) = fitting((), templates, Tier.TEMPLATE, "en", VALUES)
    assert (offered.id, offered.title, offered.text) == ("template:opening_hours", "opening hours", "We open at nine, Anna.")
    assert offered.approved_by == "Maria"


def test_a_gap_without_a_value_takes_its_space_along() -> None:
    assert filled("Hello {customer_name},", {**VALUES, "customer_name": ""}) == "Hello,"


def test_a_customers_name_fills_no_gap_of_its_own_and_stays_on_one_line() -> None:
    assert filled("Hello {customer_name}!", {**VALUES, "customer_name": "{agent_name}\nBcc: x"}) == "Hello {agent_name} Bcc: x!"
    assert len(filled("{customer_name}", {"customer_name": "x" * 10_000})) == 200


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("version = ", "", "not TOML"),
        ("version = 2", "version", "not known"),
        ("[[macros]]\nid = 'a'", "macros", "no such key"),
        ("[[macro]]\nid = 'Big Id'\ntitle.en = 'a'\ntext.en = 'a'", "macro[1].id", "no id"),
        ("[[macro]]\nid = 'a'\ntitle.en = 'a'", "macro[1].text", "at least one language"),
        ("[[macro]]\nid = 'a'\ntext.en = 'a'", "macro[1].title", "no title"),
        ("[[macro]]\nid = 'a'\ntitle.en = 'a'\ntext.en = 'x {order}'", "macro[1].text.en", "nothing to fill {order} with"),
        ("[[macro]]\nid = 'a'\ntitle.en = 'a'\ntext.en = 'a'\ntiers = [4]", "macro[1].tiers", "whole numbers"),
        ("[[macro]]\nid = 'a'\ntitle.en = 'a'\ntext.en = 'a'\ntiers = [true]", "macro[1].tiers", "whole numbers"),
        ("[[macro]]\nid = 'a'\ntitle.en = 'a'\ntext.en = 'a'\nlang = 'en'", "macro[1].lang", "no such key"),
        ("[[macro]]\nid = 'a'\ntitle.en = 'a'\ntext.en = 'a'\n" * 2, "macro[2].id", "two macros"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_key_and_reason(text: str, path: str, reason: str) -> None:
    with pytest.raises(PolicyError) as refused:
        load(text)
    assert refused.value.path == path
    assert reason in refused.value.message
    assert refused.value.remedy


def test_there_is_a_limit_on_macros() -> None:
    with pytest.raises(PolicyError, match="500 is the most"):
        load("".join(f"[[macro]]\nid = 'm{n}'\ntitle.en = 'a'\ntext.en = 'a'\n" for n in range(501)))


def test_an_empty_file_is_no_macro_and_no_error() -> None:
    assert load("") == ()
    assert tomllib.loads("") == {}
