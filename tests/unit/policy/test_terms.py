"""How a rule's words match."""

import pytest

from appliance.policy.terms import BadTerm, Matcher, TopicWords


def found(text: str, **words: tuple[str, ...]) -> bool:
    return bool(Matcher([("topic", TopicWords(**words))]).find(text))


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("sue", "I will sue you", True),
        ("sue", "a serious issue", False),
        ("lakimie*", "Lakimiehemme soittaa", True),
        ("*riita*", "maksuriidat ja laskuriitamme", True),
        ("*riita*", "maksuriidat", False),
        ("*verket", "Konsumentverket hör av sig", True),
        ("sue you", "sue all of you", True),
        ("sue you", "sue each and every one of you", False),
        ("charge_back", "charge it back", False),
        ("charge_back", "charge back", True),
        ("charge|bill twice", "they bill me twice", True),
        ("pay twice|two_times", "pay two times", True),
        ("pay twice|two_times", "pay two more times", False),
        ("lääkäri*", "laakarin", True),
    ],
)
def test_a_phrase_matches_as_it_is_written(phrase: str, text: str, expected: bool) -> None:
    assert found(text, phrases=(phrase,)) is expected


def test_together_wants_all_words_in_one_sentence_in_any_order() -> None:
    assert found("The bank has my refund.", together=("refund* bank",))
    assert not found("I like refunds. The bank is open.", together=("refund* bank",))


def test_an_exception_hides_only_the_words_it_covers() -> None:
    words = {"phrases": ("court",), "exceptions": ("tennis_court",)}
    assert not found("the tennis court", **words)
    assert found("the tennis court and the court", **words)


@pytest.mark.parametrize("phrase", ["", "a-b", "x*", "(", "ab|"])
def test_what_is_not_a_phrase_is_refused(phrase: str) -> None:
    with pytest.raises(BadTerm):
        found("text", phrases=(phrase,))


def test_a_very_long_text_is_read_quickly_and_only_so_far() -> None:
    matcher = Matcher([("topic", TopicWords(phrases=("needle",)))])
    assert matcher.find("hay " * 100 + "needle")
    assert not matcher.find("hay " * 10_000 + "needle")
