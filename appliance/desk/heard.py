"""What was said in a call, asked for words: whether a rule's word fell, in whatever inflection, and how it sounded.

A rule's word is one word or several side by side. ``*`` at its end takes whatever follows: ``takuu*`` is also *takuuaika*.
"""

from functools import cached_property

from appliance.language.words import stems, tokens
from appliance.policy.checked import Table
from appliance.records.language import LANGUAGES, Code

WORDS_MOST = 50  # a rule
WORD_CHARACTERS = 80


class Heard:
    """A text in one language, taken apart once and asked often."""

    def __init__(self, text: str, code: Code) -> None:
        self.text = text
        self.code = code

    @cached_property
    def _tokens(self) -> list[str]:
        return tokens(self.text)

    @cached_property
    def _stems(self) -> list[str]:
        return stems(self.text, self.code)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, stem in enumerate(self._stems):
            found.setdefault(stem, []).append(place)
        return found

    def first(self, words: tuple[str, ...]) -> str:
        """The first of these that fell, as it was said; "" when none did."""
        return next((said for word in words if (said := self._said(word))), "")

    def _said(self, word: str) -> str:
        if word.endswith("*"):
            beginning = word[:-1].casefold()
            return next((token for token in self._tokens if token.startswith(beginning)), "")
        wanted = stems(word, self.code)
        for place in self._places.get(wanted[0], ()) if wanted else ():
            if self._stems[place : place + len(wanted)] == wanted:
                return " ".join(self._tokens[place : place + len(wanted)])
        return ""


def words_of(entry: Table, key: str = "words") -> dict[Code, tuple[str, ...]]:
    """A rule's words by language, out of a table of its file. Raises ``PolicyError`` when it has none, or one that can never fall."""
    table = entry.table(key)
    words = {code: tuple(table.strings(code)) for code in LANGUAGES if table.has(code)}
    table.done()
    for code, given in words.items():
        if len(given) > WORDS_MOST:
            raise table.wrong(code, f"there are {len(given)} words, and {WORDS_MOST} is the most", "Make it two rules.")
        for word in given:
            _check(table, code, word)
    if not any(words.values()):
        raise entry.wrong(key, "there is no word that brings it up", f'Add {key}.en = ["price"].')
    return words


def _check(table: Table, code: Code, word: str) -> None:
    if len(word) > WORD_CHARACTERS or not tokens(word):
        raise table.wrong(code, f"'{word[:WORD_CHARACTERS]}' is no word", "Write a word or a few, with * at its end for any ending.")
    if "*" in word[:-1] or (word.endswith("*") and len(tokens(word)) != 1):
        raise table.wrong(code, f"'{word}' has a * where none may be", "Put it at the end of a single word: takuu*.")
