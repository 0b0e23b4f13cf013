"""A text as search terms: stems without stopwords, and product codes however they are spaced (PX-200, PX200, px 200)."""

import re

from appliance.language.stopwords import stopwords
from appliance.language.words import stems, tokens
from appliance.records.language import Code

_SEAM = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|-")
_SPACED_CODE = re.compile(r"\b([^\W\d_]{1,4}) (\d{2,6})\b")


def terms(text: str, language: Code) -> list[str]:
    """The terms in order, repeats included."""
    return [term for term, _ in terms_and_words(text, language)]


def terms_and_words(text: str, language: Code) -> list[tuple[str, str]]:
    """Each term with the word that it was made of, for when its stem is not known: a slip can mislead the stemmer."""
    idle = stopwords(language)
    words = [word for word in tokens(_SPACED_CODE.sub(_glue, text)) if word not in idle]
    if not words:
        return []
    found: list[tuple[str, str]] = []
    for word, stem in zip(words, stems(" ".join(words), language), strict=True):
        if stem.isalpha():
            found.append((stem, word))
        else:
            found.extend((part, part) for part in _code_terms(word))
    return found


def _glue(match: re.Match[str]) -> str:
    """Capitals and a number beside them are a code (``PX 200``); ``on 200`` is not."""
    letters, digits = match.groups()
    return f"{letters}-{digits}" if letters.isupper() else match.group()


def _code_terms(word: str) -> list[str]:
    parts = [part for part in _SEAM.split(word) if part]
    return ["".join(parts), *parts] if len(parts) > 1 else parts
