"""Real clients at the door: openai, llm and litellm, offline, against a node with knowledge of its own and a language model."""

import asyncio
import base64
import io
import json
import math
import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from appliance.engines.shelf import Shelf
from appliance.engines.supervision import ChildLimits
from appliance.engines.writer.raw import MlxModel
from appliance.ground.clock import SystemClock
from appliance.panel.app import build_app
from appliance.panel.door import PanelOptions
from appliance.panel.front import PanelServer
from appliance.records.person import Actor, Role
from tests.support.home import make_home, open_node
from tests.support.token_engine import TokenEngine, token_engine

MODEL = Path(__file__).parents[1] / "data" / "models" / "writer"
OPEN = "Our opening hours are Monday to Friday 9-17."
ASKED: Any = [{"role": "user", "content": "What are your opening hours?"}]
UNKNOWN: Any = [{"role": "user", "content": "Do you repair helicopters on Mars?"}]
SETTINGS = '[voice]\nenabled = true\nmock = true\n[embedder]\nkind = "stub"\n'


@dataclass
class Door:
    """The door of a running panel, and keys to it."""

    address: str
    admin: str
    viewer: str
    node: Any

    def client(self, key: str = "", **more: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.address, api_key=key or self.admin, max_retries=0, **more)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home = make_home(tmp_path_factory.mktemp("door") / "home")
    settings = home / "tandem.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    node, server = open_node(home), PanelServer()
    owner = Actor(name="owner", role=Role.ADMIN)
    keys = [node.commands.issue_key(owner, name, int(role))["secret"] for name, role in (("a", Role.ADMIN), ("v", Role.VIEWER))]
    node.engines.lent.writer.raw = MlxModel(str(MODEL), Shelf(home / "models"), ChildLimits(), 2, SystemClock())  # type: ignore[attr-defined]
    server.start("127.0.0.1", 0)
    server.attach(build_app(node.commands, PanelOptions(port=server.port, company="Test Pumps", languages=node.settings.company.languages)))
    try:
        yield Door(f"http://127.0.0.1:{server.port}/v1", keys[0], keys[1], node)
    finally:
        server.stop(2.0)
        node.engines.raw.close()
        node.close()


@pytest.fixture
def client(door: Door) -> openai.OpenAI:
    return door.client()


def a_clip() -> bytes:
    """A second of a tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as clip:
        clip.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        clip.writeframes(b"".join(int(9000 * math.sin(n / 9)).to_bytes(2, "little", signed=True) for n in range(16_000)))
    return file.getvalue()


def test_openai_lists_the_models_and_gets_an_answer_with_its_source(client: openai.OpenAI) -> None:
    assert {"tandem", "tandem-raw", "stub"} <= {model.id for model in client.models.list()}
    answer = client.chat.completions.create(model="tandem", messages=ASKED, temperature=0, max_tokens=50)
    message = answer.choices[0].message
    assert message.content == OPEN
    assert message.annotations is not None
    assert message.annotations[0].url_citation.title == "Opening hours"
    assert answer.model_extra is not None
    assert answer.model_extra["tandem"]["citations"][0]["source"] == "en.md"
    assert answer.usage is not None


def test_openai_streams_states_and_then_the_sentences(client: openai.OpenAI) -> None:
    states, words = [], []
    stream = client.chat.completions.create(model="tandem", messages=ASKED, stream=True, stream_options={"include_usage": True})
    for chunk in stream:
        states += [chunk.tandem["state"]] if "state" in (chunk.model_extra or {}).get("tandem", {}) else []  # type: ignore[attr-defined]
        words += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    assert states == ["reading", "searching", "writing", "checking"]
    assert words == [OPEN]
    assert chunk.usage is not None


def test_openai_s_own_collector_of_streams_understands_ours(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="tandem", messages=ASKED) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content == OPEN


def test_a_question_that_nobody_can_answer_from_the_knowledge_goes_to_a_person(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tandem", messages=UNKNOWN, extra_body={"tandem": {"language": "sv"}})
    assert answer.choices[0].message.content == "Den här frågan besvaras av vår personal. Kontakta vår kundtjänst."
    assert (answer.model_extra or {})["tandem"]["outcome"] == "review"


def test_a_closed_lever_holds_what_is_asked_at_the_door_too(door: Door, client: openai.OpenAI) -> None:
    owner = Actor(name="owner", role=Role.ADMIN)
    door.node.commands.set_switch(owner, "safe_mode", True)
    try:
        answer = client.chat.completions.create(model="tandem", messages=ASKED)
    finally:
        door.node.commands.set_switch(owner, "safe_mode", False)
    assert OPEN not in (answer.choices[0].message.content or "")
    assert (answer.model_extra or {})["tandem"]["reason"] == "safe_mode"


class Answer(BaseModel):
    """What the test asks to be answered with."""

    answer: str
    outcome: Literal["send", "review", "route", "close"]
    language: str | None


def test_openai_parses_a_typed_answer(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(model="tandem", messages=ASKED, response_format=Answer).choices[0].message.parsed
    assert parsed == Answer(answer=OPEN, outcome="send", language="en")
    response = client.responses.parse(model="tandem", input="What are your opening hours?", text_format=Answer)
    assert response.output_parsed == parsed


def test_openai_s_responses_come_whole_and_streamed(client: openai.OpenAI) -> None:
    assert client.responses.create(model="tandem", input=ASKED).output_text == OPEN
    with client.responses.stream(model="tandem", input="What are your opening hours?") as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_response().output_text == OPEN
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


def test_openai_raises_what_is_refused_with_the_field(door: Door, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(model="tandem", messages=ASKED, tools=[{"type": "function", "function": {"name": "x"}}])
    assert told.value.param == "tools"
    with pytest.raises(openai.AuthenticationError):
        door.client("wrong").models.list()
    with pytest.raises(openai.PermissionDeniedError):
        door.client(door.viewer).chat.completions.create(model="tandem-raw", messages=ASKED)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_openai_gets_the_bare_model_s_tokens_with_their_count(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="tandem-raw", messages=ASKED, max_tokens=8, temperature=0)
    assert whole.usage is not None
    assert 0 < whole.usage.completion_tokens <= 8
    usage = [
        chunk.usage
        for chunk in client.chat.completions.create(
            model="tandem-raw", messages=ASKED, max_tokens=8, temperature=0, stream=True, stream_options={"include_usage": True}
        )
        if chunk.usage
    ]
    assert usage[-1].completion_tokens == whole.usage.completion_tokens


@pytest.fixture
def endless(door: Door) -> Iterator[TokenEngine]:
    """A model that says a word a second, in place of the real one."""
    writer = door.node.engines.lent.writer
    before = writer.raw
    with token_engine(1.0) as engine:
        writer.raw = engine.model()
        yield engine
    writer.raw = before


def test_an_async_client_that_gives_up_ends_the_model_s_work(door: Door, endless: TokenEngine) -> None:
    async def ask_and_give_up() -> None:
        async with openai.AsyncOpenAI(base_url=door.address, api_key=door.admin, max_retries=0) as client:
            stream = await client.chat.completions.create(model="tandem-raw", messages=ASKED, stream=True)
            async for _ in stream:
                break
            task = asyncio.ensure_future(anext(aiter(stream)))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(ask_and_give_up())
    endless.wait_until(broken_off=1, open=0)


def test_openai_unpacks_the_vectors_it_asks_for_by_itself(client: openai.OpenAI) -> None:
    packed = client.embeddings.create(model="stub", input=["opening hours", "opening hours", "a pump"])
    plain = client.embeddings.create(model="stub", input="opening hours", encoding_format="float")
    assert packed.data[0].embedding == packed.data[1].embedding != packed.data[2].embedding
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_openai_gets_a_transcript_in_each_shape(client: openai.OpenAI) -> None:
    clip = ("question.wav", a_clip())
    said = "QA transcript: mock worker output."
    assert client.audio.transcriptions.create(model="whisper-1", file=clip).text == said
    assert client.audio.transcriptions.create(model="whisper-1", file=clip, response_format="text").strip() == said
    assert "-->" in client.audio.transcriptions.create(model="whisper-1", file=clip, response_format="srt")
    verbose = client.audio.transcriptions.create(
        model="whisper-1", file=clip, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert verbose.text == said
    assert verbose.segments
    assert verbose.words is not None
    events = list(client.audio.transcriptions.create(model="whisper-1", file=clip, stream=True))
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == said


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_llm_asks_from_the_command_line_with_and_without_a_stream(door: Door, tmp_path: Path) -> None:
    models = f"- {{model_id: desk, model_name: tandem, api_base: '{door.address}', api_key_name: tandem, supports_schema: true}}\n"
    (tmp_path / "extra-openai-models.yaml").write_text(models, encoding="utf-8")
    (tmp_path / "keys.json").write_text(json.dumps({"tandem": door.viewer}), encoding="utf-8")
    told = {"LLM_USER_PATH": str(tmp_path)}
    for flags in ((), ("--no-stream",)):
        assert run("-m", "llm", "-m", "desk", *flags, "What are your opening hours?", **told).strip() == OPEN
    typed = run("-m", "llm", "-m", "desk", "--schema", "answer, outcome", "What are your opening hours?", **told)
    assert json.loads(typed) == {"answer": OPEN, "outcome": "send"}
    logged = json.loads(run("-m", "llm", "logs", "--json", **told))
    assert len(logged) == 3


_LITELLM = """
import json, sys, litellm
base, key, clip = sys.argv[1:]
to = {"api_base": base, "api_key": key}
asked = [{"role": "user", "content": "What are your opening hours?"}]
whole = litellm.completion(model="openai/tandem", messages=asked, **to)
stream = litellm.completion(model="openai/tandem", messages=asked, stream=True, stream_options={"include_usage": True}, **to)
pieces = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
vectors = litellm.embedding(model="openai/stub", input=["a pump"], **to)
with open(clip, "rb") as file:
    heard = litellm.transcription(model="openai/whisper-1", file=file, **to)
try:
    litellm.completion(model="openai/tandem", messages=asked, n=2, **to)
    refused = ""
except litellm.BadRequestError as error:
    refused = str(error)
print(json.dumps([whole.choices[0].message.content, "".join(pieces), len(vectors.data[0]["embedding"]), heard.text, refused]))
"""


def test_litellm_asks_streams_embeds_and_transcribes(door: Door, tmp_path: Path) -> None:
    clip = tmp_path / "question.wav"
    clip.write_bytes(a_clip())
    said = run("-c", _LITELLM, door.address, door.admin, str(clip), LITELLM_LOCAL_MODEL_COST_MAP="True")
    whole, streamed, dimensions, heard, refused = json.loads(said.splitlines()[-1])
    assert whole == streamed == OPEN
    assert dimensions == 256
    assert heard == "QA transcript: mock worker output."
    assert "The field n" in refused


def test_vectors_packed_in_base64_are_little_floats(door: Door) -> None:
    raw = door.client().embeddings.with_raw_response.create(model="stub", input="a pump")
    packed = json.loads(raw.content)["data"][0]["embedding"]
    assert len(base64.b64decode(packed)) == 4 * 256
