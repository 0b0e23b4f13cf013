"""``/v1/chat/completions``: the desk as the model ``tandem``, and for who may the bare language model as ``tandem-raw``.

A stream of the desk's tells how far it is, in chunks without words, and then the checked sentences. No word leaves before all of
them were checked.
"""

from typing import Any

from appliance.ground.ids import new_id
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.problems import forbidden
from appliance.panel.v1 import body
from appliance.panel.v1.asking import Desk
from appliance.panel.v1.declared import asks
from appliance.panel.v1.failures import no_such_model, telling
from appliance.panel.v1.fields import TICKS, ChatRequest, RawChatRequest
from appliance.panel.v1.models import RAW, TANDEM
from appliance.panel.v1.raw import Raw
from appliance.panel.v1.said import Said, address_of, said, usage_of
from appliance.panel.v1.stream import DONE, Answering, Line, patiently
from appliance.panel.v1.turns import turns_of
from appliance.panel.v1.typed import Typed, typed, written
from appliance.policy import roles
from appliance.records.answer import Outcome
from appliance.records.asking import Turn

Json = dict[str, Any]


def routes(panel: Panel) -> list[Any]:
    desk, raw = Desk(panel.commands), Raw(panel.commands)

    @asks("/v1/chat/completions", action="ask", summary="Ask the desk, or the bare model, as a chat", body=ChatRequest)
    async def chat_completions(request: Call) -> Answering:
        given = body.mapping_of(await request.body())
        model = body.model_of(given)
        if model == RAW:
            if not roles.may(actor_of(request).role, "use_raw_model"):
                raise forbidden(actor_of(request).role.name.lower())
            asked = body.read(given, TICKS["chat/completions tandem-raw"], RawChatRequest)
            return raw.answering(actor_of(request), asked)
        if model != TANDEM:
            raise no_such_model(model)
        wish = body.read(given, TICKS["chat/completions tandem"], ChatRequest)
        return Answering(Chat(panel, desk, wish, base_of(request, panel)).answer)

    return [chat_completions]


def base_of(request: Call, panel: Panel) -> str:
    """The panel's own address, for links to passages."""
    return (panel.options.public_url or f"{request.scope['scheme']}://{request.headers.get('host', '')}").rstrip("/")


class Chat:
    """One chat completion of the desk's."""

    def __init__(self, panel: Panel, desk: Desk, asked: ChatRequest, base: str) -> None:
        self._panel, self._desk, self._asked, self._base = panel, desk, asked, base
        self._turns: list[Turn] = turns_of(asked.messages, "messages")
        self._typed = typed(asked.response_format, "response_format")
        self._id = new_id("chatcmpl")
        self._created = int(panel.options.clock.now())

    async def answer(self, line: Line) -> None:
        """Work it out and send it."""
        if self._asked.stream:
            await self._streamed(line)
            return
        with telling():
            outcome = await self._desk.ask(self._turns, self._asked.tandem.language)
        told = said_of(self._panel, outcome)
        content, refusal = _content(told, self._typed)
        message = {"role": "assistant", "content": content, "refusal": refusal, "annotations": annotations(told, self._base, content)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        await line.whole({**self._head("chat.completion"), "choices": [choice], "usage": usage(outcome), "tandem": told.extension})

    async def _streamed(self, line: Line) -> None:
        """Before the first byte a full line of waiting requests is still told as a status; later trouble as an event."""

        async def tell_state(state: str) -> None:
            if not line.begun:
                await line.begin()
                await line.tell(self._chunk({"role": "assistant", "content": ""}))
            await line.tell(self._chunk({}, tandem={"state": state}))

        with telling():
            outcome = await patiently(line, self._desk.ask(self._turns, self._asked.tandem.language, tell_state))
        if not line.begun:
            await tell_state("reading")
        await self._sentences(line, outcome)
        if self._asked.stream_options.include_usage:
            await line.tell({**self._head("chat.completion.chunk"), "choices": [], "usage": usage(outcome)})
        await line.pass_on(DONE)
        await line.end()

    async def _sentences(self, line: Line, outcome: Outcome) -> None:
        told = said_of(self._panel, outcome)
        content, refusal = _content(told, self._typed)
        if refusal:
            await line.tell(self._chunk({"refusal": refusal}))
        for piece in told.pieces if self._typed.plain else (content,):
            if piece:
                await line.tell(self._chunk({"content": piece}))
        notes = annotations(told, self._base, content)
        await line.tell(self._chunk({"annotations": notes} if notes else {}, finish="stop", tandem=told.extension))

    def _chunk(self, delta: Json, finish: str | None = None, **more: Any) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **more}

    def _head(self, kind: str) -> Json:
        return {"id": self._id, "object": kind, "created": self._created, "model": TANDEM, "system_fingerprint": None}


def said_of(panel: Panel, outcome: Outcome) -> Said:
    """What the outcome is in words, in the customer's language; in the company's first where that is not known."""
    served = panel.options.languages
    code = outcome.language.code if outcome.language.code in served else served[0]
    return said(outcome, panel.voice(code or "en"), panel.commands.passage)


def _content(told: Said, wish: Typed) -> tuple[str | None, str | None]:
    """The content, or why there is none."""
    if wish.plain:
        return told.text, None
    content, trouble = written(told, wish)
    return content or None, trouble or None


def annotations(told: Said, base: str, content: str | None) -> list[Json]:
    """The passages as OpenAI has them: links to their pages, with the place in the words. A typed answer has places of its own."""
    if content != told.text:
        return []
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": one.starts,
                "end_index": one.ends,
                "title": one.title or one.source,
                "url": address_of(base, one),
            },
        }
        for one in told.cited
    ]


def usage(outcome: Outcome) -> Json:
    """Tokens as the engine counts them; an engine that is no language model has none."""
    asked, cached, answered = usage_of(outcome)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
