"""A mail as what it asks."""

import pytest

from appliance.desk.question import read
from appliance.records.language import Code
from tests.support.cases import message


def parts(text: str, code: Code = "en", subject: str = "") -> list[str]:
    return [part.text for part in read(message(text, subject), code).parts]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("en", "Hi,\n\nWhat does delivery cost?\n\nThanks,\nAnna", ["What does delivery cost?"]),
        ("en", "Hello there, what does delivery cost?", ["what does delivery cost?"]),
        ("en", "Dear Pohjola Pumps, what does delivery cost?", ["what does delivery cost?"]),
        ("en", "What does delivery cost, and how long does delivery take?", ["What does delivery cost?", "how long does delivery take?"]),
        ("en", "We moved to Oulu. What does delivery cost? Thank you in advance!", ["What does delivery cost?"]),
        ("en", "Please send me the manual of the PX-200.", ["Please send me the manual of the PX-200."]),
        ("fi", "Moi, käykö teillä MobilePay?", ["käykö teillä MobilePay?"]),
        (
            "fi",
            "Hei\n\nMitä toimitus maksaa?\nEntä kuinka kauan se kestää?\n\nYstävällisin terveisin\nMatti Virtanen, Oulu",
            ["Mitä toimitus maksaa?", "Entä kuinka kauan se kestää?"],
        ),
        ("fi", "Haluaisin tietää toimituksen hinnan.", ["Haluaisin tietää toimituksen hinnan."]),
        ("sv", "Hejsan! Vad kostar frakten och när kommer paketet?\n\nMvh Åsa", ["Vad kostar frakten?", "när kommer paketet?"]),
        ("sv", "God dag,\njag undrar vad frakten kostar.\n/Åsa", ["jag undrar vad frakten kostar."]),
        ("en", "Thanks a lot!", []),
        ("en", "Hi,\n\nBest regards\nAnna", []),
    ],
)  # fmt: skip
def test_what_is_asked_is_found_and_courtesy_is_not(code: Code, text: str, expected: list[str]) -> None:
    assert parts(text, code) == expected


def test_the_subject_helps_a_body_that_says_little() -> None:
    assert parts("?", subject="Re: Opening hours") == ["Opening hours"]
    reading = read(message("How much?", "Delivery to Åland"), "en")
    assert "Delivery to Åland" in reading.parts[0].context or "Delivery to Åland" in reading.parts[0].text


def test_the_subject_is_left_out_of_a_body_that_says_enough() -> None:
    assert read(message("What does delivery of a pump cost?", "Opening hours"), "en").parts[0].context == ""


def test_a_question_that_points_back_keeps_what_was_said_before() -> None:
    first, second = read(message("Do you sell the pump PX-200? How long is its warranty?"), "en").parts
    assert not first.points
    assert second.points
    assert "PX-200" in second.context


def test_a_request_that_leads_to_a_question_is_one_matter_with_it() -> None:
    assert parts("I would need the receipt for my accountant. Where can I get a copy?") == ["Where can I get a copy?"]


def test_a_story_without_a_question_is_one_part() -> None:
    assert len(parts("The pump hums loudly. It stands in the cellar.")) == 1


@pytest.mark.parametrize("text", ["", "\n\n", "?" * 500, "a" * 50_000, "\x00\x01", "Hi,\n" * 200, "? ! ? !", "🙂"])
def test_any_text_can_be_read(text: str) -> None:
    read(message(text), "en")
