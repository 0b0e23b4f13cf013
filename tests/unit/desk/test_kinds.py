"""A passage without a time answers no question for a time, whatever else it shares with it."""

import pytest

from appliance.desk.fit import STRANGE, Asked, fit
from appliance.desk.kinds import has_the_kind
from appliance.records.knowledge import Found
from appliance.records.language import Code
from tests.support.cases import passage


@pytest.mark.parametrize(
    ("code", "question", "text", "expected"),
    [
        ("en", "How long may I use the sauna?", "The sauna is beside the pool.", False),
        ("en", "I wonder how long I may use the sauna.", "The sauna costs 12 €.", False),
        ("en", "How long may I use the sauna?", "The sauna may be used for two hours.", True),
        ("en", "How long is the sauna open?", "The sauna is open Mon–Fri 9–17.", True),
        ("en", "How long is the bench?", "The bench has 180 cm.", True),
        ("en", "How long may I stay?", "You may stay until the lights go out.", True),
        ("en", "How often is the water changed?", "The water is changed daily.", True),
        ("en", "Where is the sauna?", "The sauna is beside the pool.", True),
        ("en", "How many towels do I get?", "You get a towel at 14:00 for 5 €.", False),
        ("en", "How many towels do I get?", "You get two towels.", True),
        ("sv", "Hur länge räcker veden?", "Veden kostar 8 €.", False),
        ("sv", "Hur länge räcker veden?", "Veden räcker i tre timmar.", True),
        ("sv", "Hur många handdukar får jag?", "Du får handdukar i receptionen.", False),
        ("fi", "Kauanko puut kestävät?", "Puut maksavat 8 €.", False),
        ("fi", "Kuinka kauan puut kestävät?", "Puut kestävät kolme tuntia.", True),
        ("fi", "Montako pyyhettä saan?", "Pyyhkeet saa vastaanotosta.", False),
    ],
)
def test_a_time_or_a_count_that_is_asked_for_must_be_there(code: Code, question: str, text: str, expected: bool) -> None:
    assert has_the_kind(question, text, code) is expected


def test_what_was_said_before_the_question_asks_for_no_kind() -> None:
    found = Found(passage=passage("towels", "Towels lie in the sauna.", title="Where are the towels?"), score=0.8)
    told = "I forgot how long the sauna is open."
    said_before = fit(Asked(text=f"{told} Where are the towels in the sauna?", code="en", told=told), found)
    assert said_before > fit(Asked(text="How long are the towels in the sauna?", code="en"), found)


def test_words_that_every_passage_has_do_not_make_up_for_one_that_this_passage_lacks() -> None:
    found = Found(passage=passage("x", "The sauna stove burns birch wood.", title="What does the sauna stove burn?"), score=0.8)
    text = "Does the sauna stove crack birch?"
    assert fit(Asked(text=text, code="en", theme=frozenset({"sauna", "stove"})), found) < fit(Asked(text=text, code="en"), found)


def test_the_number_in_a_name_does_not_make_up_for_a_word_that_the_passage_lacks() -> None:
    found = Found(passage=passage("x", "The stove Koski 40 burns birch logs.", title="What does the Koski 40 burn?"), score=0.8)
    assert fit(Asked(text="Does the Koski 40 burn logs?", code="en"), found) >= found.score
    assert fit(Asked(text="Does the Koski 40 crack logs?", code="en"), found) <= found.score * STRANGE


def test_a_passage_that_knows_less_than_half_of_what_was_asked_is_about_something_else() -> None:
    found = Found(passage=passage("vouchers", "Vouchers are sold in our shop.", title="Vouchers"), score=0.6)
    theme = frozenset({"sauna", "pay"})
    one = fit(Asked(text="Vouchers for the sauna?", code="en", theme=theme), found)
    two = fit(Asked(text="Can I pay for the sauna by voucher?", code="en", theme=theme), found)
    assert two <= one / 2
