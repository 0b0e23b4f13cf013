"""Sounds for the ear's tests: sixty that hold no word, and wave files of any kind made from samples.

All are synthesised from a fixed seed: the same on every machine, and free of anybody's rights.
"""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

VOICE = Path(__file__).parents[1] / "data" / "voice"
TINY_EAR = Path(__file__).parents[1] / "data" / "models" / "ear"
RATE = 16_000
Samples = np.ndarray


def wave_file(*channels: Samples, rate: int = RATE, bits: int = 16) -> bytes:
    """A wave file of these channels, values from -1 to 1."""
    rows = np.clip(np.stack(channels, axis=1), -1, 1)
    numbers = ((rows + 1) * 127.5).round().astype(np.uint8) if bits == 8 else (rows * 32767).round().astype("<i2")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(numbers.tobytes())
    return made.getvalue()


def seconds(length: float) -> Samples:
    """The times of so many seconds' samples."""
    return np.arange(int(length * RATE)) / RATE


def tone(length: float, *hertz: float, level: float = 0.3) -> Samples:
    times = seconds(length)
    return level * sum(np.sin(2 * np.pi * pitch * times) for pitch in hertz) / max(1, len(hertz))


def noise(length: float, slope: float, level: float, seed: int) -> Samples:
    """Noise that falls by this power of the pitch: 0 white, 0.5 pink, 1 brown."""
    count = int(length * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    made = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20) ** slope, count)
    return level * made / np.max(np.abs(made))


def spaced(piece: Samples, pause: float, length: float) -> Samples:
    """The piece again and again with pauses, for so long."""
    one = np.concatenate([piece, np.zeros(int(pause * RATE))])
    return np.tile(one, int(np.ceil(length * RATE / len(one))))[: int(length * RATE)]


def faded(piece: Samples, edge: float = 0.01) -> Samples:
    ramp = np.minimum(1.0, np.arange(len(piece)) / max(1, edge * RATE))
    return piece * ramp * ramp[::-1]


def plucked(pitch: float, length: float) -> Samples:
    """A note with overtones that dies away."""
    times = seconds(length)
    return sum(np.sin(2 * np.pi * pitch * part * times) * np.exp(-times * (2 + part)) / part for part in range(1, 6))


def held(pitch: float, length: float, waver: float = 0.0) -> Samples:
    """A note as strings play it."""
    times = seconds(length)
    bent = 2 * np.pi * pitch * times + waver * np.sin(2 * np.pi * 5.5 * times)
    return faded(sum(np.sin(part * bent) / part**1.5 for part in range(1, 8)), 0.08)


def melody(pitches: list[float], beat: float, note: str, level: float) -> Samples:
    made = [plucked(pitch, beat) if note == "plucked" else held(pitch, beat, 0.4 if note == "wavering" else 0.0) for pitch in pitches]
    whole = np.concatenate(made)
    return level * whole / np.max(np.abs(whole))


def chords(roots: list[float], beat: float, level: float) -> Samples:
    whole = np.concatenate([sum(held(root * step, beat) for step in (1, 1.26, 1.5)) for root in roots])
    return level * whole / np.max(np.abs(whole))


def drums(length: float, seed: int) -> Samples:
    hit = noise(0.08, 0.2, 0.5, seed) * np.exp(-seconds(0.08) * 40)
    return spaced(hit, 0.42, length)


def breath(length: float, level: float, seed: int) -> Samples:
    swell = np.sin(np.pi * seconds(length) / length * 2) ** 2
    return noise(length, 0.3, level, seed) * swell


DTMF = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "0": (941, 1336), "#": (941, 1477), "7": (852, 1209)}
_C = [261.6, 329.6, 392.0, 523.3, 392.0, 329.6, 293.7, 261.6]


def without_words() -> Iterator[tuple[str, Samples]]:
    """Sixty sounds that hold no word, each with its name."""
    for length in (0.3, 1.0, 3.0, 6.0):
        yield f"silence {length} s", np.zeros(int(length * RATE))
    yield "silence with an offset", np.full(2 * RATE, 0.05)
    yield "silence with one bit of noise", np.sign(noise(3, 0, 1, 1)) / 32767
    for name, slope in (("white", 0.0), ("pink", 0.5), ("brown", 1.0)):
        for place, (length, level) in enumerate(((1, 0.9), (3, 0.3), (6, 0.1), (4, 0.02), (2, 0.003))):
            yield f"{name} noise at {level}", noise(length, slope, level, 10 + place)
    for pitch in (50, 60, 100, 120):
        yield f"hum of {pitch} Hz", tone(4, pitch, 2 * pitch, 3 * pitch, level=0.2)
    yield "hum under noise", tone(5, 50, 150, level=0.1) + noise(5, 0.5, 0.05, 30)
    for note in ("plucked", "held", "wavering"):
        yield f"hold music, {note}", melody(_C, 0.5, note, 0.4)
        yield f"hold music, {note}, soft and low", melody([pitch / 2 for pitch in _C], 0.7, note, 0.05)
    yield "hold music, chords", chords([130.8, 174.6, 196.0, 130.8], 1.2, 0.5)
    yield "hold music with drums", melody(_C, 0.5, "plucked", 0.3) + drums(4, 40)
    yield "hold music over noise", chords([110.0, 146.8, 164.8, 110.0], 1.0, 0.3) + noise(4, 0.5, 0.05, 41)
    for digit, pitches in DTMF.items():
        yield f"key {digit}", spaced(faded(tone(0.2, *pitches, level=0.5)), 0.15, 2)
    yield "a number dialled", np.concatenate([faded(tone(0.12, *DTMF[key])) for key in "159075910" for _ in (0, 1)])
    yield "one beep", np.concatenate([np.zeros(RATE), faded(tone(0.5, 1000)), np.zeros(RATE)])
    yield "answering machine's beep", np.concatenate([np.zeros(RATE // 2), faded(tone(1.2, 1400, level=0.7)), np.zeros(2 * RATE)])
    for pitch in (440, 800, 2000):
        yield f"beeps of {pitch} Hz", spaced(faded(tone(0.25, pitch)), 0.25, 4)
    yield "rising beeps", np.concatenate([faded(tone(0.3, pitch)) for pitch in (300, 500, 800, 1300, 2100)])
    yield "ringing, European", spaced(faded(tone(1.0, 425, level=0.4)), 3.0, 6)
    yield "ringing, American", spaced(faded(tone(2.0, 440, 480, level=0.4)), 1.0, 6)
    yield "engaged", spaced(faded(tone(0.5, 425, level=0.4)), 0.5, 5)
    yield "no such number", spaced(np.concatenate([faded(tone(0.33, pitch)) for pitch in (950, 1400, 1800)]), 1.0, 5)
    yield "old telephone's bell", spaced(faded(tone(0.04, 1100, 1500, level=0.6)), 0.02, 3)
    for gap in (0.05, 0.7):
        yield f"clicks every {gap} s", spaced(np.array([0.9, -0.7, 0.3]), gap, 4)
    yield "crackle", np.where(np.abs(noise(4, 0, 1, 50)) > 0.75, 0.8, 0.0)
    for length, level in ((2, 0.2), (4, 0.05), (6, 0.5)):
        yield f"breath for {length} s", breath(length, level, int(60 + length))
    yield "wind in the microphone", noise(5, 1.2, 0.9, 70) * (0.5 + 0.5 * np.sin(2 * np.pi * 0.6 * seconds(5)))
