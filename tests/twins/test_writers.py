"""What every writer must keep to: the built-in one, the stub, and those with a language model behind them.

The models here are tiny and know nothing; what they choose or say is not judged, only what a writer makes of it. ``mlx`` and ``openai``
ask one real mlx-lm server with a model made by hand, ``quoting`` leads the trained test model through its tree.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from appliance.desk.compose import ENGINES, REFUSALS
from appliance.engines.shelf import Shelf as ModelShelf
from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.make import Kind, WriterOptions, make_writer
from appliance.engines.writer.protocol import Courtesy, Part, Writer, WritingRequest, Written
from appliance.engines.writer.stub import StubWriter
from appliance.ground.clock import SystemClock
from appliance.language import words
from appliance.records.knowledge import Found
from appliance.records.language import LANGUAGES, Code
from tests.support import tiny_writer
from tests.support.cases import FACTS, Shelf, passage

TINY_QUOTING = Path(__file__).resolve().parents[1] / "data" / "models" / "writer"
BUILT_IN: dict[str, Writer] = {"grounded": GroundedWriter(words), "stub": StubWriter(words)}
WITH_A_MODEL: tuple[Kind, ...] = ("quoting", "mlx", "openai")

Make = Callable[[Kind], Writer]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Each writer once, for the whole module."""
    folder = tmp_path_factory.mktemp("models")
    made: dict[str, Writer] = dict(BUILT_IN)

    def one(kind: Kind) -> Writer:
        if kind in WITH_A_MODEL and find_spec("mlx_lm") is None:
            pytest.skip("mlx-lm is not installed")
        if kind not in made:
            made[kind] = make_writer(kind, _options(kind), words, SystemClock(), ModelShelf(folder))
        return made[kind]

    def _options(kind: Kind) -> WriterOptions:
        if kind == "quoting":
            return WriterOptions(model=str(TINY_QUOTING), fallback=())
        if kind == "mlx":
            return WriterOptions(model=str(tiny_writer.make(folder / "tiny")), fallback=())
        endpoint = one("mlx").raw.ensure()  # type: ignore[attr-defined]
        key = endpoint.headers["Authorization"].removeprefix("Bearer ")
        url = f"http://{endpoint.host}:{endpoint.port}{endpoint.path_prefix}"
        return WriterOptions(model="whatever", base_url=url, key=lambda: key, fallback=())

    yield one
    for writer in made.values():
        if hasattr(writer, "close"):
            writer.close()


@pytest.fixture(params=[*BUILT_IN, *WITH_A_MODEL])
def writer(request: pytest.FixtureRequest, make: Make) -> Writer:
    return make(request.param)


@pytest.fixture(params=list(BUILT_IN))
def built_in(request: pytest.FixtureRequest) -> Writer:
    return BUILT_IN[request.param]


def part(text: str, code: Code = "en", shelf: Shelf | None = None) -> Part:
    shelf = shelf or Shelf()
    return Part(text=text, found=shelf.search(text, code), keys=shelf.expected_keys(text, code))


def asked(*parts: Part, code: Code = "en") -> WritingRequest:
    return WritingRequest(parts=parts, language=code, courtesy=Courtesy(greeting="Hello,", closing="Kind regards"))


def body(written: Written) -> list[str]:
    return [sentence.text for sentence in written.sentences if not sentence.courtesy]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_sentence_cites_a_passage_that_was_given_or_is_a_courtesy_that_was_given(writer: Writer, code: Code) -> None:
    for fact in (one for one in FACTS if one.language == code):
        request = asked(part(fact.title, code), code=code)
        written = writer.write(request)
        given = {found.passage.id for one in request.parts for found in one.found}
        assert written.refusal is None or written.refusal.reason in REFUSALS
        for sentence in written.sentences:
            if sentence.courtesy:
                assert sentence.text in (request.courtesy.greeting, request.courtesy.closing)
            else:
                assert sentence.passages
                assert set(sentence.passages) <= given


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_the_knowledge_answers_is_answered(built_in: Writer, code: Code) -> None:
    for fact in (one for one in FACTS if one.language == code):
        written = built_in.write(asked(part(fact.title, code), code=code))
        assert written.refusal is None
        assert body(written)


def test_the_same_request_gives_the_same_draft(writer: Writer) -> None:
    request = asked(part("What does delivery cost?"), part("How long is the warranty?"))
    one, other = writer.write(request), writer.write(request)
    assert (one.sentences, one.refusal) == (other.sentences, other.refusal)


def test_a_draft_is_no_longer_than_a_reply_may_be(writer: Writer) -> None:
    long = passage("long", " ".join(f"Rule {number} says that a pump is checked each year." for number in range(200)))
    questions = ("What does delivery cost?", "How long is the warranty?", "Do you sell gift cards?")
    request = asked(*(part(text) for text in questions), Part(text="What do the rules say?", found=(Found(passage=long, score=1.0),)))
    written = writer.write(request)
    assert sum(len(sentence.text) for sentence in written.sentences) <= 4 * request.longest
    assert len(written.sentences) <= 500


def test_who_wrote_and_what_it_took_is_told(writer: Writer) -> None:
    usage = writer.write(asked(part("What does delivery cost?"))).usage
    assert usage.engine in (*ENGINES, "")
    assert usage.cause == ""
    if writer.name in WITH_A_MODEL:
        assert usage.engine == writer.name
        assert usage.prompt_tokens > 0
        assert usage.seconds > 0


def test_the_parts_are_answered_in_the_order_they_were_asked(built_in: Writer) -> None:
    first, second = part("How long is the warranty?"), part("What does delivery cost?")
    forwards, backwards = body(built_in.write(asked(first, second))), body(built_in.write(asked(second, first)))
    assert "warranty" in forwards[0]
    assert "Delivery" in backwards[0]


def test_a_part_without_a_passage_is_refused_and_named(writer: Writer) -> None:
    written = writer.write(asked(part("How long is the warranty?"), Part(text="Do you sell flowers?")))
    assert written.refusal is not None
    assert written.refusal.reason == "unanswered_part"
    assert 1 in written.refusal.unanswered


def test_nothing_found_gives_no_sentences(writer: Writer) -> None:
    written = writer.write(asked(Part(text="Do you sell flowers?")))
    assert written.sentences == ()
    assert written.refusal is not None


def test_a_passage_below_the_minimum_or_in_another_language_is_no_answer(writer: Writer) -> None:
    weak = Part(text="x", found=(Found(passage=FACTS[0], score=0.1),))
    foreign = Part(text="x", found=(Found(passage=passage("sv", "Vi har öppet.", "sv"), score=1.0),))
    assert writer.write(asked(weak)).refusal is not None
    assert writer.write(asked(foreign)).refusal is not None


def test_two_parts_about_the_same_thing_are_answered_once(writer: Writer) -> None:
    one = part("How long is the warranty?")
    texts = body(writer.write(asked(one, one)))
    assert len(texts) == len(set(texts))


def test_a_writer_says_who_it_is(writer: Writer) -> None:
    assert writer.name
    assert writer.version
    assert isinstance(writer.prompt, str)
    assert bool(writer.prompt) == (writer.name in WITH_A_MODEL)


def test_the_beginning_of_the_prompt_is_worked_on_once(make: Make) -> None:
    """The rules stand first, the same for each question: the second question finds them in the engine's memory."""
    mlx = make("mlx")
    mlx.write(asked(part("What does delivery cost?")))
    usage = mlx.write(asked(part("Do you sell gift cards?"))).usage
    assert usage.prompt_tokens > usage.cached_tokens > 0.5 * usage.prompt_tokens
