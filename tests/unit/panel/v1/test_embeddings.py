"""Texts as vectors, in the shapes that clients ask for."""

import base64
import struct
from typing import Any

import pytest

from appliance.panel.v1.fields import TICKS
from appliance.records.asking import EngineNames
from tests.unit.panel.conftest import Desk
from tests.unit.panel.v1.test_chat_completions import refused

EMBED = "/v1/embeddings"


def wish(**more: Any) -> dict[str, Any]:
    return {"model": "twin-embed", "input": ["one", "three"], **more}


def test_vectors_come_as_numbers_or_packed_as_clients_ask_by_themselves(desk: Desk) -> None:
    with desk.client("key-of-a-viewer") as client:
        plain = client.post(EMBED, json=wish()).json()
        none = client.post(EMBED, json=wish(encoding_format=None, dimensions=3)).json()
        packed = client.post(EMBED, json=wish(encoding_format="base64")).json()
        alone = client.post(EMBED, json=wish(input="one")).json()
    assert [row["embedding"] for row in plain["data"]] == [[3.0, 0.5, -1.0], [5.0, 0.5, -1.0]]
    assert plain == none
    assert plain["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    assert [row["index"] for row in plain["data"]] == [0, 1]
    assert struct.unpack("<3f", base64.b64decode(packed["data"][1]["embedding"])) == (5.0, 0.5, -1.0)
    assert len(alone["data"]) == 1


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["fine", " "]}, "input[1]"),
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": {"text": "x"}}, "input"),
        ({"input": ["x"] * 600}, "input"),
        ({"input": "x" * 40_000}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 2}, "dimensions"),
        ({"surprise": 1}, "surprise"),
        ({"input": None}, "input"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(desk: Desk, change: dict[str, Any], param: str) -> None:
    with desk.client("key-of-a-viewer") as client:
        assert refused(client.post(EMBED, json=wish(**change))) == (400, param)


def test_another_model_is_not_taken_for_the_embedder(desk: Desk) -> None:
    with desk.client("key-of-a-viewer") as client:
        for model in ("tandem", "text-embedding-3-small"):
            assert refused(client.post(EMBED, json=wish(model=model))) == (404, "model")
        desk.twin.engines_known = EngineNames()
        answer = client.post(EMBED, json=wish())
        assert refused(answer)[0] == 503
        assert answer.headers["x-should-retry"] == "false"
        assert "api-clients" in answer.text


def test_every_field_of_the_tick_list_does_what_the_list_says(desk: Desk) -> None:
    ticks = TICKS["embeddings"]
    with desk.client("key-of-a-viewer") as client:
        assert client.post(EMBED, json=wish(**dict.fromkeys(ticks.ignored, "x"))).status_code == 200
    assert set(ticks.counted()) == {"model", "input", "encoding_format", "dimensions"}
