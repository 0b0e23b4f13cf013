"""The model ``tandem-raw``: the bare language model, without the desk's checks, for administrators who want to see what it does.

Its words are nobody's answer: they rest on no passage and were checked by nobody. A stream is passed on byte by byte; an answer in one
piece is held against the schema that was asked for, since no engine here is believed to see to it.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

import msgspec

from appliance.engines.errors import EngineMissing
from appliance.engines.writer.raw import RawModel
from appliance.engines.writer.wire import Endpoint
from appliance.ground.errors import EngineError
from appliance.panel.doors.v1 import V1Door
from appliance.panel.v1.failures import telling, unsupported
from appliance.panel.v1.fields import RawChatRequest
from appliance.panel.v1.places import Places
from appliance.panel.v1.relay import Upstream, refusal_of, upstream
from appliance.panel.v1.stream import Answering, Line
from appliance.panel.v1.turns import text_of
from appliance.panel.v1.typed import must_fit, schema_in
from appliance.records.person import Actor

T = TypeVar("T")
PATH = "/chat/completions"
WAIT_SECONDS = 60.0  # for the writer of the same model, which may be at it
_AS_ASKED = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop", "presence_penalty", "frequency_penalty",
)  # fmt: skip
_INSTRUCTION = "Answer with one JSON value and nothing else. It must fit this JSON schema:\n"


class Raw:
    """The relay of one panel."""

    def __init__(self, commands: V1Door) -> None:
        self._commands = commands
        self._lines: dict[tuple[int, int], Held] = {}

    def answering(self, actor: Actor, asked: RawChatRequest) -> Answering:
        """The answer to one request, which is checked here, before anything is started for it."""
        with telling():
            model: RawModel | None = self._commands.raw_model(actor)
            if model is None:
                raise EngineMissing("No language model is configured.", 'Set writer.kind to "mlx" or "openai".')
        body = body_of(asked)
        held = self._held(model)

        async def work(line: Line) -> None:
            with telling():
                async with held.one(model) as endpoint, upstream(endpoint) as answer:
                    await answer.ask(endpoint, PATH, msgspec.json.encode({**body, "model": endpoint.model}))
                    await _pass_on(answer, asked, line)

        return Answering(work)

    def _held(self, model: RawModel) -> "Held":
        """One line for one set of limits, which change when another model is configured."""
        limits = (model.limits.at_once, model.limits.waiting)
        return self._lines.setdefault(limits, Held(*limits))


class Held:
    """A model held for as long as a request takes, so that it is not unloaded meanwhile. It may have to be loaded first."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = Places(at_once, waiting)
        self._threads = ThreadPoolExecutor(at_once, "v1-raw")

    @asynccontextmanager
    async def one(self, model: RawModel) -> AsyncIterator[Endpoint]:
        """Where it listens. An ``EngineError`` raised inside comes out as what really happened to the model's process."""
        async with self._places.one():
            turn = model.using(WAIT_SECONDS)
            endpoint = await self._entered(turn)
            try:
                yield endpoint
            except EngineError as error:
                await self._run(turn.__exit__, type(error), error, error.__traceback__)
                raise
            except BaseException:
                self._leave(turn)
                raise
            self._leave(turn)

    async def _entered(self, turn: AbstractContextManager[Endpoint]) -> Endpoint:
        """Entered in a thread. Who is cancelled while that goes on leaves as soon as it is done."""
        entering = self._threads.submit(turn.__enter__)
        try:
            return await asyncio.shield(asyncio.wrap_future(entering))
        except asyncio.CancelledError:
            entering.add_done_callback(lambda done: None if done.cancelled() or done.exception() else self._leave(turn))
            raise

    def _leave(self, turn: AbstractContextManager[Endpoint]) -> None:
        self._threads.submit(turn.__exit__, None, None, None)

    async def _run(self, function: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(function, *given))


async def _pass_on(answer: Upstream, asked: RawChatRequest, line: Line) -> None:
    if answer.status != 200:
        raise refusal_of(answer.status, await answer.body())
    if not asked.stream:
        content = await answer.body()
        must_fit(_words_of(content), asked.response_format, "response_format")
        await line.body(content, b"application/json")
        return
    await line.begin()
    async for piece in answer.pieces():
        await line.pass_on(piece)
    await line.end()


def _words_of(content: bytes) -> str:
    try:
        choices = msgspec.json.decode(content, type=dict[str, Any]).get("choices") or [{}]
        return str(choices[0].get("message", {}).get("content") or "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError, LookupError, TypeError):
        return ""


def body_of(asked: RawChatRequest) -> dict[str, Any]:
    """What the engine is sent: the fields that count and no others, for some of an engine's own open files by their names."""
    messages = []
    for number, message in enumerate(asked.messages):
        if message.role in ("tool", "function"):
            raise unsupported(f"messages[{number}].role", "Answers of tools are not taken here.")
        role = "system" if message.role == "developer" else message.role
        messages.append({"role": role, "content": text_of(message.content, f"messages[{number}]")})
    messages = _with_schema(asked, messages)
    wishes = {name: value for name in _AS_ASKED if (value := getattr(asked, name)) is not None}
    told = {"messages": messages, "stream": asked.stream, **wishes}
    if asked.stream:
        told["stream_options"] = {"include_usage": asked.stream_options.include_usage}
    return told


def _with_schema(asked: RawChatRequest, messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """A model that must answer as a schema says is told the schema; that it did is looked at afterwards."""
    wish = asked.response_format
    if wish.get("type") == "text":
        return messages
    if asked.stream:
        raise unsupported("response_format", "A typed answer of the bare model cannot be streamed: it is checked once it is whole.")
    schema: Any = {"type": "object"} if wish.get("type") == "json_object" else schema_in(wish, "response_format")[0]
    return [{"role": "system", "content": _INSTRUCTION + msgspec.json.encode(schema).decode()}, *messages]
