"""A chain of writers: who writes when the first cannot, and that the cause is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.engines.errors import EngineBusy, EngineDied, EngineTimeout, KeyRefused, LimitReached, ModelMissing
from appliance.engines.shelf import Shelf as ModelShelf
from appliance.engines.writer.chain import ChainWriter, Later
from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.make import WriterOptions, make_writer
from appliance.engines.writer.protocol import Courtesy, Part, Writer, WritingRequest, Written
from appliance.ground.clock import SystemClock
from appliance.ground.errors import EngineError, SettingsError
from appliance.language import words
from appliance.records.answer import Usage
from tests.support.cases import Shelf
from tests.support.clock import FakeClock
from tests.support.model_server import ModelServer

SHELF = Shelf()
ASKED = WritingRequest(
    parts=(Part(text="What does delivery cost?", found=SHELF.search("What does delivery cost?", "en")),),
    language="en",
    courtesy=Courtesy(greeting="Hello,", closing="Kind regards"),
)


class Broken:
    """Raises what it is told to and counts how often it was asked."""

    name, version, prompt = "mlx", "1 tiny", "write@1"

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.asked = 0
        self.closed = False

    def write(self, request: WritingRequest) -> Written:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Written(usage=Usage(engine=f"mlx{len(request.parts)}"))

    def close(self) -> None:
        self.closed = True


def chain(*writers: Writer, clock: FakeClock | None = None) -> ChainWriter:
    return ChainWriter(writers, clock or FakeClock())


@pytest.fixture
def server() -> Iterator[ModelServer]:
    one = ModelServer()
    yield one
    one.stop()


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (EngineTimeout("It took too long."), "engine_timeout"),
        (EngineDied("It died."), "engine_died"),
        (EngineBusy("Too many wait."), "engine_busy"),
        (ModelMissing("It is not there."), "model_missing"),
        (KeyRefused("No."), "key_refused"),
        (LimitReached("Enough."), "limit_reached"),
        (ValueError("a fault of ours"), "engine_failed"),
        (EngineError("Something."), "engine_failed"),
    ],
)
def test_the_next_writer_writes_and_the_cause_is_told_as_a_code(error: Exception, cause: str) -> None:
    written = chain(Broken(error), GroundedWriter(words)).write(ASKED)
    assert written.sentences == GroundedWriter(words).write(ASKED).sentences
    assert (written.usage.engine, written.usage.cause) == ("grounded", cause)


def test_a_writer_that_writes_leaves_no_cause() -> None:
    assert chain(Broken(None), GroundedWriter(words)).write(ASKED).usage == Usage(engine="mlx1")


def test_when_nobody_can_write_the_first_ones_error_goes_up() -> None:
    with pytest.raises(KeyRefused):
        chain(Broken(KeyRefused("No.")), Broken(EngineDied("It died."))).write(ASKED)


def test_a_writer_that_fails_again_and_again_is_not_asked_for_a_growing_pause() -> None:
    clock, broken = FakeClock(), Broken(EngineDied("It died."))
    writer = chain(broken, GroundedWriter(words), clock=clock)
    for moved, asked in ((0.0, 2), (0.9, 2), (0.1, 3), (1.9, 3), (0.1, 4), (3.9, 4), (0.1, 5)):  # the first failure may be chance
        clock.move(moved)
        for _ in range(3):
            assert writer.write(ASKED).usage.cause == "engine_died"
        assert broken.asked == asked
    assert writer.health() == "It died."


def test_a_writer_that_is_well_again_is_asked_again() -> None:
    clock, broken = FakeClock(), Broken(EngineDied("It died."))
    writer = chain(broken, GroundedWriter(words), clock=clock)
    for _ in range(3):
        writer.write(ASKED)
    assert writer.health() == "It died."
    broken.error = None
    clock.move(60)
    assert writer.write(ASKED).usage.cause == ""
    assert writer.health() == ""


def test_to_be_busy_is_no_fault_and_brings_no_pause() -> None:
    busy = Broken(EngineBusy("Too many wait."))
    writer = chain(busy, GroundedWriter(words))
    for _ in range(5):
        writer.write(ASKED)
    assert busy.asked == 5


def test_a_limit_is_waited_for_as_long_as_the_server_said() -> None:
    clock, error = FakeClock(), LimitReached("Enough.")
    error.wait_seconds = 30.0
    limited = Broken(error)
    writer = chain(limited, GroundedWriter(words), clock=clock)
    for _ in range(3):
        assert writer.write(ASKED).usage.cause == "limit_reached"
    assert limited.asked == 1
    clock.move(31)
    writer.write(ASKED)
    assert limited.asked == 2


def test_closing_the_chain_closes_each_writer() -> None:
    one = Broken(None)
    chain(one, GroundedWriter(words)).close()
    assert one.closed


def test_a_writer_that_cannot_be_made_yet_says_why_and_is_made_once_it_can_be() -> None:
    ready: list[Writer] = []

    def make() -> Writer:
        if not ready:
            raise ModelMissing("The model tiny is not on this machine.")
        return ready[0]

    later = Later("quoting", make)
    assert (later.name, later.version, later.health()) == ("quoting", "0", "The model tiny is not on this machine.")
    assert chain(later, GroundedWriter(words)).write(ASKED).usage.cause == "model_missing"
    ready.append(GroundedWriter(words))
    assert later.write(ASKED).sentences
    assert later.version == "1"
    assert later.health() == ""


@pytest.mark.parametrize("kind", ["mlx", "quoting", "openai"])
def test_a_node_starts_with_a_writer_that_has_no_model_and_the_built_in_one_writes(kind: str, tmp_path: Path) -> None:
    writer = make_writer(kind, WriterOptions(), words, SystemClock(), ModelShelf(tmp_path))  # type: ignore[arg-type]
    written = writer.write(ASKED)
    assert written.usage.engine == "grounded"
    assert written.usage.cause in ("model_missing", "engine_unavailable")
    assert writer.name == kind
    writer.close()  # type: ignore[attr-defined]


def test_a_key_that_cannot_be_read_is_a_key_that_is_refused(server: ModelServer, tmp_path: Path) -> None:
    def key() -> str:
        raise SettingsError("The secret cannot be read.")

    writer = make_writer("openai", WriterOptions(base_url=server.url, key=key), words, SystemClock(), ModelShelf(tmp_path))
    assert writer.write(ASKED).usage.cause == "key_refused"
    assert not server.asked


def openai(server: ModelServer, tmp_path: Path, **options: object) -> Writer:
    made = WriterOptions(**{"base_url": server.url, "model": "tiny", "timeout_seconds": 5.0, **options})  # type: ignore[arg-type]
    return make_writer("openai", made, words, SystemClock(), ModelShelf(tmp_path))


def test_an_answer_of_the_wrong_form_is_asked_for_once_more(server: ModelServer, tmp_path: Path) -> None:
    server.texts = ["Delivery is cheap, my friend."]
    written = openai(server, tmp_path).write(ASKED)
    assert written.sentences[1].text == "So it stands in the first passage."
    assert (written.usage.engine, written.usage.cause, written.usage.prompt_tokens) == ("openai", "", 240)
    first, second = server.asked
    assert second["messages"][:2] == first["messages"]
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]


def test_a_model_that_cannot_keep_to_the_form_is_left_for_the_next_writer(server: ModelServer, tmp_path: Path) -> None:
    server.text = "Delivery is cheap, my friend."
    written = openai(server, tmp_path).write(ASKED)
    assert (written.usage.engine, written.usage.cause) == ("grounded", "engine_nonsense")
    assert len(server.asked) == 2


def test_an_answer_that_is_longer_than_a_reply_may_be_is_nonsense(server: ModelServer, tmp_path: Path) -> None:
    sentence = '{"text": "' + "a" * 1_900 + '%d", "passages": [1]}'
    server.text = '{"sentences": [' + ", ".join(sentence % number for number in range(3)) + "]}"
    assert openai(server, tmp_path).write(ASKED).usage.cause == "engine_nonsense"


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("401", "key_refused"), ("404", "model_missing"), ("429", "limit_reached"), ("500", "engine_unavailable"),
        ("cut", "engine_died"), ("garbage", "engine_nonsense"), ("endless", "engine_nonsense"), ("hang", "engine_timeout"),
    ],
)  # fmt: skip
def test_each_fault_of_a_server_leaves_the_case_answered_and_its_cause_told(
    server: ModelServer, tmp_path: Path, fault: str, cause: str
) -> None:
    server.fault = fault
    writer = openai(server, tmp_path, timeout_seconds=1.0)
    written = writer.write(ASKED)
    assert (written.usage.engine, written.usage.cause) == ("grounded", cause)
    assert written.sentences
