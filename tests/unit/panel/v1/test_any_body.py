"""Whatever is sent to the door, it is answered or refused in words: nothing in a body makes it stumble."""

import contextlib
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.panel.problems import Problem
from appliance.panel.v1 import body
from appliance.panel.v1.fields import TICKS
from appliance.panel.v1.raw import body_of
from appliance.panel.v1.responses import items_of
from appliance.panel.v1.schema import check, misfit
from appliance.panel.v1.turns import turns_of
from appliance.panel.v1.typed import typed

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3))
KEYWORDS = st.sampled_from(("type", "properties", "required", "items", "anyOf", "enum", "const", "$ref", "$defs", "minLength", "maximum"))
SHAPES = st.sampled_from(("object", "string", "array", "#/$defs/a", "answer", "outcome"))
SCHEMAS = st.recursive(
    LEAVES | SHAPES,
    lambda inner: st.dictionaries(KEYWORDS | st.sampled_from(("answer", "a")), inner, max_size=4) | st.lists(inner, max_size=2),
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(("user", "assistant", "system", "tool", "boss"))},
    optional={"content": st.text(max_size=9) | st.lists(st.fixed_dictionaries({"type": st.sampled_from(("text", "image_url"))})) | VALUES},
)


def refuses(work: Any) -> None:
    """Runs it. A problem is an answer too; any other error is a stumble."""
    with contextlib.suppress(Problem):
        work()


def requests(operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that are nearly right: the operation's own fields, with anything in them."""
    fields = TICKS[operation]
    names = (*fields.counted(), *fields.ignored, *fields.refused, "surprise")
    few = st.dictionaries(st.sampled_from(names), VALUES, max_size=4)
    typed_ = st.fixed_dictionaries({}, optional={"response_format": SCHEMAS, "text": st.fixed_dictionaries({"format": SCHEMAS})})
    said = st.lists(MESSAGE, max_size=3)
    return st.builds(lambda said, typed, few: {"model": "m", "messages": said, "input": said, **typed, **few}, said, typed_, few)


@settings(max_examples=150, deadline=None)
@given(requests("chat/completions tandem"))
def test_any_chat_is_understood_or_refused(wish: dict[str, Any]) -> None:
    def work() -> None:
        wish.pop("input", None)
        asked = body.read(body.mapping_of(msgspec.json.encode(wish)), (ticks := TICKS["chat/completions tandem"]), ticks.takes)
        turns_of(asked.messages, "messages")
        typed(asked.response_format, "response_format")

    refuses(work)


@settings(max_examples=150, deadline=None)
@given(requests("chat/completions tandem-raw"))
def test_any_request_for_the_bare_model_is_understood_or_refused(wish: dict[str, Any]) -> None:
    def work() -> None:
        wish.pop("input", None)
        ticks = TICKS["chat/completions tandem-raw"]
        msgspec.json.encode(body_of(body.read(wish, ticks, ticks.takes)))

    refuses(work)


@settings(max_examples=150, deadline=None)
@given(requests("responses"))
def test_any_response_is_understood_or_refused(wish: dict[str, Any]) -> None:
    def work() -> None:
        wish.pop("messages", None)
        asked = body.read(wish, (ticks := TICKS["responses"]), ticks.takes)
        turns_of(items_of(asked.input), "input")
        typed(asked.text.format, "text.format")

    refuses(work)


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, VALUES)
def test_any_schema_is_held_against_any_value_or_refused(schema: Any, value: Any) -> None:
    def work() -> None:
        check(schema, "schema")
        assert isinstance(misfit(value, schema, schema), str)

    refuses(work)
