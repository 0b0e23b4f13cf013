"""What a model is told: the rules first, then the passages, the question last.

The first message is the same, byte for byte, for every question in a language: an engine that remembers what it has read works on it once.
Passages are numbered from 1; the customer's words stand between marks that they cannot write themselves.
"""

import re
from collections.abc import Sequence

from appliance.engines.prompts import Prompt
from appliance.engines.writer.protocol import Part, WritingRequest
from appliance.records.base import Record
from appliance.records.knowledge import Passage

TASK = "write"
PASSAGES_A_PART = 4
PASSAGES_MOST = 12
PASSAGE_CHARACTERS = 4_000
PASSAGES_CHARACTERS = 16_000
QUESTION_CHARACTERS = 4_000
SUBJECT_CHARACTERS = 300

_HEADER = re.compile(r"\A<!--.*?-->\s*", re.DOTALL)
# What chat templates of models use as marks; a passage that holds one by chance must not end the message.
_MARKS = re.compile(r"<\|[^|<>]{0,60}\|>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|</?(?:passages|question)>", re.IGNORECASE)
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Message(Record):
    """One message of a conversation with a model."""

    role: str
    content: str


class Asked(Record):
    """What a model is asked: messages, what their numbers mean, and the parts that have no passage at all.

    ``passages`` by number - 1, ``parts`` the places of the request's parts by number - 1.
    """

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...] = ()
    parts: tuple[int, ...] = ()
    without: tuple[int, ...] = ()


def system(prompt: Prompt, company: str) -> str:
    """The first message: the prompt without its header, and who the company is."""
    rules = _HEADER.sub("", prompt.text).strip()
    return f"{rules}\n\nCompany: {_one_line(company)}" if company else rules


def ask(request: WritingRequest, prompt: Prompt) -> Asked:
    """The conversation for a request. ``messages`` is empty when no part has a passage: then there is nothing to ask."""
    fitting = [_fitting(part, request) for part in request.parts]
    parts = tuple(place for place, found in enumerate(fitting) if found)
    without = tuple(place for place, found in enumerate(fitting) if not found)
    passages = _within_limits([passage for place in parts for passage in fitting[place]])
    if not passages:
        return Asked(messages=(), without=tuple(range(len(request.parts))))
    question = _question(request, parts)
    told = f"<passages>\n{_listed(passages)}\n</passages>\n\n<question>\n{question}\n</question>"
    messages = (Message(role="system", content=system(prompt, request.company)), Message(role="user", content=told))
    return Asked(messages=messages, passages=passages, parts=parts, without=without)


def _fitting(part: Part, request: WritingRequest) -> tuple[Passage, ...]:
    fit = [found.passage for found in part.found if found.score >= request.minimum and found.passage.language == request.language]
    return tuple(fit[:PASSAGES_A_PART])


def _within_limits(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Each passage once, in order, as many as a small model can read."""
    kept: list[Passage] = []
    room = PASSAGES_CHARACTERS
    for passage in {one.id: one for one in passages}.values():
        room -= min(len(passage.text), PASSAGE_CHARACTERS)
        if len(kept) == PASSAGES_MOST or (kept and room < 0):
            break
        kept.append(passage)
    return tuple(kept)


def _listed(passages: Sequence[Passage]) -> str:
    lines = []
    for number, passage in enumerate(passages, start=1):
        title = _plain(passage.title.rpartition(" › ")[2])
        lines.append(f"[{number}] {f'{title}: ' if title else ''}{_plain(passage.text)[:PASSAGE_CHARACTERS]}")
    return "\n".join(lines)


def _question(request: WritingRequest, parts: Sequence[int]) -> str:
    """The customer's words: nothing in them can look like a mark, a passage's number or the end of the question."""
    lines = [f"{number}. {customers_words(request.parts[place].text)}" for number, place in enumerate(parts, start=1)]
    subject = _one_line(customers_words(request.subject))[:SUBJECT_CHARACTERS]
    return "\n".join([f"({subject})", *lines] if subject else lines)


def customers_words(text: str) -> str:
    """A customer's text as data: without brackets of the kinds that the marks are made of, and without control characters."""
    return _one_line(text.translate(_HARMLESS))[:QUESTION_CHARACTERS]


def _plain(text: str) -> str:
    return _one_line(_MARKS.sub(lambda mark: mark[0].translate(_HARMLESS), text))


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
