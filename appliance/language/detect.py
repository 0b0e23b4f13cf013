"""Which language a message is in: Finnish, Swedish, English, or none that we answer in.

Three witnesses are heard. lingua weighs the letters (low accuracy: 13 MB for our three, 16 MB with the neighbours they
are mistaken for; high accuracy would cost 230 MB). The word lists tell what letters cannot, "Hej" from "Hei", and know
languages too far away to be worth their memory. The sender's domain says what its country mostly writes. They are
multiplied as probabilities, starting from the languages the company serves; who is likeliest wins if it is likely
enough, and otherwise the detector abstains: a wrong language is worse than a person having a look.

Only the customer's own words belong here: addresses, codes and numbers say nothing and are taken out first.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

from appliance.language.stopwords import languages_with_lists, stopwords
from appliance.records.language import LANGUAGES, Code, Language, Source

if TYPE_CHECKING:
    from lingua import LanguageDetector

_NEIGHBOURS = ("da", "nb", "de", "et")  # loaded only to be recognised and declined
_SURE_ENOUGH = 0.6  # below this share of the text the detector abstains
_HALF = 0.5
_NEARLY_ALL = 0.95
_HOME = 0.3  # how likely a message is in a certain one of our languages before anything is read,
_NEIGHBOUR = 0.015  # in a certain one of their neighbours,
_ELSEWHERE = 0.006  # and in a certain other language that has a word list
_WORD_WEIGHT = 25.0  # how much likelier a language is after one of its listed words
_ABSENCE: Mapping[str, float] = {"fi": 0.8, "et": 0.8}  # and after a word that is not listed; inflecting languages list fewer
_ABSENCE_ELSEWHERE = 0.65
_STRANGE_LETTER = 0.05  # how much less likely our languages are after a word with letters that they do not use
_UNKNOWN = 2e-3  # how likely a language is that nobody here knows, whatever the words
_MOST_COUNTED = 12  # words of either kind that are counted; letters and lists agree by then
_FAR_LETTERS = 1e-3  # what the letters say for a language that lingua does not know here: little, so words must
_HINT_WEIGHT = 5.0  # how much likelier a language is after its country's domain
_PIECE = 60  # letters that are weighed at one time; short lines are joined up to this
_LONGEST = 6000  # characters that are read; the language of a mail shows long before
_FOREIGN_SCRIPT = 0.3  # share of letters outside the Latin alphabet above which a text is none of ours

_HINTS: Mapping[str, str] = {
    "fi": "fi", "se": "sv", "ax": "sv", "uk": "en", "us": "en", "ie": "en", "au": "en", "nz": "en", "ca": "en",
    "dk": "da", "no": "nb", "de": "de", "at": "de", "ee": "et", "nl": "nl", "fr": "fr", "es": "es", "it": "it", "pl": "pl", "pt": "pt",
}  # fmt: skip

_SAYS_NOTHING = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\S*\d\S*|\b[A-ZÅÄÖ]{2,5}\b(?![^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LATIN = re.compile("[A-Za-zÀ-ɏ]")
_STRANGE = re.compile("[^a-zåäöéàšž'’ ]")


class _Letters(Protocol):
    """What is asked of lingua: shares per language for a piece of text."""

    def __call__(self, text: str) -> Mapping[str, float]: ...


class Detector:
    """Detects the language of a text. May be called from any thread; lingua is loaded at the first text with words."""

    def __init__(self, default: Code = "en") -> None:
        self._default: Code = default
        self._letters: _Letters | None = None
        self._loading = threading.Lock()

    def detect(self, text: str, domain: str = "") -> Language:
        """The language of the customer's words, with what it rests on.

        Without any words (an order number alone) the domain decides, or else the company's first language at confidence
        0. With words, code "" says that they are in another language or too unclear to say.
        """
        hint = hint_of(domain)
        pieces = _pieces(_without_codes(text[:_LONGEST]))
        if not pieces:
            return _without_words(hint, self._default)
        if _is_foreign_script(text[:_LONGEST]):
            return Language(code="", source="text", confidence=0.0)
        mixed = len(pieces) > 1
        alone = _verdict(self._shares(pieces, ""), "text", mixed)
        if not hint:
            return alone
        return _hinted_verdict(alone, _verdict(self._shares(pieces, hint), "domain", mixed), hint)

    def _shares(self, pieces: list[str], hint: str) -> dict[str, float]:
        """For each language the share of the text that is in it, pieces weighed by their letters."""
        total = float(sum(len(piece) for piece in pieces))
        shares: dict[str, float] = {}
        for piece in pieces:
            for code, likelihood in _likelihoods(piece, self._lingua()(piece), hint).items():
                shares[code] = shares.get(code, 0.0) + likelihood * len(piece) / total
        return shares

    def _lingua(self) -> _Letters:
        with self._loading:
            if self._letters is None:
                self._letters = _load()
            return self._letters


def hint_of(domain: str) -> str:
    """The language that a domain's country mostly writes; "" for generic domains and countries of several languages."""
    return _HINTS.get(domain.strip().strip(".").rpartition(".")[2].lower(), "")


def _load() -> _Letters:
    from lingua import IsoCode639_1, LanguageDetectorBuilder  # late: a command that reads no mail does not pay for it

    wanted = [getattr(IsoCode639_1, code.upper()) for code in (*LANGUAGES, *_NEIGHBOURS)]
    detector: LanguageDetector = LanguageDetectorBuilder.from_iso_codes_639_1(*wanted).with_low_accuracy_mode().build()

    def letters(text: str) -> Mapping[str, float]:
        values = detector.compute_language_confidence_values(text)
        return {value.language.iso_code_639_1.name.lower(): value.value for value in values}

    return letters


def _without_codes(text: str) -> str:
    return _SAYS_NOTHING.sub(" ", text)


def _pieces(text: str) -> list[str]:
    """The text in pieces of a line or more, so that a mail in two languages is seen as such; nothing without a word."""
    pieces: list[str] = []
    for line in re.split(r"[\n\r]+|(?<=[.!?])\s+", text):
        words = " ".join(_WORD.findall(line))
        if not words:
            continue
        if pieces and len(pieces[-1]) < _PIECE:
            pieces[-1] = f"{pieces[-1]} {words}"
        else:
            pieces.append(words)
    if len(pieces) > 1 and len(pieces[-1]) < _PIECE // 2:
        last = pieces.pop()
        pieces[-1] = f"{pieces[-1]} {last}"
    return pieces if any(len(word) > 1 for piece in pieces for word in piece.split()) else []


def _is_foreign_script(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(1 for letter in letters if not _LATIN.match(letter)) > _FOREIGN_SCRIPT * len(letters)


def _likelihoods(piece: str, letters: Mapping[str, float], hint: str) -> dict[str, float]:
    """What the witnesses say together, summing to 1; "" stands for a language that none of them knows."""
    words = piece.lower().split()
    listed = _listed(words)
    strange = min(4, sum(1 for word in words if _STRANGE.search(word)))
    weighed: dict[str, float] = {"": _UNKNOWN}
    for code in _codes():
        weight = _prior(code) * max(letters.get(code, _FAR_LETTERS), 1e-9) * _weight_of_words(code, listed.get(code, 0.0), len(words))
        weight *= _STRANGE_LETTER**strange if code in LANGUAGES else 1.0
        weighed[code] = weight * (_HINT_WEIGHT if code == hint else 1.0)
    total = sum(weighed.values())
    return {code: weight / total for code, weight in weighed.items()}


@cache
def _codes() -> tuple[str, ...]:
    return tuple(dict.fromkeys((*LANGUAGES, *_NEIGHBOURS, *languages_with_lists())))


def _prior(code: str) -> float:
    return _HOME if code in LANGUAGES else _NEIGHBOUR if code in _NEIGHBOURS else _ELSEWHERE


def _weight_of_words(code: str, listed: float, words: int) -> float:
    missing = max(0.0, min(words, _MOST_COUNTED) - listed)
    absence: float = _ABSENCE.get(code, _ABSENCE_ELSEWHERE) ** missing
    return absence * float(_WORD_WEIGHT ** min(listed, _MOST_COUNTED))


def _listed(words: Iterable[str]) -> dict[str, float]:
    """How many listed words of each language stand there; a word of many languages tells less of each."""
    counts: dict[str, float] = {}
    for word in words:
        codes = _languages_of(word)
        for code in codes:
            counts[code] = counts.get(code, 0.0) + 1.0 / len(codes) ** 0.5
    return counts


@cache
def _lists() -> dict[str, tuple[str, ...]]:
    by_word: dict[str, tuple[str, ...]] = {}
    for code in languages_with_lists():
        for word in stopwords(code):
            by_word[word] = (*by_word.get(word, ()), code)
    return by_word


def _languages_of(word: str) -> tuple[str, ...]:
    return _lists().get(word, ())


def _without_words(hint: str, default: Code) -> Language:
    if hint in LANGUAGES:
        return Language(code=hint, source="domain", confidence=0.5)
    return Language(code=default, source="default", confidence=0.0)


def _likeliest(shares: Mapping[str, float]) -> tuple[str, float]:
    """The language of the largest share; a mail in two of ours is answered in the one it has more of."""
    code = max(shares, key=lambda each: shares[each])
    return code, shares[code]


def _verdict(shares: Mapping[str, float], source: Source, mixed: bool) -> Language:
    """``mixed``: the text has several pieces, so two of our languages may share it; then the larger half is enough."""
    code, share = _likeliest(shares)
    ours = sum(shares[each] for each in LANGUAGES)
    needed = _HALF if mixed and ours >= _NEARLY_ALL else _SURE_ENOUGH
    if code in LANGUAGES and share >= needed:
        return Language(code=code, source=source, confidence=round(min(share, 1.0), 4))
    return Language(code="", source=source, confidence=round(min(1.0, 1.0 - share if code in LANGUAGES else share), 4))


def _hinted_verdict(alone: Language, together: Language, hint: str) -> Language:
    """The text's own verdict, unless the domain's country agrees with it or settles what the text leaves open."""
    if together.code != hint:
        return alone
    if alone.code in (hint, ""):
        source: Source = "text+domain" if alone.code == hint else "domain"
        return Language(code=together.code, source=source, confidence=together.confidence)
    return together
