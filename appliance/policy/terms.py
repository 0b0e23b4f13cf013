"""Finding a rule's words in a text.

How a rule's words are written (``policy.toml`` and the lexicons share it):

    lawyer          this word alone
    lakimie*        a word that begins so: every inflected form, every compound that starts with it
    *riita*         a word that contains it: maksuriita, laskuriidan
    charge|bill     either
    sue you         one after the other, with at most two other words between them
    charge_back     directly after one another (also as an alternative: twice|two_times)

``words`` and ``phrases`` are matched anywhere; ``together`` wants all of its words in one sentence, in any order;
``patterns`` are regular expressions over the folded text; what an ``except`` phrase covers does not count for its rule.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from appliance.policy import normal

LARGEST_GAP = 2  # words between two neighbours of a phrase
SHORTEST_SPLIT = 6  # letters of a word that is still known when somebody wrote it in two or three pieces
_TERM = re.compile(r"\*?[^\W_]+(?:'[^\W_]+)?\*?")


class BadTerm(ValueError):
    """A rule's words are not written as they must be."""


@dataclass(frozen=True)
class Phrase:
    """Slots of alternatives, as term numbers. ``tight[i]``: slot i follows slot i-1 directly. ``source`` is how it was written."""

    slots: tuple[frozenset[int], ...]
    tight: tuple[bool, ...]
    source: str


@dataclass(frozen=True)
class TopicWords:
    """What a topic is known by, as written: for one or several languages."""

    phrases: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Topic:
    """A topic's phrases by the numbers that their first word may have: only what can begin in a text is looked for in it."""

    name: str
    phrases: "_Index"
    together: "_Index"
    patterns: tuple[re.Pattern[str], ...]
    exceptions: "_Index"


class _Index:
    """Phrases that are found by the terms of their first slot."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._order = {phrase: place for place, phrase in enumerate(dict.fromkeys(phrases))}
        self._by_first: dict[int, list[Phrase]] = {}
        for phrase in self._order:
            for number in phrase.slots[0]:
                self._by_first.setdefault(number, []).append(phrase)

    def possible(self, present: frozenset[int]) -> list[Phrase]:
        """The phrases of which every slot is somewhere in the text, in the order they were written."""
        begun = (phrase for number in present & self._by_first.keys() for phrase in self._by_first[number])
        whole = {phrase for phrase in begun if all(not slot.isdisjoint(present) for slot in phrase.slots[1:])}
        return sorted(whole, key=self._order.__getitem__)


class Vocabulary:
    """All terms of all topics, numbered, and found in a word without trying each."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._exact: dict[str, int] = {}
        self._prefix: dict[str, int] = {}
        self._inside: dict[str, int] = {}
        self._suffix: dict[str, int] = {}
        self._lengths: tuple[int, ...] = ()
        self._known: dict[str, frozenset[int]] = {}

    def number(self, term: str) -> int:
        """The number of a term, new when it was not known."""
        if not _TERM.fullmatch(term):
            raise BadTerm(f"'{term}' is not a word; write letters and digits, with * at an end for any ending")
        core = normal.fold(term.strip("*"))
        if len(core) < 2 and "*" in term:
            raise BadTerm(f"'{term}' is too short to mean anything")
        shape = ("*" if term.startswith("*") else "") + core + ("*" if term.endswith("*") else "")
        if shape not in self.numbers:
            self.numbers[shape] = len(self.numbers)
            self._table(shape)[core] = self.numbers[shape]
            self._lengths = tuple(sorted({len(known) for known in self._inside}))
        return self.numbers[shape]

    def _table(self, shape: str) -> dict[str, int]:
        if shape.startswith("*"):
            return self._inside if shape.endswith("*") else self._suffix
        return self._prefix if shape.endswith("*") else self._exact

    def terms(self, word: str) -> frozenset[int]:
        """The numbers of all terms that the word satisfies, in any of its spellings."""
        known = self._known.get(word)
        if known is None:
            known = frozenset(number for spelling in normal.spellings(word) for number in self._look(spelling))
            if len(self._known) < 50_000:
                self._known[word] = known
        return known

    def _look(self, word: str) -> Iterator[int]:
        if word in self._exact:
            yield self._exact[word]
        for end in range(1, len(word) + 1):
            if (start := word[:end]) in self._prefix:
                yield self._prefix[start]
            if (tail := word[-end:]) in self._suffix:
                yield self._suffix[tail]
        for length in self._lengths:
            for begin in range(len(word) - length + 1):
                if (piece := word[begin : begin + length]) in self._inside:
                    yield self._inside[piece]

    def joined(self, pieces: Sequence[str]) -> Iterator[int]:
        """Terms that two or three neighbouring pieces make together and the pieces but for the last do not."""
        for count in range(2, len(pieces) + 1):
            whole, before = "".join(pieces[:count]), len("".join(pieces[: count - 1]))
            if len(whole) >= SHORTEST_SPLIT and whole in self._exact:
                yield self._exact[whole]
            for end in range(max(SHORTEST_SPLIT, before + 1), len(whole) + 1):
                if (start := whole[:end]) in self._prefix:
                    yield self._prefix[start]


def parse_phrase(text: str, vocabulary: Vocabulary) -> tuple[Phrase, ...]:
    """A phrase as written becomes numbered slots; several phrases when a slot has alternatives of more than one word."""
    choices = [_choices(group, vocabulary) for group in text.split()]
    if not choices:
        raise BadTerm("an empty phrase matches nothing")
    phrases = []
    for combination in itertools.product(*choices):
        slots = tuple(slot for chain in combination for slot in chain)
        tight = tuple(position > 0 for chain in combination for position in range(len(chain)))
        phrases.append(Phrase(slots, tight, text))
    return tuple(phrases)


def _choices(group: str, vocabulary: Vocabulary) -> list[tuple[frozenset[int], ...]]:
    """The ways to fill one group: all its single words together, and each of its chains."""
    chains = [alternative.split("_") for alternative in group.split("|")]
    singles = frozenset(vocabulary.number(chain[0]) for chain in chains if len(chain) == 1)
    longer = [tuple(frozenset({vocabulary.number(term)}) for term in chain) for chain in chains if len(chain) > 1]
    return [(singles,), *longer] if singles else longer


@dataclass(frozen=True)
class Hit:
    """A topic was found in a text, by which of its own words."""

    topic: str
    term: str


class Matcher:
    """All topics of a policy, ready to be looked for in one pass over a text's words."""

    def __init__(self, topics: Iterable[tuple[str, TopicWords]]) -> None:
        self.vocabulary = Vocabulary()
        self._topics = tuple(self._compile(name, words) for name, words in topics)

    def _compile(self, name: str, words: TopicWords) -> _Topic:
        def phrases(sources: tuple[str, ...]) -> _Index:
            return _Index(phrase for source in sources for phrase in parse_phrase(source, self.vocabulary))

        try:
            patterns = tuple(re.compile(pattern) for pattern in words.patterns)
        except re.error as error:
            raise BadTerm(f"'{error.pattern!s}' is not a regular expression: {error.msg}") from error
        return _Topic(name, phrases(words.phrases), phrases(words.together), patterns, phrases(words.exceptions))

    def find(self, text: str) -> tuple[Hit, ...]:
        """The topics in the text, in the order the policy lists them, each with the first of its words that was found."""
        folded = normal.fold(text[: normal.LONGEST_TEXT])
        sentences = [self._numbered(clause) for clause in normal.clauses(folded)]
        stream = [numbers for sentence in sentences for numbers in sentence]
        present = frozenset[int]().union(*stream)
        hits = (self._match(topic, stream, sentences, present, folded) for topic in self._topics)
        return tuple(hit for hit in hits if hit is not None)

    def _numbered(self, clause: list[str]) -> list[frozenset[int]]:
        vocabulary = self.vocabulary
        return [vocabulary.terms(word) | frozenset(vocabulary.joined(clause[place : place + 3])) for place, word in enumerate(clause)]

    def _match(
        self, topic: _Topic, stream: list[frozenset[int]], sentences: list[list[frozenset[int]]], present: frozenset[int], folded: str
    ) -> Hit | None:
        covered = _covered(topic.exceptions, stream, present)
        for phrase in topic.phrases.possible(present):
            if next(_places(phrase, stream, covered), None) is not None:
                return Hit(topic.name, phrase.source)
        for phrase in topic.together.possible(present):
            if any(_all_inside(phrase, sentence) for sentence in sentences):
                return Hit(topic.name, phrase.source)
        for pattern in topic.patterns:
            if pattern.search(folded):
                return Hit(topic.name, pattern.pattern)
        return None


def _covered(exceptions: _Index, stream: list[frozenset[int]], present: frozenset[int]) -> frozenset[int]:
    possible = exceptions.possible(present)
    return frozenset(place for phrase in possible for places in _places(phrase, stream, frozenset()) for place in places)


def _places(phrase: Phrase, stream: list[frozenset[int]], covered: frozenset[int]) -> Iterator[tuple[int, ...]]:
    """Each way the phrase stands in the text: the place of every slot."""

    def follow(slot: int, after: int) -> tuple[int, ...] | None:
        if slot == len(phrase.slots):
            return ()
        reach = 1 if phrase.tight[slot] else 1 + LARGEST_GAP
        for place in range(after + 1, min(after + 1 + reach, len(stream))):
            if place not in covered and not phrase.slots[slot].isdisjoint(stream[place]):
                rest = follow(slot + 1, place)
                if rest is not None:
                    return (place, *rest)
        return None

    for start, numbers in enumerate(stream):
        if start not in covered and not phrase.slots[0].isdisjoint(numbers):
            rest = follow(1, start)
            if rest is not None:
                yield (start, *rest)


def _all_inside(phrase: Phrase, sentence: list[frozenset[int]]) -> bool:
    return all(any(not slot.isdisjoint(numbers) for numbers in sentence) for slot in phrase.slots)
