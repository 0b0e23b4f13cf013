"""An ear for tests that hears in each clip what it was told to hear, and small real wave files to tell it about."""

import io
import math
import struct
import threading
import wave
from collections.abc import Callable

import msgspec

from appliance.engines.ear.protocol import Hearing
from appliance.node.node import Node
from appliance.records.voice import Segment, Transcript

RATE = 8_000


def tone(pitch: float = 440.0, seconds: float = 0.5) -> bytes:
    """A wave file with a tone; each pitch is another clip."""
    samples = (int(8_000 * math.sin(2 * math.pi * pitch * at / RATE)) for at in range(int(RATE * seconds)))
    return _wave(b"".join(struct.pack("<h", sample) for sample in samples))


def silence(seconds: float = 0.5) -> bytes:
    return _wave(b"\0\0" * int(RATE * seconds))


def _wave(frames: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(frames)
    return out.getvalue()


class ToldEar:
    """Fails as it was told to, too. ``heard`` are the stages that it was asked for, in order."""

    name, version = "told", "1"

    def __init__(self) -> None:
        self.words: dict[bytes, Transcript] = {}
        self.fails: dict[str, list[Exception]] = {"quick": [], "final": []}
        self.heard: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def hold(self, data: bytes, text: str, confidence: float = 0.95, language: str = "en") -> bytes:
        """This clip holds these words; the clip."""
        segments = (Segment(text=text, starts=0.0, ends=1.0, confidence=confidence),) if text else ()
        self.words[data] = Transcript(
            text=text, language=language, segments=segments, seconds=1.0, speech_seconds=1.0 if text else 0.0, took_seconds=0.1,
            confidence=confidence if text else None, ear="told 1",
        )  # fmt: skip
        return data

    def hear(self, hearing: Hearing, on_segment: Callable[[Segment], None] | None = None) -> Transcript:
        stage = "quick" if hearing.quick else "final"
        self.heard.append(stage)
        assert self.may_go_on.wait(20)
        if self.fails[stage]:
            raise self.fails[stage].pop(0)
        transcript = self.words[hearing.data]
        for segment in transcript.segments if on_segment is not None else ():
            on_segment(segment)  # type: ignore[misc]
        return msgspec.structs.replace(transcript, final=not hearing.quick)

    def close(self) -> None:
        """Nothing is held open."""


def give_ear(node: Node, ear: ToldEar) -> ToldEar:
    """From now on the node hears with this ear."""
    node.engines.ear = ear
    return ear
