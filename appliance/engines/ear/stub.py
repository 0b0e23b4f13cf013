"""The stub twin: one fixed sentence for whatever was said. For tests, and for machines that are too weak for a real ear.

It does look at the clip: what is no sound is refused as a real ear refuses it, and silence has no words.
"""

import hashlib
from collections.abc import Callable

from appliance.engines.ear.options import EarOptions
from appliance.engines.ear.protocol import Ear, Hearing
from appliance.engines.ear.sound import checked, is_silent_wave, seconds_of_wave
from appliance.engines.ear.stages import FINAL, STREAMING, Stage, Stages
from appliance.ground.clock import Clock
from appliance.records.voice import Clip, Segment, Transcript, Word

TEXT = "QA transcript: mock worker output."
SECONDS = 2.0  # how long the sentence takes where the clip does not say how long it is


class StubEar:
    """Deterministic: the same clip gives the same transcript."""

    name = "stub"
    version = "1"

    def __init__(self, options: EarOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._asked = {FINAL: 0, STREAMING: 0}
        self._success_at = {FINAL: 0.0, STREAMING: 0.0}

    def look(self, data: bytes, name: str = "") -> Clip:
        """What the clip is. Raises ``ClipUnreadable``."""
        kind = checked(data, self._options.clip_bytes)
        return Clip(name=name, media_type=kind, size_bytes=len(data), seconds=seconds_of_wave(data) or SECONDS)

    def hear(self, hearing: Hearing, on_segment: Callable[[Segment], None] | None = None) -> Transcript:
        """The fixed sentence. Raises ``ClipUnreadable`` for what is no sound."""
        stage = STREAMING if hearing.quick else FINAL
        self._asked[stage] += 1
        clip = self.look(hearing.data, hearing.name)
        silent = is_silent_wave(hearing.data)
        segments = () if silent else (_segment(clip.seconds, hearing.words),)
        for segment in segments if on_segment is not None else ():
            on_segment(segment)  # type: ignore[misc]
        self._success_at[stage] = self._clock.now()
        return Transcript(
            text="" if silent else TEXT,
            language=hearing.language or "en",
            language_confidence=1.0,
            segments=segments,
            seconds=clip.seconds,
            speech_seconds=0.0 if silent else clip.seconds,
            confidence=None if silent else 1.0,
            ear=f"{self.name} {hashlib.sha256(hearing.data).hexdigest()[:8]} {self.version}",
            final=not hearing.quick,
        )

    def stages(self) -> Stages:
        """Both stages: a stub is always ready."""
        return {
            name: Stage(
                name=name,
                condition="ready" if wanted else "off",
                model=self.name,
                heartbeat_at=self._clock.now(),
                asked=self._asked[name],
                last_success_at=self._success_at[name],
            )
            for name, wanted in ((STREAMING, self._options.streaming), (FINAL, self._options.final))
        }

    def turn_on_quick_stage(self) -> None:
        """A stub's quick stage never breaks."""

    def health(self) -> str:
        """A stub is always well."""
        return ""

    def close(self) -> None:
        """There is nothing to let go of."""


def _segment(seconds: float, timed: bool) -> Segment:
    """The sentence over the whole clip, each word with an equal share of it."""
    spoken = TEXT.split()
    share = seconds / len(spoken)
    words = tuple(
        Word(text=word, starts=round(place * share, 2), ends=round((place + 1) * share, 2), probability=1.0)
        for place, word in enumerate(spoken)
    )
    return Segment(text=TEXT, starts=0.0, ends=seconds, confidence=1.0, words=words if timed else ())


def _is_an_ear(options: EarOptions, clock: Clock) -> Ear:
    """For the type checker: this class is an ear."""
    return StubEar(options, clock)
