"""Text as the rules read it: one spelling for what looks or sounds the same.

People write ``L A W Y E R``, ``lаwyer`` with a Cyrillic letter, ``l4wyer``, or put an invisible character into the middle,
sometimes to get past a filter and more often by accident. Rules are written once, in plain words; the text is brought to them.
Letters lose their dots (``lääkäri`` becomes ``laakari``), since many write without them; the rules' own words lose them too.
"""

import re
import unicodedata
from functools import lru_cache

LONGEST_TEXT = 20_000  # characters; the desk holds longer mails for a person before any rule looks at them

# Letters of other scripts, and odd Latin ones, that look like a plain letter (a part of Unicode's confusables).
_LOOKALIKES = str.maketrans(
    dict(zip("аеорсухѕіјԁһԛԝкмтнвьпгѵ", "aeopcyxsijdhqwkmthbbnrv", strict=True))
    | dict(zip("αεικνορτυχωηβγμ", "aeikvoptuxwnbyu", strict=True))
    | dict(zip("øðþłđıħſɑɡո", "odpldihsagn", strict=True))
    | {"æ": "ae", "œ": "oe"}
)
_LEET_I = str.maketrans("013457@$!|", "oieastasii")
_LEET_L = str.maketrans("013457@$!|", "oleastasll")
INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACED_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_](?: |[.\-_*·/]){1}){3,}[^\W\d_](?![^\W_])")
_TOKEN = re.compile(r"[^\W_]+(?:[@$!|][^\W_]+)*(?:'[^\W_]+)?|[@$][^\W_]+")
_HAS_LEET = re.compile(r"[013457@$!|]")
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)|\n\s*\n|\n(?=\s*[-*•])")


def fold(text: str) -> str:
    """Lower case, without accents, invisible characters and lookalike letters; line breaks stay."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    text = _CONTROL.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if not unicodedata.combining(letter)).translate(_LOOKALIKES)
    text = text.replace("’", "'").replace("`", "'").replace("´", "'")
    return _SPACED_OUT.sub(lambda run: re.sub(r"[ .\-_*·/]", "", run.group()), text)


def words(folded: str) -> list[str]:
    """The words of a folded text, in order."""
    return _TOKEN.findall(folded)


def clauses(folded: str) -> list[list[str]]:
    """The words of a folded text, sentence by sentence."""
    return [found for part in _SENTENCE_END.split(folded) if (found := _TOKEN.findall(part))]


@lru_cache(maxsize=8192)
def spellings(word: str) -> tuple[str, ...]:
    """The word and what it may stand for when digits and signs are read as letters: ``l4wy3r`` is also ``lawyer``."""
    if not _HAS_LEET.search(word) or not _LETTER.search(word):
        return (word,)
    return tuple(dict.fromkeys((word, word.translate(_LEET_I), word.translate(_LEET_L))))
