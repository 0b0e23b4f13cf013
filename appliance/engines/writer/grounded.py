"""The writer without a model: it copies the company's own sentences and says where they stand.

For each thing asked, in the order it was asked, it takes the best passage, and of a long passage the sentences that speak of
what was asked together with those that bind them ("only", "not", "if"). A bare value (``Mon-Fri 9-17``) becomes a sentence with
its title before it. Nothing is ever reworded, so nothing can be said that the company has not said.

It refuses when a part finds no passage, and when two passages answer the same part with different numbers: which one is true
is for a person to say.
"""

import re
from collections.abc import Iterable

from appliance.engines import lexicon
from appliance.engines.agreement import rivals
from appliance.engines.words import Words
from appliance.engines.writer.protocol import Part, Refusal, Writer, WritingRequest, Written
from appliance.records.answer import DraftSentence
from appliance.records.knowledge import Passage
from appliance.records.language import Code

WHOLE_PASSAGE = 3  # sentences; a passage of no more is taken as it stands, with every condition in it
AS_GOOD = 0.95  # of the best score: a fact asked for by name that fits so well is meant

_END = re.compile(r"[.!?…:]['\"”»)\]]*$")
_LIST_MARK = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")


class GroundedWriter:
    """Composes from cited passages only."""

    name = "grounded"
    version = "1"
    prompt = ""

    def __init__(self, words: Words) -> None:
        self._words = words

    def write(self, request: WritingRequest) -> Written:
        """Sentences of the passages in the order of the parts, between greeting and closing."""
        body: list[DraftSentence] = []
        unanswered: list[int] = []
        for place, part in enumerate(request.parts):
            chosen = self._choose(part, request)
            if not chosen:
                unanswered.append(place)
            contradiction = rivals(part.found, chosen, request.language, self._words)
            if contradiction:
                return Written(sentences=_framed(body, request), refusal=Refusal(reason="passages_disagree", passages=contradiction))
            for passage in chosen:
                body.extend(self._sentences(passage, part, request.language))
        refusal = Refusal(reason="unanswered_part", unanswered=tuple(unanswered)) if unanswered else None
        return Written(sentences=_framed(_without_repeats(body), request), refusal=refusal)

    def _choose(self, part: Part, request: WritingRequest) -> tuple[Passage, ...]:
        """The best passage; when facts were asked for by name and fit about as well, those and nothing else."""
        fit = [found for found in part.found if found.score >= request.minimum and found.passage.language == request.language]
        if not fit:
            return ()
        named = [found.passage for found in fit if found.passage.key in part.keys and found.score >= AS_GOOD * fit[0].score]
        return tuple({passage.key: passage for passage in reversed(named)}.values())[::-1] or (fit[0].passage,)

    def _sentences(self, passage: Passage, part: Part, language: Code) -> list[DraftSentence]:
        sentences = [_LIST_MARK.sub("", sentence).strip() for sentence in self._words.sentences(passage.text)]
        sentences = [sentence for sentence in sentences if sentence]
        if len(sentences) <= WHOLE_PASSAGE:
            texts: Iterable[str] = sentences
        else:
            texts = self._telling(sentences, passage, part, language)
        return [DraftSentence(text=text, passages=(passage.id,)) for text in _finished(list(texts), passage)]

    def _telling(self, sentences: list[str], passage: Passage, part: Part, language: Code) -> list[str]:
        """Of a long passage: the sentence that speaks most of what was asked, and the neighbours that bind it."""
        titled = set(self._words.content_stems(passage.title, language))
        asked = set(self._words.content_stems(part.text, language)) - titled
        weights = [len(asked & set(self._words.content_stems(sentence, language))) for sentence in sentences]
        if not any(weights):
            return sentences
        best = weights.index(max(weights))
        linking = lexicon.lists("question", language)["linking"]
        end = best + 1
        while end < len(sentences) and (_begins(sentences[end], linking) or weights[end] == weights[best]):
            end += 1
        start = best
        while start > 0 and _begins(sentences[start], linking):
            start -= 1
        return sentences[start:end]


def fact_sentence(passage: Passage, value: str) -> str:
    """A bare value as a sentence: the title before it, or the value alone when the title is a question."""
    title = passage.title.rpartition(" › ")[2].strip()
    if not title or title.endswith("?"):
        return f"{value[:1].upper()}{value[1:]}" if value else value
    return f"{title[:1].upper()}{title[1:]}: {value}"


def is_bare(text: str) -> bool:
    """A value that is no sentence of its own: short, without a full stop at its end."""
    return len(text.split()) <= 12 and not _END.search(text)


def _finished(texts: list[str], passage: Passage) -> list[str]:
    if len(texts) == 1 and is_bare(texts[0]):
        texts = [fact_sentence(passage, texts[0])]
    return [text if _END.search(text) else f"{text}." for text in texts]


def _begins(sentence: str, beginnings: tuple[str, ...]) -> bool:
    first = sentence.lower()
    return any(first == word or first.startswith((f"{word} ", f"{word},")) for word in beginnings)


def _without_repeats(body: list[DraftSentence]) -> list[DraftSentence]:
    """Two parts may lead to the same passage: it is said once, where it was asked first."""
    return list({" ".join(sentence.text.split()).casefold(): sentence for sentence in reversed(body)}.values())[::-1]


def _framed(body: list[DraftSentence], request: WritingRequest) -> tuple[DraftSentence, ...]:
    if not body:
        return ()
    greeting = [DraftSentence(text=request.courtesy.greeting, courtesy=True)] if request.courtesy.greeting else []
    closing = [DraftSentence(text=request.courtesy.closing, courtesy=True)] if request.courtesy.closing else []
    return (*greeting, *body, *closing)


def _is_a_writer(words: Words) -> Writer:
    """For the type checker: this class is a writer."""
    return GroundedWriter(words)
