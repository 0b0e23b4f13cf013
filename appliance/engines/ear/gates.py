"""What of the words an ear believes it heard is believed: a Whisper model that hears no speech writes some all the same.

Pure: numbers in, a code out. The voice activity detector stands before all of this and removes what is no speech; the gates are for
what slips through, and for a model that loses its way in real speech. When in doubt words are dropped and counted: a missing word brings
a person to the clip, an invented one is answered.
"""

import math
import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

from appliance.records.base import Record
from appliance.records.voice import Word

NO_SPEECH = 0.6  # the model's own guess that nobody speaks
NO_SPEECH_SURE = -0.6  # the score below which that guess counts
UNSURE = -1.0  # mean logarithm of the tokens' probabilities
REPETITIVE = 2.4  # how many times smaller a text gets when packed
SPEECH_SECONDS_LEAST = 0.1
CHARACTERS_A_SECOND_MOST = 45.0  # nobody speaks twice as fast as the fastest speakers
ROUNDS_MOST = 3  # a phrase said more often in a row was invented
AGAIN_MOST = 2  # the same whole segment so often in a row may have been said
_WORDS = re.compile(r"\w+", re.UNICODE)

# What Whisper models write over silence and music, learnt from subtitles of films; a segment that is nothing else is dropped.
INVENTED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(sub)?titles? (by|from|made by)\b.*",
        r"(transcribed|translated|captions?|captioned) by\b.*",
        r"(thanks|thank you)( so much| very much)? for (watching|viewing|listening)\b.*",
        r"(please )?(like and )?subscribe\b.*",
        r"(.*\b)?amara[.]org\b.*",
        r"(suomennos|tekstitys|tekstit|käännös)\s*[:;].*",
        r"kiitos (kun katsoit(te)?|katsomisesta)\b.*",
        r"(undertexter?|textning|översättning)( av\b|\s*[:;]).*",
        r"tack för att (du|ni) (har )?titta(t|de|r)\b.*",
        r"(.*\b)?(btistudios|svensktextning)\b.*",
        r"(www[.]|https?://)\S+",
    )
)


class Believed(Record):
    """One stretch that the model gave words for, with the model's own figures.

    ``score`` is the mean logarithm of the tokens' probabilities, ``no_speech`` the model's guess that nobody speaks, 0 to 1.
    ``speech_seconds`` is how much speech the detector found between ``starts`` and ``ends``, both in seconds of the clip.
    """

    text: str
    starts: float
    ends: float
    score: float
    no_speech: float
    speech_seconds: float
    words: tuple[Word, ...] = ()


def objection(heard: Believed, before: Sequence[str] = ()) -> str:
    """Why this is not believed, as a code; "" when it is. ``before`` are the texts kept so far on this channel, in order."""
    text = heard.text.strip()
    spoken = [word.lower() for word in _WORDS.findall(text)]
    if not spoken:
        return "no_words"
    if heard.speech_seconds < SPEECH_SECONDS_LEAST:
        return "no_sound"
    if not (math.isfinite(heard.score) and math.isfinite(heard.no_speech)):
        return "unsure"  # damaged weights: what is not a number is neither above a limit nor below it
    if heard.no_speech > NO_SPEECH and heard.score < NO_SPEECH_SURE:
        return "no_speech"
    if heard.score < UNSURE:
        return "unsure"
    if packed_ratio(text) > REPETITIVE or rounds(spoken) > ROUNDS_MOST or _again(spoken, before):
        return "repeats"
    if len(text) > 12 + CHARACTERS_A_SECOND_MOST * heard.speech_seconds:
        return "too_fast"
    if any(pattern.fullmatch(text.strip(" \"'.!?…♪-")) for pattern in INVENTED):
        return "known_invention"
    return ""


def packed_ratio(text: str) -> float:
    """How many times smaller the text gets when packed; ordinary speech stays below 2."""
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain))


def rounds(words: Sequence[str]) -> int:
    """How often the phrase that is said most often in a row is said, whatever its length."""
    most = 1
    for length in range(1, len(words) // 2 + 1):
        for start in range(min(length, len(words) - length)):
            pieces = [tuple(words[at : at + length]) for at in range(start, len(words) - length + 1, length)]
            run = 1
            for earlier, later in pairwise(pieces):
                run = run + 1 if earlier == later else 1
                most = max(most, run)
    return most


def confidence(score: float, words: Sequence[Word]) -> float:
    """How sure the ear is of a stretch, 0 to 1: by its words where their probabilities are known, else by the score."""
    sure = sum(word.probability for word in words) / len(words) if words else math.exp(min(score, 0.0))
    return round(max(0.0, min(1.0, sure)), 3) if math.isfinite(sure) else 0.0


def _again(spoken: Sequence[str], before: Sequence[str]) -> bool:
    """Whether the same whole segment was kept as often in a row as it may be."""
    last = [[word.lower() for word in _WORDS.findall(text)] for text in before[-AGAIN_MOST:]]
    return len(last) == AGAIN_MOST and all(words == list(spoken) for words in last)
