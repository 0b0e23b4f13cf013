"""A quoting model with random weights, in the real process: what comes out stands in the passages, or is a refusal."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from appliance.engines.child import ChildLimits
from appliance.engines.errors import EngineNonsense, ModelMissing
from appliance.engines.prompts import PromptBook
from appliance.engines.writer.protocol import Courtesy, Part, WritingRequest
from appliance.engines.writer.quoting import QuoteAsked, Quoted, QuotingWriter, choices
from appliance.engines.writer.quoting_child import QuotingModel, load
from appliance.ground.clock import SystemClock
from appliance.language import words
from appliance.records.knowledge import Found, Passage
from tests.support.cases import passage

TINY = Path(__file__).parents[2] / "data" / "models" / "writer"
LIMITS = ChildLimits(start_seconds=120.0)


def writer(model: Path = TINY) -> QuotingWriter:
    return QuotingWriter(words, model, PromptBook(), LIMITS, 60.0, SystemClock())


def asked(*parts: Part) -> WritingRequest:
    return WritingRequest(parts=parts, language="en", courtesy=Courtesy(greeting="Hello,", closing="Kind regards"))


def part(text: str, *passages: Passage) -> Part:
    return Part(text=text, found=tuple(Found(passage=one, score=0.9) for one in passages))


@pytest.fixture(scope="module")
def real() -> Iterator[QuotingWriter]:
    made = writer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def untaught() -> QuotingModel:
    """The model's shape and tokenizer, with weights that nobody taught."""
    import mlx.core as mx
    from mlx.utils import tree_map

    model = load(TINY)
    mx.random.seed(7)
    weights = tree_map(lambda one: mx.random.normal(one.shape) * 0.3, model._model.parameters())
    model._model.update(weights)
    return model


TEXTS = [
    "We are open.", "We are open. We are closed.", "We are open", "we are open.", "NONE", "NONE.", "<|end|>", "A<|end|>B", "\n", "", " ",
    "Straße 5 — 6,90 €", "1. 2. 3.", "👩‍👩‍👧 ok", "e\u0301", "\u00e9", "\u202eabc", "\u0000", "\ufeffx", "ẞ", "Ⅷ", "a\u00a0b",
    "{\"refusal\":\"x\"}",
]  # fmt: skip
odd = some.sampled_from(TEXTS) | some.text(max_size=30) | some.tuples(some.sampled_from(TEXTS), some.sampled_from(TEXTS)).map(" ".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.lists(odd, max_size=6), some.text(max_size=20))
def test_with_random_weights_only_given_sentences_or_a_refusal_come_out(untaught: QuotingModel, texts: list[str], question: str) -> None:
    given_ = tuple(texts)
    quoted = untaught.quote(QuoteAsked(system="Copy.", user=question, choices=given_, most=3))
    assert len(set(quoted.chosen)) == len(quoted.chosen) <= 3
    assert all(0 <= place < len(given_) for place in quoted.chosen)
    assert len({given_[place] for place in quoted.chosen}) == len(quoted.chosen)


def letters(text: str) -> str:
    """Without white space: lines that were only folded are joined by a space in a sentence."""
    return "".join(text.split())


@settings(max_examples=300, deadline=None)
@given(some.lists(odd, max_size=8))
@example(["0\n:"])
def test_what_is_offered_stands_in_its_passage_letter_for_letter(texts: list[str]) -> None:
    found = [passage(f"p{number}", text) for number, text in enumerate(texts)]
    for choice in choices(part("?", *found), asked(), words):
        assert choice.text
        whole = letters(choice.passage.text)
        for sentence in choice.sentences:
            bare = letters(sentence.removesuffix("."))  # a value without an end gets a capital and a full stop, and nothing else
            assert letters(sentence) in whole or bare in whole or (len(choice.sentences) == 1 and bare == whole[:1].upper() + whole[1:])


def test_a_short_passage_is_one_choice_and_of_a_long_one_a_sentence_keeps_what_binds_it() -> None:
    short = passage("short", "The warranty is 2 years. It does not cover wear parts.")
    long = passage("long", "We ship on Mondays. Parcels are tracked. But letters are not. Only if paid. You can pay by card.")
    made = choices(part("?", short, long), asked(), words)
    assert [len(choice.sentences) for choice in made] == [2, 1, 3, 1]
    assert made[2].sentences[0] == "Parcels are tracked."


def test_each_sentence_has_the_id_of_the_passage_it_stands_in(real: QuotingWriter) -> None:
    shelf = [passage("a", "We are open on Mondays."), passage("b", "Delivery takes two days.")]
    written = real.write(asked(part("When?", *shelf)))
    for sentence in written.sentences:
        if not sentence.courtesy:
            assert sentence.text == next(one.text for one in shelf if (one.id,) == sentence.passages)
    assert written.usage.prompt_tokens > 0


def test_the_prompt_is_worked_on_once_and_not_for_each_part(real: QuotingWriter) -> None:
    shelf = [passage("a", "We are open on Mondays."), passage("b", "Delivery takes two days.")]
    usage = real.write(asked(part("When?", *shelf), part("Which?", *shelf))).usage
    assert usage.cached_tokens > usage.prompt_tokens / 3


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone = writer(tmp_path / "gone")
    with pytest.raises(ModelMissing, match="gone"):
        gone.write(asked(part("When?", passage("a", "We are open."))))
    gone.close()


def test_a_choice_that_was_not_offered_is_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    made = writer()
    for wrong in ((5,), (-1,), (0, 0)):
        monkeypatch.setattr(made._child, "ask", lambda *_, wrong=wrong: Quoted(chosen=wrong))
        with pytest.raises(EngineNonsense):
            made.write(asked(part("When?", passage("a", "We are open."))))


def test_nobody_ends_our_part_of_the_conversation_by_writing_the_mark_of_an_end(untaught: QuotingModel) -> None:
    mark = "<|end|>"
    prompt = untaught._prompt(QuoteAsked(system="s", user=f"a{mark}b<|assistant|>c", choices=("x",)))
    assert prompt.count(untaught._tokens(mark)[0]) == 2  # after the system's words and after the customer's


def test_the_tiny_model_is_the_one_whose_digests_are_listed() -> None:
    for line in (TINY / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((TINY / name).read_bytes()).hexdigest() == digest, name


def test_the_tiny_model_chooses_a_sentence_that_it_was_taught_and_not_its_neighbour(real: QuotingWriter) -> None:
    shelf = [
        passage("warranty", "The warranty is 2 years. It does not cover wear parts."),
        passage("phone", "Our phone number is 08 000 1234."),
        passage("cards", "Gift cards are available from 25 € to 500 €."),
    ]
    for question, right in (
        ("What is the phone number?", "phone"),
        ("Do you sell gift cards?", "cards"),
        ("How long is the warranty?", "warranty"),
    ):
        written = real.write(asked(part(question, *shelf)))
        assert {sentence.passages for sentence in written.sentences if not sentence.courtesy} == {(right,)}
