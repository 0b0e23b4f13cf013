"""Words out of text: tokens, stems, names, character n-grams. Pure, and fast enough to run over every passage.

Sentences and numbers have leaves of their own and are offered here too, since whoever needs one often needs the others.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from appliance.language.numbers import numbers, unsupported_numbers
from appliance.language.sentences import sentences
from appliance.language.stopwords import stopwords
from appliance.records.language import LANGUAGES, Code

if TYPE_CHECKING:
    import Stemmer

__all__ = [
    "canonical", "contains_words", "content_stems", "names", "ngrams", "numbers", "sentences", "stems", "tokens", "unsupported_numbers",
]  # fmt: skip

_ALGORITHMS: dict[Code, str] = {"fi": "finnish", "sv": "swedish", "en": "english"}
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")  # soft hyphens and zero-width marks, which split words for the eye of nobody
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*(?:-[^\W_]+)*")
_HAS_DIGIT = re.compile(r"\d")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_CASE_ENDING = re.compile(r"(?<=[^\W_]):[^\W\d_]{1,5}\b")  # Finnish "EU:n", "PX-200:lle"; Swedish "tv:n"

_STEMS_KEPT = 20_000  # words whose stem a thread keeps at hand, about 2 MB for a language

_local = threading.local()


def canonical(text: str) -> str:
    """The text composed (NFC), without invisible marks: two spellings that look alike become one."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def tokens(text: str) -> list[str]:
    """The words in lower case, in order. A code with a digit stays whole (``px-200``); other hyphens part two words."""
    found: list[str] = []
    for word in _WORD.findall(_CASE_ENDING.sub("", canonical(text)).lower()):
        if "-" in word and not _is_code(word):
            found.extend(word.split("-"))
        else:
            found.append(word.replace("’", "'"))
    return found


def stems(text: str, code: Code) -> list[str]:
    """The words cut to their stems, in order; what has a digit in it stays as it is."""
    return _stem_words(tokens(text), code)


def content_stems(text: str, code: Code) -> list[str]:
    """The stems of the words that carry a topic: without those listed as stopwords of the language."""
    idle = stopwords(code)
    return _stem_words([word for word in tokens(text) if word not in idle], code)


def contains_words(text: str, phrase: str, code: Code) -> bool:
    """Whether the phrase's words stand in the text side by side and in order, in whatever inflection."""
    wanted, there = stems(phrase, code), stems(text, code)
    return bool(wanted) and any(there[at : at + len(wanted)] == wanted for at in range(len(there) - len(wanted) + 1))


def ngrams(word: str, size: int = 3) -> list[str]:
    """The character n-grams of a word with its edges marked: ``kuu`` gives ``^ku``, ``kuu``, ``uu$``."""
    marked = f"^{word}$"
    return [marked[at : at + size] for at in range(max(1, len(marked) - size + 1))]


def names(text: str) -> list[str]:
    """Names in order and without repeats: capitalised words that do not merely open a sentence, and codes such as PX-200.

    A run of capitalised words is one name, also at the start of a sentence; weekdays, months and words that carry no
    topic are none. A name is given as it is written, so an inflected one keeps its ending.
    """
    found: dict[str, None] = {}
    for sentence in sentences(canonical(text)):
        for run, opens in _capitalised_runs(sentence):
            for name in _names_in_run(run, opens):
                found.setdefault(name)
    return list(found)


def _is_code(word: str) -> bool:
    return bool(_HAS_DIGIT.search(word)) and bool(_HAS_LETTER.search(word))


def _stem_words(words: Sequence[str], code: Code) -> list[str]:
    return [word if _HAS_DIGIT.search(word) else stem for word, stem in zip(words, _stemmer(code).stemWords(list(words)), strict=True)]


def _stemmer(code: Code) -> "Stemmer.Stemmer":
    """This thread's stemmer: one may not be used by two threads at once."""
    import Stemmer  # late: the detector alone does not need it

    held: dict[Code, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if code not in held:
        held[code] = Stemmer.Stemmer(_ALGORITHMS[code], _STEMS_KEPT)
    return held[code]


_WEEKDAYS_AND_MONTHS = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october"
    " november december mon tue wed thu fri sat sun måndag tisdag onsdag torsdag fredag lördag söndag maanantai tiistai keskiviikko"
    " torstai perjantai lauantai sunnuntai"
)
_IDLE_WHEN_CAPITALISED = frozenset(_WEEKDAYS_AND_MONTHS.split())


def _capitalised_runs(sentence: str) -> Iterator[tuple[list[str], bool]]:
    """Runs of neighbouring words that start with a capital or are codes, each with whether it opens the sentence."""
    run: list[str] = []
    opens, first, end = False, True, 0
    for match in _WORD.finditer(sentence):
        word = match.group()
        parted = sentence[end : match.start()].strip() != ""
        named = _looks_named(word) or (bool(run) and run[-1].isupper() and word.isdigit())  # "GX 300"
        if run and (parted or not named):
            yield run, opens
            run = []
            named = _looks_named(word)
        if named:
            opens = first if not run else opens
            run.append(word)
        first, end = False, match.end()
    if run:
        yield run, opens


def _looks_named(word: str) -> bool:
    return any(letter.isupper() for letter in word)


def _names_in_run(run: list[str], opens: bool) -> list[str]:
    words = list(run)
    opened_by_stopword = False
    while words and _is_idle(words[0]):
        words.pop(0)
        opened_by_stopword = True
    while words and _is_idle(words[-1]):
        words.pop()
    if not words or (len(words) == 1 and opens and not opened_by_stopword and not _is_distinct(words[0])):
        return []
    return [" ".join(words)]


def _is_idle(word: str) -> bool:
    lower = word.lower()
    return lower in _IDLE_WHEN_CAPITALISED or any(lower in stopwords(code) for code in LANGUAGES)


def _is_distinct(word: str) -> bool:
    """Whether a word is a name even as the first of a sentence: a code, or capitals inside (``iPhone``, ``OmaPosti``)."""
    return _is_code(word) or any(letter.isupper() for letter in word[1:])
