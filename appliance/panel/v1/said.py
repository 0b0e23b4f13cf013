"""What the desk's outcome becomes for who asked: words that were checked, or that a person answers. Pure.

An unapproved draft goes through this door to nobody. Whoever may see drafts has the page Review, where they can be approved; a chat
client has no such button, and a draft in it could only be taken for an answer.
"""

from collections.abc import Callable, Iterator
from typing import Any

from appliance.channels.chat.replies import spoken
from appliance.desk.holds import GREETING
from appliance.panel.words import Voice
from appliance.records.answer import Decision, Draft, Outcome
from appliance.records.base import Record
from appliance.records.knowledge import Passage

PassageOf = Callable[[str], Passage | None]


class Cited(Record):
    """A passage that a stretch of the words rests on: ``starts`` and ``ends`` are places in ``Said.text``."""

    passage: str
    source: str
    title: str
    place: str
    score: float
    starts: int
    ends: int


class Said(Record):
    """The words, in pieces as they are sent, what they rest on, and our own extension."""

    pieces: tuple[str, ...]
    cited: tuple[Cited, ...]
    extension: dict[str, Any]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def said(outcome: Outcome, voice: Voice, passage_of: PassageOf) -> Said:
    """What is told of this outcome. ``voice`` speaks the customer's language."""
    if outcome.decision is Decision.SEND and outcome.draft is not None:
        pieces = tuple(_pieces(outcome.draft))
        cited = tuple(_cited(outcome.draft, "".join(pieces), passage_of))
    else:
        pieces = (voice.text("door.greeted") if outcome.reason.code == GREETING else voice.text("door.held"),)
        cited = ()
    return Said(pieces=pieces, cited=cited, extension=_extension(outcome, voice.code, cited))


def _pieces(draft: Draft) -> Iterator[str]:
    """The words as they are spoken, cut after each sentence; together they are the words, letter by letter."""
    text, start = spoken(draft), 0
    for sentence in draft.sentences:
        found = text.find(sentence.text, start)
        if found >= 0 and sentence.text:
            end = found + len(sentence.text)
            yield text[start:end]
            start = end
    if text[start:]:
        yield text[start:]


def _cited(draft: Draft, text: str, passage_of: PassageOf) -> Iterator[Cited]:
    scores, start = {citation.passage: citation for citation in draft.citations}, 0
    for sentence in draft.sentences:
        found = text.find(sentence.text, start)
        if found < 0 or not sentence.text:
            continue
        start = found + len(sentence.text)
        for name in sentence.passages:
            passage, citation = passage_of(name), scores.get(name)
            if citation is not None:
                yield Cited(
                    passage=name, source=citation.source, score=round(citation.score, 3), starts=found, ends=start,
                    title=passage.title if passage is not None else "", place=passage.place if passage is not None else "",
                )  # fmt: skip


def _extension(outcome: Outcome, language: str, cited: tuple[Cited, ...]) -> dict[str, Any]:
    """``outcome`` is ``send``, ``review``, ``route`` or ``close``; ``reason`` a code that does not change with the words."""
    citations = {one.passage: {"source": one.source, "passage": one.passage, "title": one.title, "score": one.score} for one in cited}
    return {
        "outcome": str(outcome.decision),
        "reason": outcome.reason.code,
        "language": language,
        "tier": int(outcome.tier),
        "citations": list(citations.values()),
        "checks": {check.name: {"passed": check.passed, "score": check.score} for check in outcome.checks},
    }


def usage_of(outcome: Outcome) -> tuple[int, int, int]:
    """The engine's own count of tokens that went in, of those that were not worked on again, and that came out; 0 where none worked."""
    return outcome.usage.prompt_tokens, outcome.usage.cached_tokens, outcome.usage.completion_tokens


def address_of(base: str, cited: Cited) -> str:
    """The page of the passage in the panel."""
    return f"{base}/knowledge/passage/{cited.passage}"
