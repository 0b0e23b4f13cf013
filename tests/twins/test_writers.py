"""What every writer must keep to, the built-in one and the stub alike."""

import pytest

from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.protocol import Courtesy, Part, Writer, WritingRequest, Written
from appliance.engines.writer.stub import StubWriter
from appliance.language import words
from appliance.records.knowledge import Found
from appliance.records.language import LANGUAGES, Code
from tests.support.cases import FACTS, Shelf, passage

WRITERS = [GroundedWriter(words), StubWriter(words)]
every_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)


def part(text: str, code: Code = "en", shelf: Shelf | None = None) -> Part:
    shelf = shelf or Shelf()
    return Part(text=text, found=shelf.search(text, code), keys=shelf.expected_keys(text, code))


def asked(*parts: Part, code: Code = "en") -> WritingRequest:
    return WritingRequest(parts=parts, language=code, courtesy=Courtesy(greeting="Hello,", closing="Kind regards"))


def body(written: Written) -> list[str]:
    return [sentence.text for sentence in written.sentences if not sentence.courtesy]


@every_writer
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_sentence_cites_a_passage_that_was_given_or_is_a_courtesy_that_was_given(writer: Writer, code: Code) -> None:
    for fact in (one for one in FACTS if one.language == code):
        request = asked(part(fact.title, code), code=code)
        written = writer.write(request)
        given = {found.passage.id for one in request.parts for found in one.found}
        assert written.refusal is None
        for sentence in written.sentences:
            if sentence.courtesy:
                assert sentence.text in (request.courtesy.greeting, request.courtesy.closing)
            else:
                assert sentence.passages
                assert set(sentence.passages) <= given


@every_writer
def test_the_same_request_gives_the_same_draft(writer: Writer) -> None:
    request = asked(part("What does delivery cost?"), part("How long is the warranty?"))
    assert writer.write(request) == writer.write(request)


@every_writer
def test_the_parts_are_answered_in_the_order_they_were_asked(writer: Writer) -> None:
    first, second = part("How long is the warranty?"), part("What does delivery cost?")
    forwards, backwards = body(writer.write(asked(first, second))), body(writer.write(asked(second, first)))
    assert "warranty" in forwards[0]
    assert "Delivery" in backwards[0]


@every_writer
def test_a_part_without_a_passage_is_refused_and_named(writer: Writer) -> None:
    written = writer.write(asked(part("How long is the warranty?"), Part(text="Do you sell flowers?")))
    assert written.refusal is not None
    assert written.refusal.reason == "unanswered_part"
    assert written.refusal.unanswered == (1,)


@every_writer
def test_nothing_found_gives_no_sentences(writer: Writer) -> None:
    written = writer.write(asked(Part(text="Do you sell flowers?")))
    assert written.sentences == ()
    assert written.refusal is not None


@every_writer
def test_a_passage_below_the_minimum_or_in_another_language_is_no_answer(writer: Writer) -> None:
    weak = Part(text="x", found=(Found(passage=FACTS[0], score=0.1),))
    foreign = Part(text="x", found=(Found(passage=passage("sv", "Vi har öppet.", "sv"), score=1.0),))
    assert writer.write(asked(weak)).refusal is not None
    assert writer.write(asked(foreign)).refusal is not None


@every_writer
def test_two_parts_about_the_same_thing_are_answered_once(writer: Writer) -> None:
    one = part("How long is the warranty?")
    texts = body(writer.write(asked(one, one)))
    assert len(texts) == len(set(texts))


@every_writer
def test_a_writer_says_who_it_is(writer: Writer) -> None:
    assert writer.name
    assert writer.version
    assert isinstance(writer.prompt, str)
