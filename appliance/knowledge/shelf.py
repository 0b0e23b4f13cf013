"""All passages at one moment, with their indexes. Immutable: a search sees one shelf, whatever is being refreshed."""

import hashlib
from collections.abc import Mapping, Sequence

from appliance.knowledge.common_keys import common_aliases
from appliance.knowledge.expected import KeyNames
from appliance.knowledge.lexical import Index
from appliance.records.knowledge import Found, Passage
from appliance.records.language import LANGUAGES, Code

THEME_SHARE = 0.12  # of the passages that a word stands in, from which it belongs to the theme
THEME_PASSAGES = 4  # and in so many of them at least


class Shelf:
    """The passages of all sources, by source, with an index for each language."""

    def __init__(self, by_source: Mapping[str, tuple[str, Sequence[Passage]]], before: "Shelf | None" = None) -> None:
        """``by_source`` gives each source's digest and passages. ``before`` lends the indexes of languages that did not change."""
        self.passages: tuple[Passage, ...] = tuple(passage for _, passages in by_source.values() for passage in passages)
        self.version = _version(by_source)
        self._by_id = {passage.id: passage for passage in self.passages}
        self._of: dict[Code, tuple[Passage, ...]] = {
            code: tuple(passage for passage in self.passages if passage.language == code) for code in LANGUAGES
        }
        self._indexes: dict[Code, Index] = {}
        self._themes: dict[Code, frozenset[str]] = {}
        self._key_names: dict[Code, KeyNames] = {}
        for code, passages in self._of.items():
            if before is not None and before._of[code] == passages:
                self._indexes[code], self._key_names[code] = before._indexes[code], before._key_names[code]
            else:
                self._indexes[code] = Index(passages, code, common_aliases)
                self._key_names[code] = KeyNames(passages, code)
            self._themes[code] = self._indexes[code].common_words(THEME_SHARE, THEME_PASSAGES)

    def search(self, text: str, language: Code, limit: int) -> tuple[Found, ...]:
        """The best passages of the language, best first."""
        passages = self._of[language]
        return tuple(Found(passage=passages[hit.passage], score=hit.score) for hit in self._indexes[language].search(text, limit))

    def theme(self, language: Code) -> frozenset[str]:
        """The words that so many passages of the language share that they tell none apart, as stems."""
        return self._themes[language]

    def passage(self, name: str) -> Passage | None:
        """The passage with this id."""
        return self._by_id.get(name)

    def in_language(self, language: Code) -> tuple[Passage, ...]:
        """The passages of a language, in the order of their sources."""
        return self._of[language]

    def expected_keys(self, text: str, language: Code) -> tuple[str, ...]:
        """The keys that the text asks for."""
        return self._key_names[language].asked_for(text)


def _version(by_source: Mapping[str, tuple[str, Sequence[Passage]]]) -> str:
    """The digest of all sources as they stand; "" when there is nothing."""
    if not by_source:
        return ""
    told = "\x1f".join(f"{name}\x1e{digest}" for name, (digest, _) in sorted(by_source.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]
