"""Search by words in one language: which passages carry how much of a question.

The score is the share of the question's weight that a passage carries, each word weighed by how few passages have it.
So it compares across questions: a question about something else keeps most of its weight in words that no passage has,
and stays low however few words it shares. A question that is a passage's own title scores 1 and comes first.

Below some ten thousand passages this index in plain Python answers in a millisecond or two; a larger one can take its place
behind the same two methods.
"""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.knowledge.similar import Match, Vocabulary
from appliance.knowledge.terms import terms, terms_and_words
from appliance.language.words import tokens
from appliance.records.knowledge import Passage
from appliance.records.language import Code

_IN_TEXT = 0.93  # the worth of a word in the text of a passage without a title, which has only its text to tell its topic
_BELOW_KEY = 0.85  # the same under a key, which may be in another language than the text
_BELOW_TITLE = 0.7  # the same under a title or a question in the text's own language
_LENGTH_LOSS = 0.15  # what an endlessly long passage loses of its score, since it holds more words by chance
_LONG = 40  # terms; a passage of this length loses half of that
_TOPIC = 0.3  # the share of a titled passage's score that depends on how much of its title was asked for
_UNKNOWN = 1.0  # the weight of a word that no passage has, beside one that a single passage has
_UNSAID = 0.3  # the same weight for what a question leaves unsaid: one shared word alone is no proof of the topic
_SURE = 0.5  # from here a likeness counts as the title's own word
_SAME_WORD = 0.7  # from here as another form of the asked word, when passages are counted that have it
_COMMON_POSTINGS = 400  # above, a word is only looked up for passages that rarer words brought in
_ASKED_MOST = 60  # terms of a question that are read


Names = Callable[[str, Code], tuple[str, ...]]


def no_more_names(key: str, language: Code) -> tuple[str, ...]:  # noqa: ARG001  the shape that an index asks for
    """A key has no names but those in its passage."""
    return ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage by its number, with its score."""

    passage: int
    score: float


class Index:
    """The passages of one language. Immutable, so any number of threads may search while another index is built."""

    def __init__(self, passages: Sequence[Passage], language: Code, more_names: Names = no_more_names) -> None:
        """``more_names`` gives further ways to ask for a key, beside those that stand in the passage."""
        self._language: Code = language
        self._more_names = more_names
        self._count = len(passages)
        self._exact: dict[str, list[int]] = {}
        self._lengths = array("H", [0]) * self._count
        self._title_lengths = array("H", [0]) * self._count
        self._worths = array("d", [0.0]) * self._count
        postings = self._read(passages)
        self.vocabulary = Vocabulary(sorted(postings), language)
        self._postings, self._bounds = _packed([postings[word] for word in self.vocabulary.words])

    def _read(self, passages: Sequence[Passage]) -> "dict[str, array[int]]":
        """Each word's passages, as twice the passage's number and one more when it stands in its title."""
        postings: dict[str, array[int]] = {}
        for number, passage in enumerate(passages):
            names = [passage.title, passage.key.replace("_", " "), *passage.aliases, *self._more_names(passage.key, self._language)]
            for name in names:
                spoken = _spoken(name)
                if spoken and number not in self._exact.setdefault(spoken, []):
                    self._exact[spoken].append(number)
            titled = set(terms(" ".join([*names, *passage.tags]), self._language))
            words = set(terms(passage.text, self._language)) | titled
            self._lengths[number] = min(len(words), 65_535)
            self._title_lengths[number] = 0 if passage.key else self._title_length(passage)
            self._worths[number] = _IN_TEXT if not passage.title else _BELOW_KEY if passage.key else _BELOW_TITLE
            for word in words:
                postings.setdefault(word, array("I")).append(number * 2 + (word in titled))
        return postings

    def _title_length(self, passage: Passage) -> int:
        """Terms of the shortest way to name the passage: its last heading, its question or another question for it."""
        names = [passage.title.rpartition(" › ")[2], *passage.aliases]
        return min((length for length in (len(set(terms(name, self._language))) for name in names) if length), default=0)

    def search(self, text: str, limit: int) -> list[Hit]:
        """The best passages, best first, those of the same score in the order of their sources."""
        exact = self._exact.get(_spoken(text), [])
        carried = self._carried(text)
        for number in exact:
            carried[number] = 2.0
        best = sorted(carried.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Hit(number, round(min(1.0, score), 4)) for number, score in best if score > 0.0]

    def common_words(self, share: float, least: int) -> frozenset[str]:
        """The words that at least this share of the passages has, and so many of them: what all of the knowledge is about."""
        enough = max(least, math.ceil(share * self._count))
        sizes = (self._bounds[word + 1] - self._bounds[word] for word in range(len(self.vocabulary.words)))
        return frozenset(word for word, size in zip(self.vocabulary.words, sizes, strict=True) if size >= enough)

    def _carried(self, text: str) -> dict[int, float]:
        asked = dict(terms_and_words(text, self._language)[:_ASKED_MOST])
        if not asked:
            return {}
        meant = (self.vocabulary.matches(term) or self.vocabulary.matches(word) for term, word in asked.items())
        weighed = sorted(((self._weight(matches), matches) for matches in meant), key=lambda item: -item[0])
        whole = sum(weight for weight, _ in weighed) + _UNSAID * self._rarity(1)
        carried: dict[int, float] = {}
        titled: dict[int, int] = {}
        for weight, matches in weighed:
            share = weight / whole
            for number, sureness in self._sureness(matches, carried, titled).items():
                carried[number] = carried.get(number, 0.0) + share * sureness
        return {number: self._final(number, score, titled.get(number, 0)) for number, score in carried.items()}

    def _final(self, number: int, score: float, titled: int) -> float:
        """The score with what length and title say; below 1, which only a verbatim question reaches."""
        length, title = self._lengths[number], self._title_lengths[number]
        fitted = score * (1.0 - _LENGTH_LOSS * length / (length + _LONG))
        if title:
            fitted *= 1.0 - _TOPIC + _TOPIC * min(1.0, titled / title)
        return min(fitted, 0.9999)

    def _weight(self, matches: tuple[Match, ...]) -> float:
        """How telling a word is: the fewer passages have it, the more."""
        surely = [match.word for match in matches if match.sureness >= _SAME_WORD and not match.part]
        passages = sum(self._bounds[word + 1] - self._bounds[word] for word in surely)
        if passages == 0:
            return _UNKNOWN * self._rarity(1)
        return self._rarity(min(passages, self._count))

    def _rarity(self, passages: int) -> float:
        return math.log(1.0 + (self._count + 1.0) / (passages + 0.5))

    def _sureness(self, matches: tuple[Match, ...], carried: dict[int, float], titled: dict[int, int]) -> dict[int, float]:
        """For each passage how surely it has the word: as a whole, or put together from its parts. Counts it in ``titled``
        for passages that have it in their title."""
        in_title: set[int] = set()
        whole: dict[int, float] = {}
        parts: dict[str, dict[int, float]] = {"head": {}, "tail": {}}
        for match in sorted(matches, key=lambda match: match.sureness):
            target = parts[match.part] if match.part else whole
            sureness = match.sureness
            for posting in self._of(match.word, carried):
                number = posting >> 1
                worth = sureness if posting & 1 else sureness * self._worths[number]
                if posting & 1 and sureness >= _SURE:
                    in_title.add(number)
                if worth > target.get(number, 0.0):
                    target[number] = worth
        for number in parts["head"].keys() | parts["tail"].keys():
            together = parts["head"].get(number, 0.0) + parts["tail"].get(number, 0.0)
            if together > whole.get(number, 0.0):
                whole[number] = together
        for number in in_title:
            titled[number] = titled.get(number, 0) + 1
        return whole

    def _of(self, word: int, carried: dict[int, float]) -> Sequence[int]:
        """The word's postings; for a common word only those of passages that a more telling word has found."""
        start, end = self._bounds[word], self._bounds[word + 1]
        if end - start > _COMMON_POSTINGS and carried:
            return [posting for posting in self._postings[start:end] if posting >> 1 in carried]
        return self._postings[start:end]


def _spoken(text: str) -> str:
    return " ".join(tokens(text))


def _packed(lists: "Sequence[array[int]]") -> "tuple[array[int], array[int]]":
    """All lists one after the other, and where each begins."""
    packed, bounds = array("I"), array("I", [0])
    for one in lists:
        packed.extend(one)
        bounds.append(len(packed))
    return packed, bounds
