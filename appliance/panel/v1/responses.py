"""``/v1/responses``: the desk in the newer of OpenAI's two shapes. The simple part of it: one question, one answer, nothing kept."""

from typing import Any

from appliance.ground.ids import new_id
from appliance.panel.frame import Call, Panel
from appliance.panel.problems import Problem
from appliance.panel.v1 import body
from appliance.panel.v1.asking import Desk
from appliance.panel.v1.chat import base_of, said_of
from appliance.panel.v1.declared import asks
from appliance.panel.v1.failures import no_such_model, telling, unsupported
from appliance.panel.v1.fields import TICKS, ResponseItem, ResponseRequest
from appliance.panel.v1.models import RAW, TANDEM
from appliance.panel.v1.said import Said, address_of, usage_of
from appliance.panel.v1.stream import Answering, Line, patiently
from appliance.panel.v1.turns import turns_of
from appliance.panel.v1.typed import typed, written
from appliance.records.answer import Outcome

Json = dict[str, Any]


def routes(panel: Panel) -> list[Any]:
    desk = Desk(panel.commands)

    @asks("/v1/responses", action="ask", summary="Ask the desk", body=ResponseRequest)
    async def responses(request: Call) -> Answering:
        given = body.mapping_of(await request.body())
        model = body.model_of(given)
        if model != TANDEM:
            raise _elsewhere() if model == RAW else no_such_model(model)
        wish = body.read(given, TICKS["responses"], ResponseRequest)
        return Answering(Answer(panel, desk, wish, base_of(request, panel)).answer)

    return [responses]


def _elsewhere() -> Problem:
    return unsupported("model", "The bare model is at /v1/chat/completions alone.", "Ask there.")


def items_of(given: str | list[ResponseItem]) -> list[ResponseItem]:
    """The input as messages. Raises a problem for what is none."""
    items = [ResponseItem(content=given)] if isinstance(given, str) else given
    for number, item in enumerate(items):
        if item.type != "message":
            raise unsupported(f"input[{number}].type", f"An item of the type {item.type!r} is not taken here.", "Send messages.")
    return items


class Answer:
    """One response."""

    def __init__(self, panel: Panel, desk: Desk, asked: ResponseRequest, base: str) -> None:
        self._panel, self._desk, self._asked, self._base = panel, desk, asked, base
        self._turns = turns_of(items_of(asked.input), "input")
        self._typed = typed(asked.text.format, "text.format")
        self._id, self._item = new_id("resp"), new_id("msg")
        self._created = int(panel.options.clock.now())
        self._number = 0

    async def answer(self, line: Line) -> None:
        if self._asked.stream:
            await self._streamed(line)
            return
        with telling():
            outcome = await self._desk.ask(self._turns, self._asked.tandem.language)
        told = said_of(self._panel, outcome)
        await line.whole(self._response("completed", [self._message(self._parts(told))], outcome, told))

    async def _streamed(self, line: Line) -> None:
        async def tell_state(state: str) -> None:
            if not line.begun:
                await line.begin()
                await self._tell(line, "response.created", response=self._response("in_progress", []))
            await self._tell(line, "response.in_progress", response=self._response("in_progress", []), tandem={"state": state})

        with telling():
            outcome = await patiently(line, self._desk.ask(self._turns, self._asked.tandem.language, tell_state))
        if not line.begun:
            await tell_state("reading")
        told = said_of(self._panel, outcome)
        (part,) = self._parts(told)
        await self._part_by_part(line, told, part)
        message = self._message([part])
        await self._tell(line, "response.output_item.done", output_index=0, item=message)
        await self._tell(line, "response.completed", response=self._response("completed", [message], outcome, told))
        await line.end()

    async def _part_by_part(self, line: Line, told: Said, part: Json) -> None:
        """The message's one part: opened, its checked sentences, closed."""
        kind = part["type"]
        empty = {**part, **({"text": "", "annotations": []} if kind == "output_text" else {"refusal": ""})}
        here = {"item_id": self._item, "output_index": 0, "content_index": 0}
        await self._tell(line, "response.output_item.added", output_index=0, item={**self._message([]), "status": "in_progress"})
        await self._tell(line, "response.content_part.added", **here, part=empty)
        if kind == "refusal":
            await self._tell(line, "response.refusal.delta", **here, delta=part["refusal"])
            await self._tell(line, "response.refusal.done", **here, refusal=part["refusal"])
        else:
            for piece in told.pieces if self._typed.plain else (part["text"],):
                await self._tell(line, "response.output_text.delta", **here, delta=piece, logprobs=[])
            for number, note in enumerate(part["annotations"]):
                await self._tell(line, "response.output_text.annotation.added", **here, annotation_index=number, annotation=note)
            await self._tell(line, "response.output_text.done", **here, text=part["text"], logprobs=[])
        await self._tell(line, "response.content_part.done", **here, part=part)

    async def _tell(self, line: Line, kind: str, **more: Any) -> None:
        await line.tell({"type": kind, "sequence_number": self._number, **more}, kind)
        self._number += 1

    def _parts(self, told: Said) -> list[Json]:
        text, trouble = (told.text, "") if self._typed.plain else written(told, self._typed)
        if trouble:
            return [{"type": "refusal", "refusal": trouble}]
        notes = [
            {"type": "url_citation", "start_index": one.starts, "end_index": one.ends, "title": one.title or one.source,
             "url": address_of(self._base, one)}
            for one in told.cited if self._typed.plain
        ]  # fmt: skip
        return [{"type": "output_text", "text": text, "annotations": notes, "logprobs": []}]

    def _message(self, parts: list[Json]) -> Json:
        return {"type": "message", "id": self._item, "role": "assistant", "status": "completed", "content": parts}

    def _response(self, status: str, output: list[Json], outcome: Outcome | None = None, told: Said | None = None) -> Json:
        """The whole object, with every key that typed clients look for."""
        return {
            "id": self._id, "object": "response", "created_at": self._created, "status": status, "model": TANDEM, "output": output,
            "error": None, "incomplete_details": None, "instructions": None, "metadata": self._asked.metadata,
            "parallel_tool_calls": False, "tool_choice": "none", "tools": [], "temperature": None, "top_p": None, "store": False,
            "max_output_tokens": None, "previous_response_id": None, "text": {"format": self._asked.text.format},
            "usage": _usage(outcome) if outcome is not None else None, **({"tandem": told.extension} if told is not None else {}),
        }  # fmt: skip


def _usage(outcome: Outcome) -> Json:
    asked, cached, answered = usage_of(outcome)
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + answered,
    }
