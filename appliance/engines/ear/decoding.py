"""From a file's bytes to samples: only within the ear's own process, for a decoder of foreign files is where a crash is most likely.

Whatever the container, what comes out is 16 kHz, 32-bit float, one array a channel and two channels at most.
"""

import io
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from appliance.engines.ear.sound import RATE, checked, media_type
from appliance.engines.errors import ClipUnreadable

LEAST_SECONDS = 0.05
_BROKEN_FRAMES_MOST = 50
LOUDEST = 2.0  # a little over full is common; anything beyond, and what is no number, would spoil the model's own numbers
DECODER_BYTES = 500_000_000  # that a decoder may take beside the sound: a file of a few hundred bytes may claim to hold millions of pieces
# What a file is opened as, by what it begins with. Left to itself the library takes a text behind a tag of ID3 for a list of addresses
# or a description of a session, and would call there.
_DEMUXERS = {
    "audio/wav": "wav",
    "audio/aiff": "aiff",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/webm": "matroska",
    "audio/mp4": "mov",
    "audio/amr": "amr",
    "audio/basic": "au",
    "audio/x-caf": "caf",
    "audio/x-ms-wma": "asf",
    "audio/aac": "aac",
    "audio/mpeg": "mp3",
}
_TAG_HEAD = 10  # bytes of an ID3 tag before its content
Samples = np.ndarray[tuple[int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded clip. ``lost``: how many pieces of it could not be read, as at the end of a file that is cut off."""

    media_type: str
    channels: tuple[Samples, ...]
    lost: int = 0

    @property
    def seconds(self) -> float:
        return len(self.channels[0]) / RATE


def decode(data: bytes, most_bytes: int, most_seconds: float) -> Sound:
    """The clip's sound. Raises ``ClipUnreadable``: nothing in it, no sound, damaged from the start, too long."""
    import av  # late: with it come the decoders of every format

    kind = checked(data, most_bytes)
    try:
        with (
            _no_more_than(2 * 2 * 4 * int(most_seconds * RATE) + DECODER_BYTES),  # two channels of four bytes, in pieces and then whole
            av.open(io.BytesIO(data), mode="r", format=_demuxer(kind, data), metadata_errors="ignore") as container,
        ):
            if not container.streams.audio:
                raise ClipUnreadable("The file holds no sound, only pictures or text.", "Send the sound alone.")
            pieces, lost = _pieces(container, av, most_seconds)
            whole = np.concatenate(pieces, axis=1) if pieces else np.zeros((1, 0), np.float32)
    except (av.error.FFmpegError, ValueError, EOFError, MemoryError) as error:
        raise ClipUnreadable(f"The clip cannot be read: {_reason(error)}.", "Record it again, or save it as wav.") from error
    np.clip(np.nan_to_num(whole, copy=False), -LOUDEST, LOUDEST, out=whole)
    if whole.shape[1] < LEAST_SECONDS * RATE:
        raise ClipUnreadable(_why_empty(lost), "Record it again.")
    return Sound(media_type=kind, channels=tuple(np.ascontiguousarray(row) for row in whole), lost=lost)


def _pieces(container: Any, av: Any, most_seconds: float) -> tuple[list[np.ndarray[Any, np.dtype[np.float32]]], int]:
    """Resampled pieces, channels by samples, and how many could not be read."""
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise ClipUnreadable("The file's sound is in a form that is not known here.", "Save it as wav.")
    stereo = (stream.codec_context.channels or 1) >= 2
    resampler = av.AudioResampler(format="fltp", layout="stereo" if stereo else "mono", rate=RATE)
    pieces, lost, length = [], 0, 0
    for frame in _readable(container, av):
        if frame is None:
            lost += 1
            continue
        frame.pts = None  # times that jump would be refused
        if length + frame.samples * RATE / max(1, frame.sample_rate) > most_seconds * RATE:  # a frame of one sample a second holds hours
            raise _too_long(most_seconds)
        for made in resampler.resample(frame):
            pieces.append(made.to_ndarray())
            length += made.samples
    if length:
        pieces += [made.to_ndarray() for made in resampler.resample(None)]
    return pieces, lost


@contextmanager
def _no_more_than(more_bytes: int) -> Iterator[None]:
    """Whoever asks for more memory than this inside is told that there is none. Only Linux counts it in time; elsewhere the daemon's own
    look at this process has to be enough."""
    if sys.platform != "linux":
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = _data_bytes() + more_bytes
    if before[0] != resource.RLIM_INFINITY:
        most = min(most, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int:
    """What this process has of its own already, as the limit counts it."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * resource.getpagesize()


def _too_long(most_seconds: float) -> ClipUnreadable:
    return ClipUnreadable(f"The clip is longer than {most_seconds:.0f} seconds.", "Send it in parts, or raise voice.clip_seconds.")


def _demuxer(kind: str, data: bytes) -> str:
    """Behind a tag may lie other sound than MPEG's: AAC and FLAC bear one too."""
    if data[:3] == b"ID3":
        size = _TAG_HEAD + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
        tagged = media_type(data[size : size + 64])
        kind = tagged if tagged in ("audio/aac", "audio/flac") else kind
    return _DEMUXERS[kind]


def _readable(container: Any, av: Any) -> Iterator[Any]:
    """One frame after another; None for what could not be read. Ends where the file does, or where it is cut off."""
    frames = container.decode(audio=0)
    broken = 0
    while broken < _BROKEN_FRAMES_MOST:
        try:
            yield next(frames)
        except (StopIteration, EOFError):
            return
        except av.error.InvalidDataError:
            broken += 1
            yield None


def _why_empty(lost: int) -> str:
    return "The clip is cut off or damaged: no sound in it can be read." if lost else "The clip is empty: no sound lies in it."


def _reason(error: Exception) -> str:
    """The decoder's own words, without a file name."""
    said = str(getattr(error, "strerror", "") or "").strip().rstrip(".").lower()
    return said or "it is damaged or cut off"
