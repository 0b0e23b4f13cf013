"""Where in a clip somebody speaks, and from the time in the speech alone back to the time in the clip. Pure; all in samples or seconds.

The detector gives a probability for each window of 32 ms. Clear speech takes it above .97 within a syllable, even under loud noise; an
old recording keeps it near .8 for seconds; a hum or a plucked string gets it to .89, for a moment. So a clip is believed to hold
speech when the detector is nearly certain at once, or rather sure for long.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from appliance.engines.ear.sound import RATE

Span = tuple[int, int]  # samples, the end not counted
WINDOW = 512  # samples that the detector judges together
SURE = 0.9
LIKELY = 0.5
UNLIKELY = 0.35
LEAST_SAMPLES = RATE // 5
PAUSE_SAMPLES = RATE
LONG_SAMPLES = RATE * 13 // 10
PAD_SAMPLES = RATE * 4 // 10  # before and after, for a word's soft beginning and end


def speech_in(probabilities: Sequence[float], length: int) -> list[Span]:
    """Where speech is, from the detector's probability for each window of a clip of so many samples.

    A stretch begins at a likely window and ends before a pause of a second; one shorter than a short word is dropped.
    """
    found = [(start, min(end, length)) for start, end in _stretches(probabilities)]
    found = [(start, end) for start, end in found if end - start >= LEAST_SAMPLES]
    likely = WINDOW * sum(probability >= LIKELY for probability in probabilities)
    return found if max(probabilities, default=0.0) >= SURE or likely >= LONG_SAMPLES else []


def _stretches(probabilities: Sequence[float]) -> Iterator[Span]:
    start = end = -1
    for place, probability in enumerate(probabilities):
        at = place * WINDOW
        if start >= 0 and at - end >= PAUSE_SAMPLES:
            yield start, end
            start = -1
        if probability >= (LIKELY if start < 0 else UNLIKELY):
            start, end = (at if start < 0 else start), at + WINDOW
    if start >= 0:
        yield start, end


def padded(spans: Sequence[Span], length: int) -> tuple[Span, ...]:
    """Each span made wider; what then touches becomes one."""
    wide: list[Span] = []
    for start, end in spans:
        start, end = max(0, start - PAD_SAMPLES), min(length, end + PAD_SAMPLES)
        if wide and start <= wide[-1][1]:
            wide[-1] = (wide[-1][0], end)
        else:
            wide.append((start, end))
    return tuple(wide)


def seconds_of(spans: Sequence[Span]) -> float:
    """How long all of them are together."""
    return sum(end - start for start, end in spans) / RATE


def overlap_seconds(spans: Sequence[Span], starts: float, ends: float) -> float:
    """How much of these spans lies between two times of the clip."""
    return sum(max(0.0, min(end / RATE, ends) - max(start / RATE, starts)) for start, end in spans)


class Timeline:
    """The speech of a clip, put together without its pauses, with a way back to the times in the clip."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = tuple(spans)
        self._begins: list[int] = []  # where each span begins once the pauses are gone
        at = 0
        for start, end in self._spans:
            self._begins.append(at)
            at += end - start
        self._length = at

    def in_clip(self, seconds: float, ends: bool = False) -> float:
        """The time in the clip. At a seam an end belongs to the span before it, a start to the one after."""
        if not self._spans:
            return round(seconds, 3)
        sample = min(max(0, round(seconds * RATE)), self._length)
        place = max(0, bisect_right(self._begins, sample - (1 if ends and sample else 0)) - 1)
        start, end = self._spans[place]
        return round(min(start + sample - self._begins[place], end) / RATE, 3)
