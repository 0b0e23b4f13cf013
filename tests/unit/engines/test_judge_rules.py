"""The judge without a model passes what the company has said, and little else."""

import pytest

from appliance.engines.judge.rules import RuleJudge
from appliance.language import words
from tests.support.cases import passage

JUDGE = RuleJudge(words)
DELIVERY = passage("a", "Delivery costs 6.90 €, and returns cost 10 €. We deliver to Finland. Not to Russia.", title="Delivery")
RETURNS = passage("b", "Used pumps cannot be returned. You can return an unused pump within 14 days of delivery.", title="Returns")
HOURS = passage("c", "Mon–Fri 9–17", title="Opening hours")
ENOUGH = 0.9


@pytest.mark.parametrize(
    "sentence",
    [
        "We deliver to Finland.",
        "We deliver to Finland",
        "  we deliver   to Finland. ",
        "You can return an unused pump within 14 days of delivery.",
        "Opening hours: Mon–Fri 9–17.",
        "Mon–Fri 9–17.",
    ],
)
def test_what_stands_in_a_passage_is_supported(sentence: str) -> None:
    assert JUDGE.support(sentence, [DELIVERY, RETURNS, HOURS], "en").score == 1.0


@pytest.mark.parametrize(
    "sentence",
    [
        "We deliver to Russia.",
        "We deliver to Finland and Russia.",
        "We do not deliver to Finland.",
        "Delivery costs 10 €, and returns cost 6.90 €.",
        "Delivery costs 7.90 €, and returns cost 10 €.",
        "Pumps cannot be returned.",
        "Used pumps can be returned.",
        "You can return a pump within 14 days of delivery.",
        "You can return an unused pump within 30 days of delivery.",
        "You can return an unused pump within 14 weeks of delivery.",
        "You can return an unused pump to Matti within 14 days of delivery.",
        "You can return an unused pump within 14 days of delivery http://evil.example",
        "Opening hours: Mon–Sat 9–17.",
        "Your refund is approved.",
        "",
        "   ",
        "...",
    ],
)
def test_what_is_turned_added_or_left_out_is_not(sentence: str) -> None:
    assert JUDGE.support(sentence, [DELIVERY, RETURNS, HOURS], "en").score < ENOUGH


def test_the_same_number_in_another_spelling_is_supported() -> None:
    fi = passage("d", "Toimitus maksaa 1 234,50 euroa ja kestää 14 päivää.", "fi")
    assert JUDGE.support("Toimitus maksaa 1234,50 euroa ja kestää 14 päivää.", [fi], "fi").score >= 0.8
    assert JUDGE.support("Toimitus maksaa 14,50 euroa ja kestää 1234 päivää.", [fi], "fi").score < 0.5


def test_two_things_that_change_places_in_a_long_sentence_are_noticed() -> None:
    text = (
        "For customers in Finland who order before noon on a working day the PX-200 leaves our warehouse the same afternoon"
        " and the PX-300 leaves it on the next morning at nine."
    )
    swapped = text.replace("PX-200", "X").replace("PX-300", "PX-200").replace("X leaves", "PX-300 leaves", 1)
    assert JUDGE.support(swapped, [passage("x", text)], "en").score < ENOUGH
    assert JUDGE.support(text.replace("Finland", "Sweden"), [passage("x", text)], "en").score < ENOUGH


def test_it_is_said_what_is_not_supported() -> None:
    support = JUDGE.support("Delivery costs 99 € for Matti.", [DELIVERY], "en")
    assert support.numbers == ("99 EUR",)
    assert support.names == ("Matti",)
    assert support.score == 0.0


LONG = (
    "If you order a pump before noon on a working day and it is in stock, we send it from our warehouse in Oulu without extra cost"
    " on the same day, but only to addresses in Finland."
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("If you", "When you"),
        ("before noon", "after noon"),
        ("without extra", "with extra"),
        ("but only", "and also"),
        ("is in stock", "is not in stock"),
        ("Oulu", "Turku"),
        ("same", "next"),
        ("extra ", ""),
        ("in Finland", "in Finland and Estonia"),
        ("a working day", "a working day in May"),
    ],
)
def test_one_word_in_a_long_sentence_is_enough(old: str, new: str) -> None:
    known = [passage("x", LONG)]
    assert JUDGE.support(LONG, known, "en").score == 1.0
    assert JUDGE.support(LONG.replace(old, new, 1), known, "en").score < ENOUGH


def test_an_article_more_or_less_is_not() -> None:
    assert JUDGE.support(LONG.replace("a pump", "the pump", 1), [passage("x", LONG)], "en").score >= ENOUGH


def test_without_passages_nothing_is_supported() -> None:
    assert JUDGE.support("We deliver to Finland.", [], "en").score == 0.0


@pytest.mark.parametrize(
    ("sentence", "text", "code"),
    [
        ("Pumpun voi palauttaa.", "Pumppua ei voi palauttaa.", "fi"),
        ("Toimitamme Venäjälle.", "Emme toimita Venäjälle.", "fi"),
        ("Pumpen kan returneras.", "Pumpen kan inte returneras.", "sv"),
        ("Frakten är gratis.", "Frakten är inte gratis.", "sv"),
    ],
)
def test_a_denial_is_not_lost_in_any_language(sentence: str, text: str, code: str) -> None:
    assert JUDGE.support(sentence, [passage("x", text, code)], code).score < ENOUGH  # type: ignore[arg-type]
