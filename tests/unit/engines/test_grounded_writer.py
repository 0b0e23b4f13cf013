"""The writer without a model copies; it never rewords."""

import pytest

from appliance.engines.writer.grounded import GroundedWriter, fact_sentence, is_bare
from appliance.engines.writer.protocol import Courtesy, Part, WritingRequest
from appliance.language import words
from appliance.records.knowledge import Found, Passage
from tests.support.cases import passage

WRITER = GroundedWriter(words)


def write(text: str, *passages: Passage, scores: tuple[float, ...] = (), keys: tuple[str, ...] = ()) -> list[str]:
    found = tuple(Found(passage=one, score=score) for one, score in zip(passages, scores or (0.9,) * len(passages), strict=True))
    written = WRITER.write(WritingRequest(parts=(Part(text=text, found=found, keys=keys),), language="en"))
    if written.refusal is not None:
        return [written.refusal.reason]
    return [sentence.text for sentence in written.sentences]


def test_a_bare_value_becomes_a_sentence_with_its_title() -> None:
    assert write("When are you open?", passage("a", "Mon–Fri 9–17", title="opening hours")) == ["Opening hours: Mon–Fri 9–17."]
    assert write("When are you open?", passage("a", "mon–fri 9–17", title="When are you open?")) == ["Mon–fri 9–17."]
    assert is_bare("Mon–Fri 9–17")
    assert not is_bare("We are open.")
    assert fact_sentence(passage("a", "x", title="Contact › Phone"), "08 000 1234") == "Phone: 08 000 1234"


def test_a_short_passage_is_taken_whole_with_its_conditions() -> None:
    text = "Delivery costs 6.90 €. Delivery is free above 100 €. This does not hold for Åland."
    assert " ".join(write("What does delivery cost?", passage("a", text))) == text


def test_of_a_long_passage_the_asked_sentence_is_taken_with_those_that_bind_it() -> None:
    text = (
        "Our pumps come in three sizes. They are painted green. The small pump lifts water from 20 metres. However, it must not run dry."
        " The box holds a hose. The hose is 2 metres long."
    )
    assert write("From how deep does the small pump lift water?", passage("a", text)) == [
        "The small pump lifts water from 20 metres.",
        "However, it must not run dry.",
    ]


def test_a_list_loses_its_marks_and_nothing_else() -> None:
    assert write("What is in the box?", passage("a", "- A pump.\n- A hose.")) == ["A pump.", "A hose."]


def test_two_facts_of_one_key_that_differ_are_for_a_person() -> None:
    one, other = passage("a", "14 days", key="return_period"), passage("b", "30 days", key="return_period")
    assert write("How long can I return?", one, other, scores=(0.9, 0.3)) == ["passages_disagree"]


def test_two_texts_about_the_same_thing_with_other_numbers_are_for_a_person() -> None:
    one = passage("a", "Delivery of a parcel to Finland takes 2 days.")
    other = passage("b", "Delivery of a parcel to Finland takes 5 days.")
    assert write("How long does delivery take?", one, other) == ["passages_disagree"]
    assert write("How long does delivery take?", one, other, scores=(0.9, 0.5)) == ["Delivery of a parcel to Finland takes 2 days."]


def test_the_same_fact_in_two_sources_is_no_disagreement() -> None:
    one, other = passage("a", "6,90 €", key="delivery", title="Delivery"), passage("b", "6.90 EUR", key="delivery", title="Delivery")
    assert write("Delivery?", one, other) in (["Delivery: 6,90 €."], ["passages_disagree"])


def test_facts_asked_for_by_name_are_all_there() -> None:
    one, other = passage("a", "Mon–Fri 9–17", key="hours", title="Hours"), passage("b", "08 000 1234", key="phone", title="Phone")
    assert write("Hours and phone?", one, other, keys=("hours", "phone")) == ["Hours: Mon–Fri 9–17.", "Phone: 08 000 1234."]


def test_greeting_and_closing_are_the_ones_that_were_given() -> None:
    request = WritingRequest(
        parts=(Part(text="x", found=(Found(passage=passage("a", "We are open."), score=1.0),)),),
        language="en",
        courtesy=Courtesy(greeting="Hello Anna,", closing="Kind regards"),
    )
    sentences = WRITER.write(request).sentences
    assert [(sentence.text, sentence.courtesy) for sentence in sentences] == [
        ("Hello Anna,", True),
        ("We are open.", False),
        ("Kind regards", True),
    ]


@pytest.mark.parametrize("text", ["", " ", "?"])
def test_a_passage_without_words_gives_no_sentence(text: str) -> None:
    assert write("x", passage("a", text)) in ([], ["?"], ["?."])
