"""The judge without a model. It is strict on purpose: what it passes, the company has said.

A sentence has full support when it stands word for word in a cited passage, or is a bare value behind its own title. Anything
else is held against single sentences of the passages: the words of substance and the numbers must be the same *in the same
order*, the words that turn or bind a statement (not, only, if, free) the same, and nearly all the rest. Order matters because
a bag of words does not tell "returns cost 5, delivery 10" from its reverse; one sentence at a time, because "we deliver to
Finland" and "not to Russia" next to each other hold all the words of "we deliver to Russia"; and what is left out counts as
much as what is added, because "used pumps cannot be returned" says something else without its first word.
"""

import re
from collections.abc import Iterator, Sequence

from appliance.engines import lexicon
from appliance.engines.judge.protocol import Judge, Support
from appliance.engines.words import Words
from appliance.engines.writer.grounded import fact_sentence
from appliance.records.knowledge import Passage
from appliance.records.language import Code

REWORDED_BEST = 0.95  # a reworded sentence never counts as much as a copied one
TURNED_ROUND = 0.3  # the most that remains when a number or a word that turns or binds the statement differs, or one is new
_SPACE = re.compile(r"\s+")
_LEADING = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")


class RuleJudge:
    """Every number, date, price, name and sentence must be supported."""

    name = "rules"
    version = "1"

    def __init__(self, words: Words) -> None:
        self._words = words

    def support(self, sentence: str, passages: Sequence[Passage], language: Code) -> Support:
        """How far the passages bear the sentence out; 0 when it cites none."""
        evidence = [text for passage in passages for text in self._evidence(passage)]
        if not evidence or not sentence.strip():
            return Support(score=0.0)
        if _bare(sentence) in {_bare(text) for text in evidence}:
            return Support(score=1.0)
        whole = "\n".join(f"{passage.title}\n{passage.text}" for passage in passages)
        numbers = tuple(self._words.unsupported_numbers(sentence, whole))
        names = tuple(name for name in self._words.names(sentence) if not self._is_named(name, whole, language))
        score = max((self._reworded(sentence, text, language) for text in evidence), default=0.0)
        missing = tuple(sorted(set(self._words.content_stems(sentence, language)) - set(self._words.stems(whole, language))))
        if numbers or names:
            score = 0.0
        return Support(score=round(score, 4), numbers=numbers, names=names, words=missing)

    def _evidence(self, passage: Passage) -> Iterator[str]:
        """What the passage says, sentence by sentence, and its value as a sentence."""
        yield from self._words.sentences(passage.text)
        yield fact_sentence(passage, passage.text.strip())
        yield passage.text

    def _reworded(self, sentence: str, evidence: str, language: Code) -> float:
        claimed, said = self._words.stems(sentence, language), self._words.stems(evidence, language)
        if not claimed or len(self._words.sentences(evidence)) > 1:
            return 0.0  # a whole passage counts only when it is copied whole
        likeness = 2 * _in_order(claimed, said) / (len(claimed) + len(said))
        same = all(
            (
                self._substance(sentence, language) == self._substance(evidence, language),
                self._words.numbers(sentence) == self._words.numbers(evidence),
                self._turning(sentence, language) == self._turning(evidence, language),
            )
        )
        return likeness * REWORDED_BEST if same else min(likeness, TURNED_ROUND)

    def _substance(self, text: str, language: Code) -> list[str]:
        """The words that carry the statement, in order. Bare numbers are compared as numbers, however they are written."""
        return [stem for stem in self._words.content_stems(text, language) if not stem.isdigit()]

    def _turning(self, text: str, language: Code) -> list[str]:
        qualifiers = lexicon.lists("judging", language)["qualifiers"]
        return sorted(word for word in self._words.tokens(text) if word in qualifiers)

    def _is_named(self, name: str, evidence: str, language: Code) -> bool:
        wanted, there = self._words.stems(name, language), self._words.stems(evidence, language)
        return any(there[at : at + len(wanted)] == wanted for at in range(len(there) - len(wanted) + 1))


def _bare(text: str) -> str:
    return _SPACE.sub(" ", _LEADING.sub("", text)).strip().rstrip(".").casefold()


def _in_order(wanted: list[str], there: list[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(there) + 1)
    for one in wanted:
        before = 0
        for at, other in enumerate(there, 1):
            here = row[at]
            row[at] = before + 1 if one == other else max(row[at], row[at - 1])
            before = here
    return row[-1]


def _is_a_judge(words: Words) -> Judge:
    """For the type checker: this class is a judge."""
    return RuleJudge(words)
