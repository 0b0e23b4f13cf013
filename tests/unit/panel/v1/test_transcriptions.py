"""The words of a clip, in the shapes that clients ask for."""

import json
from typing import Any

import httpx
import pytest

from appliance.panel.v1.fields import TICKS
from appliance.records.asking import EngineNames
from tests.unit.panel.conftest import Desk
from tests.unit.panel.v1.test_chat_completions import refused

HEAR = "/v1/audio/transcriptions"
CLIP = {"file": ("question.wav", b"RIFF....", "audio/wav")}


@pytest.fixture
def agent(desk: Desk) -> Any:
    with desk.client("key-of-an-agent") as client:
        yield client


def form(**more: Any) -> dict[str, Any]:
    return {"model": "twin-ear", **more}


def test_a_transcript_comes_as_json_or_as_plain_text(desk: Desk, agent: httpx.Client) -> None:
    told = agent.post(HEAR, data=form(language="en-GB", prompt="Pumps.", temperature="0"), files=CLIP).json()
    assert told == {"text": "When are you open? On Saturdays?", "usage": {"type": "duration", "seconds": 3}}
    assert desk.twin.heard_wishes == [{"name": "question.wav", "language": "en", "words": False, "quick": False}]
    answer = agent.post(HEAR, data=form(model="whisper-1", response_format="text"), files=CLIP)
    assert answer.text == "When are you open? On Saturdays?\n"
    assert answer.headers["content-type"].startswith("text/plain")


def test_captions_have_the_times_of_their_segments(agent: httpx.Client) -> None:
    srt = agent.post(HEAR, data=form(response_format="srt"), files=CLIP).text
    vtt = agent.post(HEAR, data=form(response_format="vtt"), files=CLIP).text
    assert srt.startswith("1\n00:00:00,000 --> 00:00:01,500\nWhen are you open?\n\n2\n00:00:01,500 --> 00:00:02,250\nOn Saturdays?\n")
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nWhen are you open?\n\n")


def test_verbose_json_has_segments_and_on_demand_words(desk: Desk, agent: httpx.Client) -> None:
    plain = agent.post(HEAR, data=form(response_format="verbose_json"), files=CLIP).json()
    assert [one["end"] for one in plain["segments"]] == [1.5, 2.25]
    assert plain["duration"] == 2.5
    assert "words" not in plain
    wishes = form(response_format="verbose_json", **{"timestamp_granularities[]": ["word", "segment"]})
    both = agent.post(HEAR, data=wishes, files=CLIP).json()
    assert [one["word"] for one in both["words"]] == ["When", "are", "On", "Saturdays?"]
    assert both["words"][1] == {"word": "are", "start": 0.4, "end": 0.6}
    assert len(both["segments"]) == 2
    assert desk.twin.heard_wishes[-1]["words"] is True
    words = agent.post(HEAR, data=form(response_format="verbose_json", **{"timestamp_granularities[]": "word"}), files=CLIP).json()
    assert "segments" not in words


@pytest.mark.parametrize("stream", ["true", "True", "1"])
def test_a_stream_tells_each_segment_and_then_all_of_it(agent: httpx.Client, stream: str) -> None:
    answer = agent.post(HEAR, data=form(stream=stream), files=CLIP)
    assert answer.headers["content-type"] == "text/event-stream"
    told = [json.loads(row.removeprefix("data: ")) for row in answer.text.split("\n\n") if row.startswith("data: {")]
    deltas = [one["delta"] for one in told if one["type"] == "transcript.text.delta"]
    assert "".join(deltas) == told[-1]["text"] == "When are you open? On Saturdays?"
    assert told[-1]["type"] == "transcript.text.done"
    assert agent.post(HEAR, data=form(stream="false"), files=CLIP).json()["text"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"response_format": "xml"}, "response_format"),
        ({"language": "de"}, "language"),
        ({"stream": "perhaps"}, "stream"),
        ({"stream": "true", "response_format": "srt"}, "stream"),
        ({"timestamp_granularities[]": "letter", "response_format": "verbose_json"}, "timestamp_granularities[][0]"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities[]"),
        ({"chunking_strategy": "vad"}, "chunking_strategy"),
        ({"include[]": "logprobs"}, "include[]"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(desk: Desk, agent: httpx.Client, change: dict[str, Any], param: str) -> None:
    assert refused(agent.post(HEAR, data=form(**change), files=CLIP)) == (400, param)
    assert desk.twin.heard_wishes == []


def test_a_clip_must_be_there_and_be_sound(agent: httpx.Client) -> None:
    assert refused(agent.post(HEAR, data=form(), files={"other": b"x"})) == (400, "file")
    assert refused(agent.post(HEAR, data=form(), files={"file": ("empty.wav", b"")})) == (400, "file")
    assert refused(agent.post(HEAR, data=form(), files={"file": ("a.wav", b"no sound")})) == (400, "file")
    assert refused(agent.post(HEAR, json=form())) == (400, "file")
    assert refused(agent.post(HEAR, data=form())) == (400, "file")
    assert refused(agent.post(HEAR, data={}, files=CLIP)) == (400, "model")
    assert refused(agent.post(HEAR, content=b"x", headers={"content-type": "multipart/form-data; boundary=y"}))[0] == 400
    assert refused(agent.post(HEAR, content=b"x", headers={"content-type": "multipart/form-data"}))[0] == 400


def test_a_clip_that_is_too_large_is_refused(agent: httpx.Client) -> None:
    large = {"file": ("long.wav", b"RIFF" + bytes(27 * 1024 * 1024))}
    assert refused(agent.post(HEAR, data=form(), files=large)) == (413, None)


def test_without_an_ear_it_is_said_in_words_and_nothing_is_translated(desk: Desk, agent: httpx.Client) -> None:
    assert refused(agent.post("/v1/audio/translations", data=form(), files=CLIP))[0] == 400
    desk.twin.engines_known = EngineNames()
    assert refused(agent.post(HEAR, data=form(), files=CLIP))[0] == 503


def test_every_field_of_the_tick_list_does_what_the_list_says(agent: httpx.Client) -> None:
    ticks = TICKS["audio/transcriptions"]
    assert agent.post(HEAR, data=form(**dict.fromkeys(ticks.ignored, "x")), files=CLIP).status_code == 200
    for field, harmless in ticks.refused.items():
        assert refused(agent.post(HEAR, data=form(**{field: "asks"}), files=CLIP)) == (400, field)
        for value in harmless:
            assert agent.post(HEAR, data=form(**{field: value}), files=CLIP).status_code == 200
