"""The bare model behind the door: passed on as it comes, limited, cut off when nobody listens, and checked when it is whole."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from appliance.engines.writer.raw import RawLimits, RemoteModel
from appliance.panel.v1.fields import TICKS
from tests.support.home import wait_for
from tests.support.token_engine import TokenEngine, token_engine
from tests.unit.panel.conftest import Desk
from tests.unit.panel.v1.test_chat_completions import refused

ASK = "/v1/chat/completions"


@pytest.fixture(scope="module")
def quick() -> Iterator[TokenEngine]:
    with token_engine() as engine:
        yield engine


@pytest.fixture
def slow() -> Iterator[TokenEngine]:
    """Two tokens a second: as good as endless for a test that breaks off."""
    with token_engine(0.5) as engine:
        yield engine


@pytest.fixture
def admin(desk: Desk) -> Iterator[httpx.Client]:
    with desk.client("key-of-an-admin") as client:
        yield client


def wish(words: Any = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": "tandem-raw", "messages": [{"role": "user", "content": words}], **more}


def test_a_stream_comes_through_byte_by_byte(desk: Desk, admin: httpx.Client, quick: TokenEngine) -> None:
    desk.twin.raw = quick.model()
    told = wish(stream=True, max_tokens=300, stream_options={"include_usage": True})
    ours = admin.post(ASK, json=told)
    with httpx.Client(trust_env=False) as straight:
        theirs = straight.post(f"{quick.url}/chat/completions", json=told)
    assert ours.content == theirs.content
    assert ours.text.count('"word ') == 300
    assert ours.headers["content-type"] == "text/event-stream"


def test_the_engine_is_sent_what_counts_and_nothing_else(desk: Desk, admin: httpx.Client, quick: TokenEngine) -> None:
    desk.twin.raw = quick.model()
    given = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["x"], "presence_penalty": 0.1, "frequency_penalty": 0.2}
    ignored = dict.fromkeys(TICKS["chat/completions tandem-raw"].ignored, "x")
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    answer = admin.post(ASK, json={**wish(), **given, **ignored, "messages": messages, "max_completion_tokens": 9}).json()
    asked = answer["asked"]
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert {name: asked[name] for name in given} == given
    assert set(asked) == {"model", "messages", "stream", "max_completion_tokens", *given}
    assert asked["model"] == "one-word"


@pytest.mark.parametrize("field", ["adapters", "draft_model", "role_mapping", "chat_template_kwargs"])
def test_a_field_by_which_an_engine_opens_files_goes_no_further(desk: Desk, admin: httpx.Client, quick: TokenEngine, field: str) -> None:
    desk.twin.raw = quick.model()
    assert refused(admin.post(ASK, json=wish(**{field: "/etc"}))) == (400, field)


def test_the_tick_list_holds_for_the_bare_model_too(desk: Desk, admin: httpx.Client, quick: TokenEngine) -> None:
    desk.twin.raw = quick.model()
    for field, harmless in TICKS["chat/completions tandem-raw"].refused.items():
        assert refused(admin.post(ASK, json=wish(**{field: {"asks": 1}}))) == (400, field)
        for value in harmless:
            assert admin.post(ASK, json=wish(**{field: value})).status_code == 200
    for field, value in (("temperature", 3), ("max_tokens", 0), ("seed", -1), ("top_p", 0), ("stop", ["a"] * 5)):
        assert refused(admin.post(ASK, json=wish(**{field: value}))) == (400, field)


def test_who_leaves_ends_the_engine_s_work_at_once(desk: Desk, admin: httpx.Client, slow: TokenEngine) -> None:
    desk.twin.raw = slow.model()
    with admin.stream("POST", ASK, json=wish(stream=True)) as answer:
        lines = answer.iter_lines()
        next(lines)
        slow.wait_until(open=1)
    slow.wait_until(open=0, broken_off=1)


def test_more_than_may_wait_are_told_when_to_come_again(desk: Desk, slow: TokenEngine) -> None:
    desk.twin.raw = slow.model(at_once=1, waiting=0)
    with desk.client("key-of-an-admin") as first, desk.client("key-of-an-admin") as second:
        with first.stream("POST", ASK, json=wish(stream=True)) as answer:
            lines = answer.iter_lines()
            next(lines)
            told = second.post(ASK, json=wish())
            assert refused(told) == (429, None)
            assert int(told.headers["retry-after"]) > 0
            assert told.json()["error"]["type"] == "rate_limit_error"
        wait_for(lambda: second.post(ASK, json=wish()).status_code == 200)


def test_an_engine_that_dies_in_a_stream_is_an_error_event(desk: Desk, admin: httpx.Client, slow: TokenEngine) -> None:
    desk.twin.raw = slow.model()
    with admin.stream("POST", ASK, json=wish(stream=True)) as answer:
        lines = answer.iter_lines()
        next(lines)
        slow.child.kill()
        rest = [line for line in lines if line]
    assert json.loads(rest[-1].removeprefix("data: "))["error"]["type"] == "server_error"
    assert "[DONE]" not in rest[-1]


def test_an_engine_that_is_not_there_is_told_in_words(desk: Desk, admin: httpx.Client) -> None:
    assert refused(admin.post(ASK, json=wish())) == (503, None)
    desk.twin.raw = RemoteModel("http://127.0.0.1:9/v1", "gone", RawLimits())
    for stream in (False, True):
        assert refused(admin.post(ASK, json=wish(stream=stream))) == (503, None)
    desk.twin.raw = RemoteModel("", "unset", RawLimits())
    assert refused(admin.post(ASK, json=wish()))[0] == 503


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TYPED = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("words", "format_", "status"),
    [
        ('{"city": "Turku"}', TYPED, 200),
        ('{"city": 7}', TYPED, 502),
        ('{"town": "Turku"}', TYPED, 502),
        ("Turku", TYPED, 502),
        ('{"any": "thing"}', {"type": "json_object"}, 200),
        ("[]", {"type": "json_object"}, 502),
        ("anything", {"type": "text"}, 200),
    ],
)
def test_a_whole_answer_is_held_against_what_was_asked_for(
    desk: Desk, admin: httpx.Client, quick: TokenEngine, words: str, format_: Any, status: int
) -> None:
    desk.twin.raw = quick.model()
    answer = admin.post(ASK, json=wish(words, response_format=format_))
    assert answer.status_code == status, answer.text
    if status == 200 and format_ is TYPED:
        assert answer.json()["asked"]["messages"][0]["role"] == "system"


def test_a_typed_answer_is_not_streamed_because_nobody_could_check_it(desk: Desk, admin: httpx.Client, quick: TokenEngine) -> None:
    desk.twin.raw = quick.model()
    assert refused(admin.post(ASK, json=wish(stream=True, response_format=TYPED))) == (400, "response_format")
