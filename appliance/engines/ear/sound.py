"""What a clip is, told by its first bytes and never by its name: people send voice messages as ``.wav`` that are no wave at all.

Nothing heavy is needed for this; whether the sound can really be read turns out when it is decoded (:mod:`.decoding`).
"""

import io
import wave
from collections.abc import Callable

from appliance.engines.errors import ClipUnreadable

RATE = 16_000  # samples a second that an ear listens to
LEAST_BYTES = 45  # a wave's header alone has 44

_Test = Callable[[bytes], bool]
_KINDS: tuple[tuple[str, _Test], ...] = (
    ("audio/wav", lambda head: head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"),
    ("audio/aiff", lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")),
    ("audio/flac", lambda head: head[:4] == b"fLaC"),
    ("audio/ogg", lambda head: head[:4] == b"OggS"),
    ("audio/webm", lambda head: head[:4] == b"\x1a\x45\xdf\xa3"),
    ("audio/mp4", lambda head: head[4:8] == b"ftyp"),
    ("audio/amr", lambda head: head[:5] == b"#!AMR"),
    ("audio/basic", lambda head: head[:4] == b".snd"),
    ("audio/x-caf", lambda head: head[:4] == b"caff"),
    ("audio/x-ms-wma", lambda head: head[:4] == b"\x30\x26\xb2\x75"),
    ("audio/aac", lambda head: head[:1] == b"\xff" and head[1] & 0xF6 == 0xF0),
    ("audio/mpeg", lambda head: head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0)),
)


def media_type(data: bytes) -> str:
    """The media type of a sound file, "" when its first bytes are those of none that we know."""
    head = data[:16]
    return next((kind for kind, fits in _KINDS if len(head) == 16 and fits(head)), "")


def checked(data: bytes, most_bytes: int) -> str:
    """The media type of what may be a clip. Raises ``ClipUnreadable`` with the reason when it can be none."""
    if not data:
        raise ClipUnreadable("The clip is empty: it has no bytes at all.", "Record it again.")
    if len(data) > most_bytes:
        raise ClipUnreadable(
            f"The clip has {len(data):,} bytes; {most_bytes:,} are allowed.", "Send a shorter one, or raise voice.clip_bytes."
        )
    kind = media_type(data)
    if not kind:
        raise ClipUnreadable(
            "The file is no sound that is known here, whatever its name says.", "Send a wav, mp3, m4a, ogg, webm or flac file."
        )
    if len(data) < LEAST_BYTES:
        raise ClipUnreadable("The clip is empty: it has a head and no sound.", "Record it again.")
    if kind == "audio/wav" and _wave_without_sound(data):
        raise ClipUnreadable("The clip is empty: it has a head and no sound.", "Record it again.")
    return kind


def seconds_of_wave(data: bytes) -> float:
    """How long a plain wave file is; 0.0 for anything else."""
    opened = _wave(data)
    return 0.0 if opened is None else round(len(opened[1]) / opened[0], 3)


def is_silent_wave(data: bytes) -> bool:
    """Whether a plain wave file holds nothing but the same value over and over: digital silence."""
    opened = _wave(data)
    return opened is not None and len(set(opened[1])) <= 1


def _wave(data: bytes) -> tuple[int, bytes] | None:
    """Bytes a second and the sound's bytes; None when it is no plain wave."""
    if media_type(data) != "audio/wav":
        return None
    try:
        with wave.open(io.BytesIO(data)) as file:
            return max(1, file.getframerate() * file.getnchannels() * file.getsampwidth()), file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError):
        return None


def _wave_without_sound(data: bytes) -> bool:
    opened = _wave(data)
    return opened is not None and not opened[1]
