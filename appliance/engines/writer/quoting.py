"""A writer whose model may only choose: sentences of the passages that were found, word for word, in the order it likes, or a refusal.

The model runs in a process of its own (:mod:`.quoting_child`) and is led through a tree of the tokens of these sentences
(:mod:`.trie`). What comes back are numbers of sentences, and the words are taken from the passages here. So a model that was badly
trained, badly damaged or spoken to by an attacker can choose a wrong sentence, which the checks of the desk are there for; it cannot
say anything that the company has not said.

Word for word means: letter for letter, with folded lines joined by a space. A bare value (``Mon-Fri 9-17``) becomes a sentence with its
title before it, as with the writer ``grounded``.

What binds a sentence goes with it: a passage of up to three sentences is chosen as a whole, and of a longer one a sentence together
with those after it that begin with "but", "only", "if" and the like.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.engines import lexicon
from appliance.engines.agreement import rivals
from appliance.engines.child import Child, ChildLimits, ChildState
from appliance.engines.errors import EngineNonsense
from appliance.engines.prompts import Prompt, PromptBook
from appliance.engines.words import Words
from appliance.engines.writer.grounded import fact_sentence, is_bare
from appliance.engines.writer.protocol import Part, Refusal, Writer, WritingRequest, Written
from appliance.ground.clock import Clock
from appliance.records.answer import DraftSentence, Usage
from appliance.records.base import Record
from appliance.records.knowledge import Passage
from appliance.records.language import Code

MODULE = "appliance.engines.writer.quoting_child"
TASK = "quoting"
REFUSAL = "NONE"  # what the prompts tell the model to write when no sentence answers
WHOLE_PASSAGE = 3  # sentences; a passage of no more is chosen as it stands
CHOICES_MOST = 24  # offered for one part
CHOSEN_MOST = 3  # for one part
QUESTION_CHARACTERS = 1_000
OFFERED_CHARACTERS = 12_000  # of all choices of one part


class QuoteAsked(Record):
    """For the child: the conversation so far, and what may be chosen. ``refusal`` is what the prompt calls a refusal."""

    system: str
    user: str
    choices: tuple[str, ...]
    refusal: str = REFUSAL
    most: int = CHOSEN_MOST


class Quoted(Record):
    """From the child: places among the choices in the order chosen; none is a refusal. Tokens as the child counted them."""

    chosen: tuple[int, ...] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


class Choice(Record):
    """What the model may choose: one or more sentences of one passage that belong together."""

    passage: Passage
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """As the model reads and writes it: on one line."""
        return " ".join(" ".join(self.sentences).split())


class QuotingWriter:
    """Asks the model once for each part of the question. ``seconds`` is the limit for one part.

    Raises ``PromptNotReleased`` when it is made and its prompts are not the released ones.
    """

    name = "quoting"

    def __init__(self, words: Words, model: Path, prompts: PromptBook, limits: ChildLimits, seconds: float, clock: Clock) -> None:
        self._words = words
        self._prompts: Mapping[str, Prompt] = prompts.of(TASK)
        self.prompt = prompts.version(TASK)
        self.version = f"1 {model.name}"
        self._seconds = seconds
        self._clock = clock
        self._child = Child("quoting", MODULE, [str(model)], limits, clock)

    def write(self, request: WritingRequest) -> Written:
        """The chosen sentences in the order of the parts, between greeting and closing. Raises what the child raises."""
        started = self._clock.elapsed()
        body: list[DraftSentence] = []
        unanswered: list[int] = []
        told: list[Quoted] = []
        refusal: Refusal | None = None
        for place, part in enumerate(request.parts):
            offered = choices(part, request, self._words)
            quoted = self._ask(part, offered, request.language)
            told.append(quoted)
            chosen = [offered[number] for number in quoted.chosen]
            contradiction = rivals(part.found, [choice.passage for choice in chosen], request.language, self._words)
            if contradiction:
                refusal = Refusal(reason="passages_disagree", passages=contradiction)
                break
            if not chosen:
                unanswered.append(place)
            body += [DraftSentence(text=text, passages=(choice.passage.id,)) for choice in chosen for text in choice.sentences]
        if refusal is None and unanswered:
            refusal = Refusal(reason="unanswered_part", unanswered=tuple(unanswered))
        return Written(sentences=_framed(body, request), refusal=refusal, usage=_usage(told, self._clock.elapsed() - started))

    def state(self) -> ChildState:
        """How the model's process is."""
        return self._child.state()

    def health(self) -> str:
        """What is wrong with it, in words; "" when nothing is."""
        state = self._child.state()
        return state.last_error if state.state == "failed" else ""

    def close(self) -> None:
        """End the model's process."""
        self._child.close()

    def _ask(self, part: Part, offered: Sequence[Choice], language: Code) -> Quoted:
        if not offered:
            return Quoted()
        prompt = self._prompts.get(language) or self._prompts["en"]
        asked = QuoteAsked(system=prompt.text.strip(), user=conversation(part.text, offered), choices=tuple(one.text for one in offered))
        quoted = self._child.ask(asked, Quoted, self._seconds)
        if len(set(quoted.chosen)) != len(quoted.chosen) or not all(0 <= number < len(offered) for number in quoted.chosen):
            raise EngineNonsense("The quoting model chose a sentence that it was not offered.")
        return quoted


def choices(part: Part, request: WritingRequest, words: Words) -> list[Choice]:
    """What may be chosen for a part: from the passages that are about it and in the customer's language, best first, each text once."""
    fit = [found.passage for found in part.found if found.score >= request.minimum and found.passage.language == request.language]
    made: dict[str, Choice] = {}
    room = OFFERED_CHARACTERS
    for passage in fit:
        for sentences in _belonging_together(passage, request.language, words):
            choice = Choice(passage=passage, sentences=sentences)
            if choice.text and choice.text not in made and len(choice.text) <= room and len(made) < CHOICES_MOST:
                made[choice.text] = choice
                room -= len(choice.text)
    return list(made.values())


def conversation(question: str, offered: Sequence[Choice]) -> str:
    """What the model is told after its prompt: what it may choose from, then what is asked."""
    lines = [f"{number}. {choice.text}" for number, choice in enumerate(offered, start=1)]
    return "\n".join([*lines, "", " ".join(question.split())[:QUESTION_CHARACTERS]])


def _belonging_together(passage: Passage, language: Code, words: Words) -> list[tuple[str, ...]]:
    sentences = [sentence for sentence in words.sentences(passage.text) if sentence.strip()]
    if len(sentences) == 1 and is_bare(sentences[0]):
        return [(f"{fact_sentence(passage, sentences[0].strip())}.",)]
    if len(sentences) <= WHOLE_PASSAGE:
        return [tuple(sentences)] if sentences else []
    linking = lexicon.lists("question", language)["linking"]
    groups: list[tuple[str, ...]] = []
    for sentence in sentences:
        bound = groups and any(f"{sentence.strip().casefold()} ".startswith((f"{word} ", f"{word},")) for word in linking)
        groups[-1:] = [(*groups[-1], sentence)] if bound else [*groups[-1:], (sentence,)]
    return groups


def _framed(body: Sequence[DraftSentence], request: WritingRequest) -> tuple[DraftSentence, ...]:
    """Each sentence once, where it was first said; courtesy around it when there is anything."""
    once = list({" ".join(sentence.text.split()).casefold(): sentence for sentence in reversed(body)}.values())[::-1]
    if not once:
        return ()
    greeting, closing = (DraftSentence(text=text, courtesy=True) for text in (request.courtesy.greeting, request.courtesy.closing))
    return tuple(sentence for sentence in (greeting, *once, closing) if sentence.text)


def _usage(told: Sequence[Quoted], seconds: float) -> Usage:
    return Usage(
        engine="quoting",
        prompt_tokens=sum(one.prompt_tokens for one in told),
        cached_tokens=sum(one.cached_tokens for one in told),
        completion_tokens=sum(one.completion_tokens for one in told),
        seconds=round(seconds, 3),
    )


def _is_a_writer(words: Words, model: Path, prompts: PromptBook, limits: ChildLimits, clock: Clock) -> Writer:
    """For the type checker: this class is a writer."""
    return QuotingWriter(words, model, prompts, limits, 60.0, clock)
