"""One speaker or two: a call that was recorded with a side on each channel is heard side by side and put together by time."""

from collections.abc import Iterable

import numpy as np

from appliance.engines.ear.decoding import Samples
from appliance.engines.ear.sound import RATE
from appliance.records.voice import Segment

ALIKE = 0.5  # correlation of loudness over time; two people who take turns are near zero or below
SILENT = 0.01  # share of the other channel's loudness below which a channel carries nobody
_FRAME = RATE // 50
TURN = "– "  # how a turn of speech begins in Finnish and Swedish print, and is understood in English


def split(channels: tuple[Samples, ...]) -> tuple[tuple[int, Samples], ...]:
    """What to listen to, each with its speaker. Two only where the two channels carry different speech."""
    if len(channels) == 1:
        return ((0, channels[0]),)
    left, right = channels[0], channels[1]
    loudness = [float(np.sqrt(np.mean(np.square(channel)))) for channel in (left, right)]
    if max(loudness) == 0.0 or min(loudness) < SILENT * max(loudness):
        only = int(np.argmax(loudness))
        return ((only, channels[only]),)
    if likeness(left, right) >= ALIKE:
        return ((0, ((left + right) / 2).astype(np.float32)),)
    return ((0, left), (1, right))


def likeness(left: Samples, right: Samples) -> float:
    """How alike two channels get loud and quiet, -1 to 1. The waves themselves may differ: a room delays them."""
    envelopes = [_envelope(channel) for channel in (left, right)]
    if any(len(envelope) < 2 or float(np.std(envelope)) < 1e-9 for envelope in envelopes):
        return 1.0
    return float(np.corrcoef(envelopes[0], envelopes[1])[0, 1])


def _envelope(channel: Samples) -> Samples:
    whole = channel[: len(channel) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loudness: Samples = np.sqrt(np.mean(np.square(whole), axis=1), dtype=np.float32)
    return loudness


def by_time(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """All of a call in the order in which it was said."""
    return tuple(sorted(segments, key=lambda segment: (segment.starts, segment.speaker)))


def laid_out(segments: Iterable[Segment]) -> str:
    """The text for reading: one speaker as running text, two as turns, one a line."""
    said = [segment for segment in segments if segment.text]
    if len({segment.speaker for segment in said}) < 2:
        return " ".join(segment.text for segment in said)
    turns: list[tuple[int, str]] = []
    for segment in said:
        if turns and turns[-1][0] == segment.speaker:
            turns[-1] = (segment.speaker, f"{turns[-1][1]} {segment.text}")
        else:
            turns.append((segment.speaker, segment.text))
    return "\n".join(f"{TURN}{text}" for _, text in turns)
