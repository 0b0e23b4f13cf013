"""The listening itself, within the ear's own process: speech found, language told, words heard, and only the believed ones kept.

The model is handed in, so that nothing here has to know where it came from.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from appliance.engines.ear.asked import Asked
from appliance.engines.ear.decoding import Samples, Sound
from appliance.engines.ear.gates import Believed, confidence, objection
from appliance.engines.ear.sound import RATE
from appliance.engines.ear.spans import Span, Timeline, overlap_seconds, padded, seconds_of
from appliance.engines.ear.speakers import by_time, laid_out, split
from appliance.records.voice import Segment, Transcript, Word

DETECT_SECONDS = 30
FindSpeech = Callable[[Samples], list[Span]]
Tell = Callable[[Segment], None]

# What keeps a Whisper model from telling stories, apart from the gates: it never continues from what it wrote before.
NEVER_ON = {"condition_on_previous_text": False, "vad_filter": False, "log_progress": False, "task": "transcribe"}


@dataclass
class Side:
    """One speaker's channel: where they speak, and that speech alone."""

    speaker: int
    spans: tuple[Span, ...]
    wide: tuple[Span, ...]
    speech: Samples


@dataclass
class Kept:
    """What was believed so far, and how often something was not, by its code."""

    segments: list[Segment] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def listen(model: Any, find_speech: FindSpeech, sound: Sound, asked: Asked, tell: Tell, elapsed: Callable[[], float]) -> Transcript:
    """The transcript of one clip. ``tell`` hears each believed segment at once where there is one speaker, else all at the end."""
    begun = elapsed()
    offset = max(0.0, sound.seconds - asked.last_seconds) if asked.last_seconds else 0.0
    sides = [_side(speaker, channel[int(offset * RATE) :], find_speech) for speaker, channel in split(sound.channels)]
    language, sure = language_of(model, sides, asked)
    alone = len(sides) == 1
    kept = Kept()
    for side in sides:
        texts: list[str] = []
        for heard in _heard(model, side, asked, language, offset):
            if code := objection(heard, texts):
                kept.dropped[code] += 1
                continue
            texts.append(heard.text)
            kept.segments.append(_segment(heard, side.speaker, asked.words))
            if alone:
                tell(kept.segments[-1])
    ordered = by_time(kept.segments)
    for segment in () if alone else ordered:
        tell(segment)
    return Transcript(
        text=laid_out(ordered),
        language=language,
        language_confidence=round(sure, 3),
        segments=ordered,
        speakers=max(1, len({segment.speaker for segment in ordered})),
        seconds=round(sound.seconds, 3),
        speech_seconds=round(sum(seconds_of(side.spans) for side in sides), 3),
        took_seconds=round(elapsed() - begun, 3),
        confidence=_confidence(ordered),
        dropped=dict(kept.dropped),
    )


def language_of(model: Any, sides: list[Side], asked: Asked) -> tuple[str, float]:
    """The language and how sure that is, among the company's own; ("", 0.0) when nobody speaks or the model cannot tell languages."""
    if asked.language:
        return asked.language, 1.0
    longest = max(sides, key=lambda side: len(side.speech))
    if not model.model.is_multilingual or not len(longest.speech):
        return "", 0.0
    if len(asked.languages) == 1:
        return asked.languages[0], 1.0
    _, _, found = model.detect_language(audio=longest.speech[: DETECT_SECONDS * RATE])
    return among(dict(found), asked.languages)


def among(found: dict[str, float], languages: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest of these languages and its share of what they have together; of all when none is named."""
    shares = {code: found.get(code, 0.0) for code in languages or found}
    together = sum(shares.values())
    if together <= 0.0:
        return (languages[0], 0.0) if languages else ("", 0.0)
    best = max(shares, key=lambda code: shares[code])
    return best, shares[best] / together


def _side(speaker: int, channel: Samples, find_speech: FindSpeech) -> Side:
    spans = tuple(find_speech(channel))
    wide = padded(spans, len(channel))
    pieces = [channel[start:end] for start, end in wide]
    return Side(speaker, spans, wide, np.concatenate(pieces) if pieces else np.zeros(0, np.float32))


def _heard(model: Any, side: Side, asked: Asked, language: str, offset: float) -> Iterator[Believed]:
    """What the model writes of one side, with times of the clip. Nothing at all where the detector found no speech."""
    if not len(side.speech):
        return
    timeline = Timeline(side.wide)
    for segment in _written(model, side.speech, asked, language):
        starts, ends = timeline.in_clip(segment.start), timeline.in_clip(segment.end, ends=True)
        yield Believed(
            text=segment.text.strip(),
            starts=round(starts + offset, 3),
            ends=round(max(starts, ends) + offset, 3),
            score=segment.avg_logprob,
            no_speech=segment.no_speech_prob,
            speech_seconds=overlap_seconds(side.spans, starts, ends),
            words=tuple(_word(word, timeline, offset) for word in segment.words or ()),
        )


def _written(model: Any, speech: Samples, asked: Asked, language: str) -> Iterator[Any]:
    """The model's segments. Where words cannot be placed in time it throws away the whole segment: then it is asked without times."""
    many = model.model.is_multilingual
    settings = {
        "language": (language or None) if many else "en",
        "beam_size": asked.beam_size,
        "temperature": list(asked.temperatures),
        **NEVER_ON,
    }
    something = False
    for segment in model.transcribe(speech, word_timestamps=asked.words, **settings)[0]:
        something = True
        yield segment
    if asked.words and not something:
        yield from model.transcribe(speech, word_timestamps=False, **settings)[0]


def _word(word: Any, timeline: Timeline, offset: float) -> Word:
    starts, ends = timeline.in_clip(word.start), timeline.in_clip(word.end, ends=True)
    return Word(
        text=word.word.strip(),
        starts=round(starts + offset, 3),
        ends=round(max(starts, ends) + offset, 3),
        probability=round(float(word.probability), 3),
    )


def _segment(heard: Believed, speaker: int, timed: bool) -> Segment:
    return Segment(
        text=heard.text,
        starts=heard.starts,
        ends=heard.ends,
        speaker=speaker,
        confidence=confidence(heard.score, heard.words),
        words=heard.words if timed else (),
    )


def _confidence(segments: tuple[Segment, ...]) -> float | None:
    """Of the whole clip: each segment counts by its length in characters."""
    length = sum(len(segment.text) for segment in segments)
    return round(sum(segment.confidence * len(segment.text) for segment in segments) / length, 3) if length else None
