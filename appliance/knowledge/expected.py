"""Which of the company's facts a question asks for: by words, not by likeness, so that the answer can be checked.

A key is asked for when the text holds all words of one of its names: the key itself, its title, an alias. Inflection and
word order do not matter; a compound counts for its parts (``takuuaika`` names ``takuu``) only where the name is one word.
A topic that no key names gives none.
"""

from collections.abc import Iterable, Sequence

from appliance.knowledge.common_keys import common_aliases
from appliance.knowledge.terms import terms
from appliance.language.stopwords import stopwords
from appliance.language.words import stems, tokens
from appliance.records.knowledge import Passage
from appliance.records.language import Code

_ROOT = 5  # letters of a name that may be found as the head of a compound


class KeyNames:
    """The names of all keys of one language, ready to be looked for."""

    def __init__(self, passages: Sequence[Passage], language: Code) -> None:
        self._language: Code = language
        self._names: dict[str, tuple[frozenset[str], ...]] = {}
        for passage in passages:
            if passage.key:
                known = self._names.get(passage.key, ())
                self._names[passage.key] = tuple(dict.fromkeys((*known, *self._names_of(passage))))

    def _names_of(self, passage: Passage) -> Iterable[frozenset[str]]:
        spoken = [passage.key.replace("_", " "), passage.title, *passage.aliases, *common_aliases(passage.key, self._language)]
        for name in spoken:
            words = frozenset(terms(name, self._language)) or frozenset(stems(name, self._language))
            if words and not self._is_idle(name):
                yield words

    def _is_idle(self, name: str) -> bool:
        """A name of nothing but stopwords ("when", "how") would be asked for by every question."""
        return all(word in stopwords(self._language) for word in tokens(name))

    def asked_for(self, text: str) -> tuple[str, ...]:
        """The keys, in the order of the sheet."""
        said = set(terms(text, self._language))
        return tuple(key for key, names in self._names.items() if any(self._is_said(name, said) for name in names))

    def _is_said(self, name: frozenset[str], said: set[str]) -> bool:
        if name <= said:
            return True
        if len(name) > 1:
            return all(any(_same(word, other) for other in said) for word in name)
        word = next(iter(name))
        return any(_same(word, other) or self._is_head(word, other) for other in said)

    def _is_head(self, word: str, other: str) -> bool:
        return self._language != "en" and len(word) >= _ROOT and other.startswith(word) and len(other) - len(word) >= 3


def _same(word: str, other: str) -> bool:
    """Whether two stems are forms of one word: gradation and stem vowels change at most the last letters."""
    if word == other:
        return True
    most = min(len(word), len(other))
    shared = next((at for at in range(most) if word[at] != other[at]), most)
    return shared >= 5 and len(word) - shared <= 2 and len(other) - shared <= 2
