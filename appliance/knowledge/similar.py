"""Which words of the vocabulary mean a word of the question, and how surely.

Stemming alone does not find ``toimitusajat`` for ``toimitusaika``, ``oikeus palauttaa`` for ``palautusoikeus`` or ``leverans``
for ``leveranstid``. So a word is also known by its beginning (inflection, gradation, derivation), by its end (the last
part of a compound), by its parts, and, when nothing else fits, with a slip of the finger in it. What is not certain
counts for less.

The vocabulary is one sorted list and one string, so that ten thousand passages cost a few megabytes: beginnings are
looked up by bisection, endings by searching the string.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from appliance.records.language import Code

INFLECTED = 0.92
RELATED = 0.85
IN_COMPOUND = 0.75
INSIDE = 0.6
MISTYPED = 0.75
PART = 0.9  # of the share of the compound that the part covers
_ENDING = 3  # letters by which two forms of a word may differ at the end
_ROOT = 4  # letters that a root has at least
_CACHED = 4096


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the vocabulary, how surely it means the asked word, and whether only as its head or tail part."""

    word: int
    sureness: float
    part: str = ""  # "" the whole word, "head" or "tail"


class Vocabulary:
    """All words of an index, sorted; immutable."""

    def __init__(self, words: Sequence[str], language: Code) -> None:
        self.words = list(words)
        self._compounds = language != "en"
        long = [number for number, word in enumerate(self.words) if len(word) > _ROOT + 2]
        self._text = "\n" + "\n".join(self.words[number] for number in long) + "\n"
        self._numbers = array("I", long)
        self._starts = array("I", _starts(self.words, long))
        self.matches = lru_cache(maxsize=_CACHED)(self._matches)

    def number(self, word: str) -> int:
        """The word's number, or -1."""
        at = bisect_left(self.words, word)
        return at if at < len(self.words) and self.words[at] == word else -1

    def _matches(self, asked: str) -> tuple[Match, ...]:
        """All words that may mean the asked one, each once per part, the surest reading of each."""
        best: dict[tuple[int, str], float] = {}
        for match in self._candidates(asked):
            key = (match.word, match.part)
            best[key] = max(best.get(key, 0.0), match.sureness)
        if len(asked) > _ROOT and not any(sureness >= RELATED for (_, part), sureness in best.items() if not part):
            for match in self._mistyped(asked):
                key = (match.word, "")
                best[key] = max(best.get(key, 0.0), match.sureness)
        return tuple(Match(word, sureness, part) for (word, part), sureness in best.items())

    def _candidates(self, asked: str) -> Iterator[Match]:
        exact = self.number(asked)
        if exact >= 0:
            yield Match(exact, 1.0)
        if not asked.isalpha() or len(asked) < 3:
            return
        for word in self._starting_with(asked[: min(_ROOT, len(asked))]):
            yield from self._by_beginning(asked, word)
        if self._compounds:
            yield from self._by_ending(asked)
            yield from self._by_tails(asked)

    def _starting_with(self, prefix: str) -> range:
        return range(bisect_left(self.words, prefix), bisect_right(self.words, prefix + "\U0010ffff"))

    def _by_beginning(self, asked: str, number: int) -> Iterator[Match]:
        word = self.words[number]
        shared = _shared(asked, word)
        asked_rest, word_rest = len(asked) - shared, len(word) - shared
        if asked_rest <= _ENDING and word_rest <= _ENDING:
            if shared >= min(_ROOT, len(asked), len(word)) and shared >= 0.6 * max(len(asked), len(word)):
                sure = min(asked_rest, word_rest) == 0 or shared >= _ROOT + 2
                yield Match(number, INFLECTED if sure else RELATED - 0.05 * max(asked_rest, word_rest))
        elif shared >= _ROOT and asked_rest <= 1:
            yield Match(number, IN_COMPOUND if self._compounds else INSIDE)
        if self._compounds and asked_rest >= _ROOT and shared >= _ROOT and word_rest <= 2:
            yield Match(number, PART * shared / len(asked), "head")
        elif self._compounds and asked_rest >= _ROOT and shared >= _ROOT + 1 and shared >= 0.4 * len(asked):
            yield Match(number, PART * IN_COMPOUND * shared / len(asked), "head")

    def _by_ending(self, asked: str) -> Iterator[Match]:
        """Compounds that have the asked word as a later part."""
        if len(asked) < _ROOT:
            return
        root = asked if len(asked) <= _ROOT + 1 else asked[: max(_ROOT + 1, len(asked) - 2)]
        for number, at in self._holding(root):
            if at < 2:
                continue
            tail = self.words[number][at:]
            shared = _shared(asked, tail)
            rest = len(tail) - shared
            if rest <= _ENDING and len(asked) - shared <= _ENDING:
                yield Match(number, IN_COMPOUND if rest <= 2 else INSIDE)
            elif len(asked) > _ROOT:
                yield Match(number, INSIDE)

    def _by_tails(self, asked: str) -> Iterator[Match]:
        """Words that are the last part of the asked compound."""
        for cut in range(3, len(asked) - _ROOT + 1):
            tail = asked[cut:]
            for number in self._starting_with(tail[:_ROOT]):
                shared = _shared(tail, self.words[number])
                if len(tail) - shared <= 2 and len(self.words[number]) - shared <= 2:
                    yield Match(number, PART * len(tail) / len(asked), "tail")

    def _holding(self, needle: str) -> Iterator[tuple[int, int]]:
        """Each long word with the needle in it, and where."""
        at = self._text.find(needle)
        while at >= 0:
            index = bisect_right(self._starts, at) - 1
            yield self._numbers[index], at - self._starts[index]
            at = self._text.find(needle, at + 1)

    def _mistyped(self, asked: str) -> Iterator[Match]:
        """One slip, or two in a long word: one half of the word is still as it should be."""
        allowed = 1 if len(asked) < 9 else 2
        half = len(asked) // 2
        near = set(self._starting_with(asked[:half])) if half >= 3 else set()
        near.update(self._starting_with(asked[:2])) if half < 3 else None
        for number, at in self._holding(asked[half:] + "\n"):
            if at <= half + allowed:
                near.add(number)
        for number in near:
            if abs(len(self.words[number]) - len(asked)) <= allowed and _within(asked, self.words[number], allowed):
                yield Match(number, MISTYPED)


def _starts(words: Sequence[str], long: Sequence[int]) -> Iterator[int]:
    at = 1
    for number in long:
        yield at
        at += len(words[number]) + 1


def _shared(one: str, other: str) -> int:
    """Letters that both begin with."""
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    at = 0
    while one[at] == other[at]:
        at += 1
    return at


def _within(one: str, other: str, allowed: int) -> bool:
    """Whether so many slips (a letter wrong, missing, added, or two swapped) turn one word into the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        following = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        if min(following) > allowed:
            return False
        before, row = row, following
    return row[-1] <= allowed
