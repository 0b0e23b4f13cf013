"""A mail as what it asks."""

from collections.abc import Callable

import pytest

from appliance.desk import question
from appliance.desk.question import READ_AT_MOST, read
from appliance.policy.format import _LIMIT_RANGES
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


Work = Callable[[str], int]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """How many characters are cut into words to read a text: the work that grows with it."""
    seen: list[int] = []
    tokens, content_stems = question.tokens, question.content_stems

    def counted_tokens(text: str) -> list[str]:
        seen.append(len(text))
        return tokens(text)

    def counted_stems(text: str, code: Code) -> list[str]:
        seen.append(len(text))
        return content_stems(text, code)

    monkeypatch.setattr(question, "tokens", counted_tokens)
    monkeypatch.setattr(question, "content_stems", counted_stems)

    def measure(text: str) -> int:
        seen.clear()
        read(message(text), "en")
        return sum(seen)

    return measure


def test_of_a_huge_mail_only_the_beginning_is_read(work: Work) -> None:
    huge = "Line\n" * 200_000
    assert len(read(message(huge), "en").body) <= READ_AT_MOST
    assert work(huge) == work(huge[:READ_AT_MOST]) <= 20 * READ_AT_MOST


def test_what_is_left_unread_belongs_to_a_mail_that_every_policy_holds_for_its_length() -> None:
    assert 2 * _LIMIT_RANGES["question_characters"][1] <= READ_AT_MOST


@pytest.mark.parametrize(
    "piece",
    [
        "a\n", "Anna\n", "Thanks\n", "What pump?\n", "What pump and ", "what pump and what pump and ", "and what ", "we and what pump ",
        "I need the pump. ", "x" * 400 + " and what ",
    ],
)  # fmt: skip
def test_twice_the_text_is_twice_the_work(work: Work, piece: str) -> None:
    whole = "What pump " + piece * (READ_AT_MOST // len(piece))
    assert work(whole[:READ_AT_MOST]) < 2.5 * work(whole[: READ_AT_MOST // 2]) + 5_000


def test_a_hundred_questions_in_one_sentence_are_a_hundred_parts() -> None:
    assert len(parts("What does the pump cost" + " and what does the pump cost" * 1_200)) == 1_201


def test_a_closing_is_looked_for_near_the_end_alone() -> None:
    story = "The pump in the cellar hums loudly.\n"
    below = "below the pump\n"
    asked = "What does the new pump cost?\n"
    assert "below" not in read(message(f"{asked}Best regards\n{below * 10}"), "en").body
    assert "below" in read(message(f"{asked}Best regards\n{below * 11}"), "en").body
    assert read(message(f"{story}{asked}Best regards\nAnna\nDo you sell it?"), "en").body.endswith("sell it?")
    assert read(message(f"Best regards\n{story}"), "en").body.startswith("Best regards")


def test_a_line_of_signs_is_no_name_and_is_seen_so_at_once() -> None:
    line = "Anna" + "." * 30_000 + "|x"
    assert read(message(f"What does the pump cost?\n{line}"), "en").body.endswith(line)


def test_names_at_the_end_go_but_the_first_line_stays() -> None:
    assert read(message("Pumppu\n" + "Anna\n\n" * 5_000), "fi").body == "Pumppu"
