"""The desk in the newer shape: one question, one answer, nothing kept."""

import json
from typing import Any

import httpx
import pytest

from appliance.panel.v1.fields import TICKS
from tests.support.twin_v1 import HELD_DRAFT, OPEN
from tests.unit.panel.conftest import Desk
from tests.unit.panel.v1.test_chat_completions import refused

RESPOND = "/v1/responses"


@pytest.fixture
def viewer(desk: Desk) -> Any:
    with desk.client("key-of-a-viewer") as client:
        yield client


def wish(**more: Any) -> dict[str, Any]:
    return {"model": "tandem", "input": "When are you open?", **more}


def test_a_response_is_one_message_with_its_passages(viewer: httpx.Client) -> None:
    told = viewer.post(RESPOND, json=wish(metadata={"a": "b"})).json()
    (message,) = told["output"]
    (part,) = message["content"]
    assert part["text"] == f"{OPEN} You can return a pump in 30 days."
    assert part["annotations"][0]["url"].endswith("/knowledge/passage/p3")
    assert (told["status"], told["store"], told["metadata"]) == ("completed", False, {"a": "b"})
    assert told["usage"]["total_tokens"] == 52
    assert told["tandem"]["outcome"] == "send"


def test_a_stream_numbers_its_events_and_ends_with_the_whole(viewer: httpx.Client) -> None:
    answer = viewer.post(RESPOND, json=wish(stream=True))
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    told = [json.loads(block[1].removeprefix("data: ")) for block in blocks]
    assert [block[0] for block in blocks] == [f"event: {one['type']}" for one in told]
    assert [one["sequence_number"] for one in told] == list(range(len(told)))
    deltas = [one["delta"] for one in told if one["type"] == "response.output_text.delta"]
    assert deltas == [OPEN, " You can return a pump in 30 days."]
    assert told[0]["type"] == "response.created"
    assert told[-1]["response"]["output"][0]["content"][0]["text"] == "".join(deltas)


@pytest.mark.parametrize("stream", [False, True])
def test_an_unapproved_draft_goes_to_nobody(viewer: httpx.Client, stream: bool) -> None:
    answer = viewer.post(RESPOND, json=wish(input=[{"role": "user", "content": "refund"}], stream=stream))
    assert HELD_DRAFT not in answer.text
    assert "Please contact our customer service." in answer.text


def test_a_typed_response_is_its_schema_s(viewer: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}, "language": {"type": "string"}}, "required": ["answer"]}
    format_ = {"type": "json_schema", "name": "answer", "schema": schema}
    told = viewer.post(RESPOND, json=wish(text={"format": format_})).json()
    assert json.loads(told["output"][0]["content"][0]["text"])["language"] == "en"
    never = {"type": "json_schema", "name": "x", "schema": {"type": "object", "properties": {"outcome": {"const": "route"}}}}
    for stream in (False, True):
        answer = viewer.post(RESPOND, json=wish(text={"format": never}, stream=stream))
        assert '"type":"refusal"' in answer.text


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [{"type": "function_call_output", "output": "1"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"input": 7}, "input"),
        ({"model": "tandem-raw"}, "model"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(viewer: httpx.Client, change: dict[str, Any], param: str) -> None:
    assert refused(viewer.post(RESPOND, json=wish(**change))) == (400, param)


def test_every_field_of_the_tick_list_does_what_the_list_says(viewer: httpx.Client) -> None:
    ticks = TICKS["responses"]
    for field, harmless in ticks.refused.items():
        assert refused(viewer.post(RESPOND, json=wish(**{field: {"asks": 1}}))) == (400, field)
        for value in (None, *harmless):
            assert viewer.post(RESPOND, json=wish(**{field: value})).status_code == 200, field
    assert viewer.post(RESPOND, json=wish(**dict.fromkeys(ticks.ignored, 1))).status_code == 200
