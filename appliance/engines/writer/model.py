"""A writer with a language model behind it, wherever that runs. What it writes is believed as little as any other writer's."""

from appliance.engines.errors import EngineNonsense
from appliance.engines.prompts import Prompt, PromptBook
from appliance.engines.writer import wire
from appliance.engines.writer.prompt import TASK, Asked, Message, ask
from appliance.engines.writer.protocol import Refusal, Writer, WritingRequest, Written
from appliance.engines.writer.raw import RawModel
from appliance.engines.writer.structured import SCHEMA, understood
from appliance.ground.clock import Clock
from appliance.records.answer import DraftSentence, Usage
from appliance.records.base import Record

TRIES = 2
_AGAIN = "That is not of the form asked for. Answer again with the one JSON object and nothing else."


class Asking(Record):
    """How the model is asked. ``seconds`` is for one answer; a second try has as long."""

    seconds: float = 60.0
    tokens: int = 800
    temperature: float = 0.0


class ModelWriter:
    """Asks the model once, and a second time when its answer is not of the form that was asked for."""

    def __init__(self, name: str, raw: RawModel, model: str, prompts: PromptBook, asking: Asking, clock: Clock) -> None:
        """Raises ``PromptNotReleased`` when its prompts are not the released ones."""
        self.name = name
        self.version = f"1 {model}".strip()
        self.prompt = prompts.version(TASK)
        self.raw = raw
        self._prompts: dict[str, Prompt] = prompts.of(TASK)
        self._asking = asking
        self._clock = clock

    def write(self, request: WritingRequest) -> Written:
        """The draft: sentences that name the passages they were given. Raises an ``EngineError``."""
        asked = ask(request, self._prompts.get(request.language) or self._prompts["en"])
        if not asked.messages:
            return Written(refusal=Refusal(reason="unanswered_part", unanswered=asked.without))
        sentences, refusal, usage = self._answered(asked)
        if sum(len(sentence.text) for sentence in sentences) > request.longest:
            raise EngineNonsense(f"The model's answer is longer than {request.longest} characters.")
        return Written(sentences=_framed(sentences, request), refusal=refusal, usage=usage)

    def health(self) -> str:
        """What is wrong with the model; "" when nothing is known to be."""
        return self.raw.health()

    def close(self) -> None:
        """End the model's process, if it is ours."""
        self.raw.close()

    def _answered(self, asked: Asked) -> tuple[tuple[DraftSentence, ...], Refusal | None, Usage]:
        messages, usage = list(asked.messages), Usage(engine=self.name)
        for _ in range(TRIES - 1):
            reply = self._ask(messages)
            usage = _sum(usage, reply.usage)
            try:
                return *understood(reply.text, asked), usage
            except EngineNonsense:
                said = Message(role="assistant", content=reply.text[:4_000] or "-")
                messages = [*asked.messages, said, Message(role="user", content=_AGAIN)]
        reply = self._ask(messages)
        return *understood(reply.text, asked), _sum(usage, reply.usage)

    def _ask(self, messages: list[Message]) -> wire.Reply:
        asking = self._asking
        wish = wire.Wish(seconds=asking.seconds, tokens=asking.tokens, temperature=asking.temperature, schema=SCHEMA)
        with self.raw.using(asking.seconds) as endpoint:
            return wire.complete(endpoint, messages, wish, self._clock)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        engine=one.engine,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        seconds=round(one.seconds + other.seconds, 3),
    )


def _framed(sentences: tuple[DraftSentence, ...], request: WritingRequest) -> tuple[DraftSentence, ...]:
    """Each sentence once, where it was first said; courtesy around it when there is anything."""
    once = list({sentence.text.casefold(): sentence for sentence in reversed(sentences)}.values())[::-1]
    if not once:
        return ()
    greeting, closing = (DraftSentence(text=text, courtesy=True) for text in (request.courtesy.greeting, request.courtesy.closing))
    return tuple(sentence for sentence in (greeting, *once, closing) if sentence.text)


def _is_a_writer(raw: RawModel, prompts: PromptBook, clock: Clock) -> Writer:
    """For the type checker: this class is a writer."""
    return ModelWriter("mlx", raw, "", prompts, Asking(), clock)
