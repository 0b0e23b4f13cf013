"""How well a passage fits a question, beyond what the search says.

The search finds what is nearest; it cannot say that nothing is near enough. Five things tell an answer from a likeness:

    strangers  words of the question that the passage does not know, and that are neither light ("show", "need") nor the theme of
               the whole knowledge ("pump" at a pump shop). They say that something else is asked: "can I *return* a gift card?"
               They are weighed against the known words that are neither, since the theme speaks for no passage. When the passage
               knows fewer words than it does not know, the theme is a stranger to it: "can I *pay* for a *pump* by gift card?"
    kind       a time or a count is asked for, and the passage has one (``kinds``)
    coverage   the passage speaks of most of what was asked: "does the Koski 40 stand salt water?" has words that no passage knows
    name       the question says what the passage is about: its key, its title or another way to ask for it, with all its words.
               "What time is it?" shares a word with "what time can I call?" and does not name it
    codes      a product or an error that is named by its code is spoken of by that code, and so is what has a name of its own
"""

import re
from dataclasses import dataclass
from functools import cache

import msgspec

from appliance.desk.kinds import has_the_kind
from appliance.engines import lexicon
from appliance.language.words import content_stems, names, stems, tokens
from appliance.records.knowledge import Found, Passage
from appliance.records.language import Code

WORTH_A_LOOK = 0.4  # below this search score no coverage makes a passage an answer
STRANGERS_MOST = 0.25  # share of strangers among the words that count, above which something else is asked
STRANGE = 0.5  # what is left of the score then
COVERED = 0.6  # share of the asked words that a passage must speak of to keep its score
WHOLE_TITLE = 0.45  # from this search score a question that holds all words of a passage's title is about it
UNNAMED = 0.5  # what is left of the score when the question does not name what the passage is about
PLAIN_WORDS = 3  # asked words from which a passage that speaks of all of them need not be named
MOST_OF_A_NAME = 0.66  # share of a long name's words that names it
_SAME_BEGINNING = 0.75  # of the longer of two stems, from which they are forms of one word
_SHORTEST_PIECE = 5  # letters of a stem that is known inside a compound
_SHORTEST_HEAD = 4  # letters of a stem that is known as its head; English writes its compounds apart
_HAS_BOTH = re.compile(r"(?=.*\d)(?=.*[^\W\d_])")


@dataclass(frozen=True)
class Asked:
    """What was asked for: ``text``, of which ``told`` was said before the question itself and may speak of other things as well.

    ``keys`` are the facts that it asks for by name, ``theme`` the stems of the words that most of the knowledge is about.
    """

    text: str
    code: Code
    keys: tuple[str, ...] = ()
    theme: frozenset[str] = frozenset()
    told: str = ""


def fitted(asked: Asked, found: tuple[Found, ...]) -> tuple[Found, ...]:
    """What was found, best fit first, with the fit as its score."""
    scored = [msgspec.structs.replace(one, score=fit(asked, one)) for one in found]
    return tuple(sorted(scored, key=lambda one: -one.score))


def fit(wanted: Asked, found: Found) -> float:
    """The search's score, lifted where the passage speaks of most of what was asked, lowered where it does not or is not named."""
    if found.score >= 1.0:
        return 1.0
    code = wanted.code
    asked = frozenset(content_stems(wanted.text, code))
    known = _known(asked, found.passage, code)
    told = frozenset(content_stems(wanted.told, code))
    idle = frozenset(word for word in asked if _is_idle(word, wanted.theme, code))
    strangers = asked - known - told - idle
    covered = len(known) / (len(known) + len(strangers | ((asked - known) & told))) if known else 0.0
    whole_title = found.score >= WHOLE_TITLE and _holds_title(asked, found.passage, code)
    score = found.score
    if covered < COVERED and not whole_title:
        score *= covered / COVERED
    elif score >= WORTH_A_LOOK:
        score = max(score, (score + (1.0 if whole_title else covered)) / 2)
    unknown = frozenset(word for word in asked - known - told if not _is_light(word, code))
    if len(strangers) > STRANGERS_MOST * (len(known - idle) + len(strangers)) or len(unknown) > len(known):
        score *= STRANGE
    if not has_the_kind(wanted.text.removeprefix(wanted.told), found.passage.text, code):
        score *= STRANGE
    plain = not asked - known and len(asked) >= PLAIN_WORDS
    only = wanted.keys == (found.passage.key,) and not strangers | unknown  # "opening hours?" names one fact of ours, and nothing else
    return round(score if plain or only or is_named(asked, found.passage, wanted.keys, code) else score * UNNAMED, 4)


def coverage(text: str, passage: Passage, code: Code) -> float:
    """The share of the text's words of substance that the passage speaks of, in whatever form; 0 to 1."""
    return _share(frozenset(content_stems(text, code)), passage, code)


def is_named(asked: frozenset[str], passage: Passage, keys: tuple[str, ...], code: Code) -> bool:
    """Does the question hold a name of what the passage is about? Prose without any name needs none."""
    written = [name for name in (_title(passage), passage.key.replace("_", " "), *passage.aliases) if name]
    if not written:
        return True
    if len(asked) == 1:  # one word is a name only where the company wrote it alone: "noise" is, "is it quiet" is not
        written = [name for name in written if len(tokens(name)) == 1]
    ways = [way for way in (frozenset(content_stems(name, code)) for name in written) if way]
    if passage.key in keys and any(_held(way, asked, code) > 0.5 for way in ways):
        return True
    return any(_held(way, asked, code) >= (1.0 if len(way) < PLAIN_WORDS else MOST_OF_A_NAME) for way in ways)


def codes(text: str) -> frozenset[str]:
    """The product and error codes in a text (E4, PX-200), without regard to how they are spaced."""
    return frozenset(word.replace("-", "") for word in tokens(text) if _HAS_BOTH.match(word))


def speaks_of(passage: Passage, wanted: frozenset[str]) -> bool:
    """Does the passage speak of all these codes?"""
    return not wanted or wanted <= codes(_everything(passage))


def speaks_of_names(passage: Passage, text: str, known: str, code: Code) -> bool:
    """Does the passage speak of everything that the question calls by name, but for what is ``known`` anyway (the company)?"""
    spoken = {*stems(_everything(passage), code), *stems(known, code)}
    return all(any(_same_word(word, other, code) for word in stems(name, code) for other in spoken) for name in names(text))


def _share(asked: frozenset[str], passage: Passage, code: Code) -> float:
    return len(_known(asked, passage, code)) / len(asked) if asked else 0.0


def _known(asked: frozenset[str], passage: Passage, code: Code) -> frozenset[str]:
    """The asked words that the passage speaks of."""
    spoken = set(stems(_everything(passage), code))
    return frozenset(word for word in asked if any(_same_word(word, other, code) for other in spoken))


def _is_idle(word: str, theme: frozenset[str], code: Code) -> bool:
    """Does the word say nothing about which passage is meant? A bare number does not: it belongs to a name or to a unit beside it."""
    return (
        word.isdecimal()
        or _is_light(word, code)
        or any(_same_word(word, other, code) or (len(other) >= _SHORTEST_PIECE and word.endswith(other)) for other in theme)
    )


def _is_light(word: str, code: Code) -> bool:
    return any(_same_form(word, other) for other in _light(code))


@cache
def _light(code: Code) -> frozenset[str]:
    return frozenset(stems(" ".join(lexicon.lists("light", code)["words"]), code))


def _holds_title(asked: frozenset[str], passage: Passage, code: Code) -> bool:
    title = frozenset(content_stems(_title(passage), code))
    return len(title) >= 2 and _held(title, asked, code) == 1.0


def _held(name: frozenset[str], asked: frozenset[str], code: Code) -> float:
    return sum(any(_same_word(word, other, code) for other in asked) for word in name) / len(name)


def _title(passage: Passage) -> str:
    return passage.title.rpartition(" › ")[2]


def _everything(passage: Passage) -> str:
    return " ".join((passage.title, passage.key.replace("_", " "), *passage.aliases, *passage.tags, passage.text))


def _same_word(asked: str, other: str, code: Code) -> bool:
    """Forms of one word, or the asked word inside a compound; not the other way round: salt water is not just any water."""
    if _same_form(asked, other) or (len(asked) >= _SHORTEST_PIECE and asked in other):
        return True
    return code != "en" and len(asked) >= _SHORTEST_HEAD and other.startswith(asked) and len(other) - len(asked) >= _SHORTEST_HEAD - 1


def _same_form(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    shared = next((at for at in range(len(short)) if short[at] != long[at]), len(short))
    return shared >= 4 and shared >= _SAME_BEGINNING * len(long)
