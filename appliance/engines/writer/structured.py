"""A model's answer, taken apart and checked by us: servers accept a wish for a schema and do not enforce it.

It must be one JSON object with sentences that each name passages which were given, or with the numbers of the questions that no passage
answers. A fence of code or a word before and after it is borne; anything else is no answer.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.engines.errors import EngineNonsense
from appliance.engines.writer.prompt import Asked
from appliance.engines.writer.protocol import Refusal
from appliance.records.answer import DraftSentence
from appliance.records.base import Record

SENTENCES_MOST = 40
SENTENCE_CHARACTERS = 2_000
_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_DEPTH_MOST = 20

Number = Annotated[int, Meta(ge=1, le=1_000)]


class Sentence(Record):
    """One sentence and the numbers of the passages it rests on."""

    text: Annotated[str, Meta(min_length=1, max_length=SENTENCE_CHARACTERS)]
    passages: Annotated[tuple[Number, ...], Meta(min_length=1, max_length=20)]


class Answer(Record):
    """What a model must give: sentences, or the numbers of the questions without an answer, or both."""

    sentences: Annotated[tuple[Sentence, ...], Meta(max_length=SENTENCES_MOST)] = ()
    unanswered: Annotated[tuple[Number, ...], Meta(max_length=50)] = ()


_answers = msgspec.json.Decoder(Answer)

# For servers that do heed it; what comes back is checked all the same.
SCHEMA = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "passages": {"type": "array", "items": {"type": "integer"}}},
                "required": ["text", "passages"],
                "additionalProperties": False,
            },
        },
        "unanswered": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["sentences", "unanswered"],
    "additionalProperties": False,
}


def understood(text: str, asked: Asked) -> tuple[tuple[DraftSentence, ...], Refusal | None]:
    """The draft's sentences and the refusal of what stays unanswered. Raises ``EngineNonsense``, without the model's words."""
    answer = _decoded(text)
    if not answer.sentences and not answer.unanswered:
        raise _nonsense("it has neither sentences nor unanswered questions")
    if any(number > len(asked.passages) for sentence in answer.sentences for number in sentence.passages):
        raise _nonsense("it names a passage that was not given")
    if any(number > len(asked.parts) for number in answer.unanswered):
        raise _nonsense("it names a question that was not asked")
    sentences = tuple(_sentence(sentence, asked) for sentence in answer.sentences)
    unanswered = tuple(sorted({*asked.without, *(asked.parts[number - 1] for number in answer.unanswered)}))
    return sentences, Refusal(reason="unanswered_part", unanswered=unanswered) if unanswered else None


def _sentence(sentence: Sentence, asked: Asked) -> DraftSentence:
    ids = dict.fromkeys(asked.passages[number - 1].id for number in sentence.passages)
    text = " ".join(sentence.text.split())
    if not text:
        raise _nonsense("a sentence is empty")
    return DraftSentence(text=text, passages=tuple(ids))


def _decoded(text: str) -> Answer:
    found = json_object(_THINKING.sub("", text))
    if not found:
        raise _nonsense("there is no JSON object in it")
    try:
        return _answers.decode(found)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise _nonsense("it is not of the form that was asked for") from error


def json_object(text: str) -> str:
    """The first whole JSON object in a text, whatever stands around it; "" when there is none."""
    start = text.find("{")
    if start < 0:
        return ""
    depth, quoted, escaped = 0, False, False
    for place in range(start, len(text)):
        letter = text[place]
        if quoted:
            quoted, escaped = (escaped or letter != '"'), (letter == "\\" and not escaped)
        elif letter == '"':
            quoted = True
        elif letter in "{[":
            depth += 1
            if depth > _DEPTH_MOST:
                return ""
        elif letter in "}]":
            depth -= 1
            if depth == 0:
                return text[start : place + 1]
    return ""


def _nonsense(why: str) -> EngineNonsense:
    return EngineNonsense(f"The model's answer cannot be used: {why}.", "Try another model; small ones often cannot keep to a form.")
