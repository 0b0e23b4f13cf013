"""Do two passages tell the same thing in two ways? Then neither is told to a customer: a person says which is true."""

from collections.abc import Sequence

from appliance.engines.words import Words
from appliance.records.knowledge import Found, Passage
from appliance.records.language import Code

NEARLY_AS_GOOD = 0.9  # of the cited passage's score: this one may be meant as well
ALIKE = 0.6  # share of common words from which two passages speak of the same thing


def rivals(found: Sequence[Found], cited: Sequence[Passage], language: Code, words: Words) -> tuple[str, ...]:
    """The ids of a cited passage and of one that contradicts it; empty when there is none.

    Two facts of the same key that differ contradict each other. Without a key it takes two passages that answer the question
    about equally well, speak of the same thing, and give other numbers.
    """
    scores = {one.passage.id: one.score for one in found}
    for passage in cited:
        for other in found:
            if other.passage.id == passage.id or other.passage.language != language:
                continue
            same_fact = bool(passage.key) and other.passage.key == passage.key
            near = other.score >= NEARLY_AS_GOOD * scores.get(passage.id, 1.0)
            if (same_fact or near) and _differ(passage, other.passage, same_fact, language, words):
                return (passage.id, other.passage.id)
    return ()


def _differ(one: Passage, other: Passage, same_fact: bool, language: Code, words: Words) -> bool:
    if set(words.numbers(one.text)) == set(words.numbers(other.text)):
        return same_fact and words.stems(one.text, language) != words.stems(other.text, language)
    return same_fact or _likeness(_spoken(one, language, words), _spoken(other, language, words)) >= ALIKE


def _spoken(passage: Passage, language: Code, words: Words) -> set[str]:
    stems = words.content_stems(f"{passage.title} {passage.text}", language)
    return {stem for stem in stems if not any(letter.isdigit() for letter in stem)}


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(len(one), len(other)) if one and other else 0.0
