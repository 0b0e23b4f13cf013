"""The client of a model's server bears whatever that server does, and says which of our errors it is."""

import datetime
import email.utils
import time
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.engines.errors import (
    EngineDied,
    EngineNonsense,
    EngineTimeout,
    EngineUnavailable,
    KeyRefused,
    LimitReached,
    ModelMissing,
)
from appliance.engines.writer.prompt import Message
from appliance.engines.writer.wire import Reply, Wish, complete, endpoint_of
from appliance.ground.clock import SystemClock
from appliance.ground.errors import EngineError
from tests.support.model_server import ANSWER, ModelServer

SAID = (Message(role="system", content="Be brief."), Message(role="user", content="Hyvää päivää"))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    one = ModelServer()
    yield one
    one.stop()


def ask(server: ModelServer, seconds: float = 10.0, **wish: Any) -> Reply:
    endpoint = endpoint_of(server.url, "tiny", {"Authorization": "Bearer sk-secret"})
    return complete(endpoint, SAID, Wish(seconds=seconds, **wish), SystemClock())


def test_an_answer_arrives_whole_with_what_it_took(server: ModelServer) -> None:
    reply = ask(server)
    assert reply.text == ANSWER
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.completion_tokens) == (120, 100, 30)
    assert reply.usage.seconds > 0
    assert server.keys == ["Bearer sk-secret"]
    assert [message["content"] for message in server.asked[0]["messages"]] == ["Be brief.", "Hyvää päivää"]


def test_a_server_that_knows_no_streams_is_asked_in_one_piece(server: ModelServer) -> None:
    server.fault = "plain_only"
    assert ask(server, schema={"type": "object"}).text == ANSWER
    assert [body["stream"] for body in server.asked] == [True, False]
    assert "response_format" not in server.asked[1]


def test_a_newer_model_is_asked_in_its_own_words(server: ModelServer) -> None:
    server.fault = "newer_only"
    assert ask(server, tokens=321).text == ANSWER
    assert server.asked[1]["max_completion_tokens"] == 321
    assert "temperature" not in server.asked[1]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("garbage", EngineNonsense),
        ("garbage_stream", EngineNonsense),
        ("other_json", EngineNonsense),
        ("list", EngineNonsense),
        ("no_text", EngineNonsense),
        ("deep", EngineNonsense),
        ("endless", EngineNonsense),
        ("error_inside", EngineUnavailable),
        ("cut", EngineDied),
        ("cut_whole", EngineDied),
        ("close", EngineDied),
        ("401", KeyRefused),
        ("403", KeyRefused),
        ("404", ModelMissing),
        ("429", LimitReached),
        ("500", EngineUnavailable),
        ("503", EngineUnavailable),
        ("301", EngineUnavailable),
        ("400", EngineUnavailable),
    ],
)
def test_each_fault_of_a_server_is_told_for_what_it_is(server: ModelServer, fault: str, kind: type[EngineError]) -> None:
    server.fault = fault
    with pytest.raises(kind) as told:
        ask(server)
    assert type(told.value) is kind
    assert "Virtanen" not in str(told.value)
    assert "sk-secret" not in str(told.value)


@pytest.mark.parametrize("fault", ["hang", "drip", "drip_headers"])
def test_a_server_that_takes_too_long_is_left_when_the_time_is_over_however_it_drips(server: ModelServer, fault: str) -> None:
    server.fault = fault
    began = time.monotonic()
    with pytest.raises(EngineTimeout):
        ask(server, seconds=0.4)
    assert time.monotonic() - began < 5


def test_a_server_whose_answer_is_no_longer_wanted_sees_the_connection_close(server: ModelServer) -> None:
    server.fault = "endless"
    with pytest.raises(EngineNonsense):
        ask(server, characters=1_000)
    assert server.gone_away.wait(10)


def test_nobody_there_is_told_with_the_address() -> None:
    server = ModelServer()
    server.stop()
    with pytest.raises(EngineUnavailable, match="Nobody answers"):
        ask(server)


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("999999", 3600.0), ("soon", LimitReached.wait_seconds), ("", LimitReached.wait_seconds)]
)
def test_when_to_come_again_is_taken_from_the_server(server: ModelServer, said: str, seconds: float) -> None:
    server.fault, server.retry_after = "429", said
    with pytest.raises(LimitReached) as told:
        ask(server)
    assert told.value.wait_seconds == seconds
    assert "insufficient_quota" in str(told.value)


def test_when_to_come_again_may_be_a_date(server: ModelServer) -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    server.fault, server.retry_after = "429", email.utils.format_datetime(then, usegmt=True)
    with pytest.raises(LimitReached) as told:
        ask(server)
    assert 60 < told.value.wait_seconds <= 90


@pytest.mark.parametrize("url", ["", "ftp://x/v1", "http://", "http://host:port/v1", "nonsense"])
def test_an_address_that_is_none_is_said_to_be_none(url: str) -> None:
    with pytest.raises(EngineUnavailable, match="No usable address"):
        endpoint_of(url, "tiny")


def test_a_key_does_not_show_when_an_endpoint_is_printed() -> None:
    assert "sk-secret" not in repr(endpoint_of("https://models.example.com/v1", "m", {"Authorization": "Bearer sk-secret"}))
