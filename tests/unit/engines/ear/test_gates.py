"""What is believed of an ear's words: pure, numbers in, codes out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.ear.gates import Believed, confidence, objection, packed_ratio, rounds
from appliance.records.voice import Word


def heard(text: str, **numbers: float) -> Believed:
    figures = {"starts": 0.0, "ends": 3.0, "score": -0.2, "no_speech": 0.1, "speech_seconds": 3.0, **numbers}
    return Believed(text=text, **figures)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["Milloin myymälä on auki?", "Hur lång är returrätten?", "Thank you.", "No no no, the other one.", "Yes.", "08 000 1234", "Kiitos."],
)
def test_what_people_say_is_believed(text: str) -> None:
    assert objection(heard(text)) == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("no_words", heard("... ♪")),
        ("no_words", heard("")),
        ("no_sound", heard("Hello there.", speech_seconds=0.0)),
        ("no_speech", heard("Hello there.", no_speech=0.9, score=-0.8)),
        ("unsure", heard("Hello there.", score=-1.2)),
        ("unsure", heard("Hello there.", score=math.nan)),
        ("unsure", heard("Hello there.", no_speech=math.nan)),
        ("repeats", heard("I am here. " * 12)),
        ("repeats", heard("so so so so so")),
        ("repeats", heard("the pump is the pump is the pump is the pump is the")),
        ("too_fast", heard("We will of course tell you everything that there is to be known", speech_seconds=0.3)),
        ("known_invention", heard("Thanks for watching!")),
        ("known_invention", heard("Subtitles by the Amara.org community")),
        ("known_invention", heard("Tekstitys: Jaana Virtanen")),
        ("known_invention", heard("Undertexter av någon")),
    ],
)
def test_what_an_ear_invents_is_dropped_with_its_reason(code: str, said: Believed) -> None:
    assert objection(said) == code


def test_a_good_score_outweighs_the_guess_that_nobody_speaks() -> None:
    assert objection(heard("Where is my order?", no_speech=0.9, score=-0.1)) == ""


def test_the_same_sentence_may_be_said_twice_and_not_again_and_again() -> None:
    assert objection(heard("Is anybody there?"), ["Is anybody there?"]) == ""
    assert objection(heard("Is anybody there?"), ["Is anybody there?", "Is anybody there?"]) == "repeats"
    assert objection(heard("Is anybody there?"), ["Is anybody there?", "Hello.", "Is anybody there?"]) == ""


@given(st.text(max_size=200), st.floats(-5, 0), st.floats(0, 1), st.floats(0, 60))
def test_whatever_comes_an_answer_comes_back(text: str, score: float, no_speech: float, speech_seconds: float) -> None:
    code = objection(heard(text, score=score, no_speech=no_speech, speech_seconds=speech_seconds))
    assert code in ("", "no_words", "no_sound", "no_speech", "unsure", "repeats", "too_fast", "known_invention")


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.integers(1, 6))
def test_a_phrase_said_so_often_is_counted_so_often_at_least(phrase: list[str], times: int) -> None:
    assert rounds(phrase * times) >= times


def test_confidence_is_a_share_and_follows_the_words_where_they_are_known() -> None:
    words = [Word(text="a", starts=0, ends=1, probability=0.5), Word(text="b", starts=1, ends=2, probability=0.9)]
    assert confidence(-0.1, words) == pytest.approx(0.7)
    assert confidence(0.0, []) == 1.0
    assert 0.0 < confidence(-3.0, []) < 0.1


def test_a_repeated_text_packs_better_than_an_ordinary_one() -> None:
    assert packed_ratio("ha " * 60) > 2.4 > packed_ratio("Our shop in Oulu is open from Monday to Friday.")


def test_numbers_of_damaged_weights_are_no_reason_to_be_sure() -> None:
    assert confidence(math.nan, ()) == 0.0
    assert confidence(-0.1, (Word(text="so", starts=0.0, ends=1.0, probability=math.nan),)) == 0.0
