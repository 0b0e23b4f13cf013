"""What tells an answer from a likeness."""

import dataclasses

import msgspec
import pytest

from appliance.desk.answer import answer
from appliance.desk.fit import Asked, codes, coverage, fit, speaks_of
from appliance.records.answer import Decision
from appliance.records.knowledge import Found
from appliance.records.language import Code
from tests.support.cases import OPEN, case, desk, passage

FACTS = {
    "well_pump": ("How deep does the Koski 40 reach?", "The water pump Koski 40 lifts water from 40 metres.", ("well pump",)),
    "opening_hours": ("When is customer service open?", "We answer from 8 to 17.", ("what time can I call",)),
    "delivery_time": ("How long does delivery take?", "Delivery takes 2–4 days.", ("when does the parcel arrive",)),
    "warranty_heat": ("How long is the warranty of a heat pump?", "The warranty of heat pumps is 5 years.", ()),
    "warranty_water": ("How long is the warranty of a water pump?", "The warranty of water pumps is 2 years.", ()),
    "gift_cards": ("Do you sell gift cards?", "Gift cards cost 25 €.", ()),
    "error_e4": ("What does error code E4 mean?", "Error code E4 means that the unit is iced up.", ()),
    "error_e1": ("What does error code E1 mean?", "Error code E1 means that the cable is loose.", ()),
}
PUMPS = tuple(passage(key, text, key=key, title=title, aliases=aliases) for key, (title, text, aliases) in FACTS.items())


@pytest.mark.parametrize(
    "text",
    [
        "How long is the warranty of a heat pump?",
        "How long does the delivery of a parcel take?",
        "The display shows the error code E4. What does it mean?",
        "Do you have gift cards?",
        "How deep does the pump Koski 40 reach?",
    ],
)
def test_what_is_known_is_answered(text: str) -> None:
    assert answer(case(text), desk(PUMPS), OPEN).decision is Decision.SEND, text


@pytest.mark.parametrize(
    "text",
    [
        "Does the Koski 40 stand salt water?",
        "Can you tell me what time it is?",
        "I have to send money to China quickly. How long will it take to arrive?",
        "We bought a sauna stove. How long is its warranty?",
        "When will my new card get here?",
        "The display shows the error code X9. What does it mean?",
        "What does error code E7 mean?",
        "How long is the warranty?",
        "How long does delivery to Nordstrom in Brazil take?",
        "The delivery took two weeks.",
        "Please deliver the parcel to my neighbour.",
    ],
)
def test_what_only_looks_alike_is_left_to_a_person(text: str) -> None:
    assert answer(case(text), desk(PUMPS), OPEN).decision is Decision.REVIEW, text


@pytest.mark.parametrize(
    ("code", "text", "words", "expected"),
    [
        ("fi", "palautusoikeus", "Tuotteilla on palautusoikeus.", 1.0),
        ("fi", "takuu", "Takuuaika on 2 vuotta.", 1.0),
        ("sv", "garanti", "Garantitiden är 2 år.", 1.0),
        ("sv", "saltvatten", "Pumpen lyfter vatten.", 0.0),
        ("en", "bicycle pump", "The pump lifts water.", 0.5),
        ("en", "", "The pump lifts water.", 0.0),
    ],
)
def test_coverage_is_the_share_of_the_asked_words(code: Code, text: str, words: str, expected: float) -> None:
    assert coverage(text, passage("x", words, code), code) == expected


def test_a_code_is_the_same_however_it_is_spaced() -> None:
    assert codes("PX-200 and px200, E4") == {"px200", "e4"}
    assert speaks_of(passage("x", "The PX-200 hums."), codes("px200"))
    assert not speaks_of(passage("x", "The PX-200 hums."), codes("PX-300"))


def test_a_passage_that_does_not_speak_of_most_of_it_loses_score_even_when_it_is_named() -> None:
    well = Found(passage=PUMPS[0], score=0.8)
    assert fit(asked("Does the well pump lift water?"), well) >= 0.8
    assert fit(asked("Does the well pump lift salted sea brine and sand?"), well) < 0.5
    assert fit(asked("anything"), Found(passage=PUMPS[0], score=1.0)) == 1.0


def test_a_word_the_passage_does_not_know_says_that_something_else_is_asked() -> None:
    gifts = Found(passage=passage("gifts", "Gift cards are available from 25 € to 500 €.", title="Do you sell gift cards?"), score=0.8)
    assert fit(asked("What gift cards do you sell?", "gift_cards"), gifts) >= 0.8
    assert fit(asked("Can I return a gift card?", "gift_cards"), gifts) < 0.5


def test_a_light_word_and_the_theme_of_the_whole_knowledge_ask_for_nothing_else() -> None:
    warranty = Found(passage=passage("w", "The warranty is 2 years.", title="How long is the warranty?"), score=0.8)
    assert fit(asked("Can you tell me how long the warranty is?"), warranty) >= 0.8
    assert fit(asked("How long is the warranty of the pump?"), warranty) < 0.5
    assert fit(dataclasses.replace(asked("How long is the warranty of the pump?"), theme=frozenset({"pump"})), warranty) >= 0.8


def test_what_was_told_before_the_question_may_speak_of_other_things() -> None:
    warranty = Found(passage=passage("w", "The warranty is 2 years.", title="How long is the warranty?"), score=0.8)
    told = "My neighbour bought a sauna stove in Rovaniemi."
    assert fit(Asked(text=f"{told} How long is the warranty?", code="en", told=told), warranty) > fit(
        asked(f"{told} How long is the warranty?"), warranty
    )


def asked(text: str, *keys: str) -> Asked:
    return Asked(text=text, code="en", keys=keys or ("well_pump",))


def test_what_a_question_points_to_must_be_something_the_passage_speaks_of() -> None:
    title = "How long is the warranty of a pump?"
    shelf = (passage("w", "The warranty of the pump is 2 years.", key="warranty", title=title, aliases=("warranty",)),)
    assert answer(case("We bought a pump. How long is its warranty?"), desk(shelf), OPEN).decision is Decision.SEND
    strange = "The new sauna stove in our cottage hums at night. How long is its warranty?"
    assert answer(case(strange), desk(shelf), OPEN).decision is Decision.REVIEW


#: A fact whose own names are longer than what everybody calls it.
HOURS = msgspec.structs.replace(
    passage(
        "opening_hours", "Asiakaspalvelu ja varasto ovat auki klo 8–17.", key="opening_hours",
        title="Milloin asiakaspalvelu ja varasto ovat auki?", aliases=("asiakaspalvelun ja varaston aukioloajat",),
    ),
    language="fi",
)  # fmt: skip


def weighed(text: str, *keys: str) -> float:
    return fit(Asked(text=text, code="fi", keys=keys), Found(passage=HOURS, score=0.66))


def test_a_fact_that_a_question_names_and_asks_nothing_beside_is_found_whatever_its_own_names() -> None:
    assert weighed("Mitkä ovat aukioloajat?", "opening_hours") > 0.55


def test_a_fact_that_is_named_is_not_enough_where_it_may_be_another_or_more_is_asked() -> None:
    assert weighed("Mitkä ovat aukioloajat?", "opening_hours", "shop_hours") < 0.55
    assert weighed("Mitkä ovat aukioloajat?", "shop_hours") < 0.55
    assert weighed("Mitkä ovat museon aukioloajat?", "opening_hours") < 0.2  # a stranger, and not named: both count
