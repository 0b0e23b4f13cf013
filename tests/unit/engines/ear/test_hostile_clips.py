"""Clips that nobody recorded: they are told as unreadable, within bounds, and what is no number never reaches a model."""

import io
import resource
import struct
import subprocess
import sys
from collections.abc import Callable

import av
import numpy as np
import pytest

from appliance.engines.ear.decoding import LOUDEST, decode
from appliance.engines.errors import ClipUnreadable

MOST = 25_000_000


def wave(channels: int = 1, rate: int = 16_000, bits: int = 16, data: bytes = b"\x01\x02" * 50_000, kind: int = 1) -> bytes:
    """A wave file whose head says whatever one likes."""
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", kind, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    sizes = [struct.pack("<I", size) for size in (36 + len(data), 16, len(data))]
    return b"".join((b"RIFF", sizes[0], b"WAVEfmt ", sizes[1], head, b"data", sizes[2], data))


def atom(kind: bytes, *inside: bytes) -> bytes:
    content = b"".join(inside)
    return struct.pack(">I", len(content) + 8) + kind + content


def table(kind: bytes, *numbers: int, inside: bytes = b"") -> bytes:
    return atom(kind, struct.pack(f">I{len(numbers)}I", 0, *numbers), inside)


def claims(pieces: int) -> bytes:
    """An MPEG-4 file of a few hundred bytes that claims to hold so many pieces of sound."""
    sound = atom(b"sowt", bytes(6), struct.pack(">H8xHHHHI", 1, 1, 16, 0, 0, 16_000 << 16))
    stbl = atom(
        b"stbl",
        table(b"stsd", 1, inside=sound),
        table(b"stts", 2, pieces // 2, 1, pieces // 2, 2),
        table(b"stsc", 1, 1, pieces, 1),
        table(b"stsz", 1, pieces),
        table(b"stco", 1, 40),
    )
    dinf = atom(b"dinf", table(b"dref", 1, inside=table(b"url ")))
    handler, minf = table(b"hdlr", 0, 0x736F756E, 0, 0, 0), atom(b"minf", table(b"smhd", 0), dinf, stbl)
    media = atom(b"mdia", table(b"mdhd", 0, 0, 16_000, pieces, 0), handler, minf)
    track = atom(b"trak", table(b"tkhd", 0, 0, 1, 0, pieces, *[0] * 15), media)
    movie = atom(b"moov", table(b"mvhd", 0, 0, 16_000, pieces, *[0] * 20), track)
    return b"".join((atom(b"ftyp", b"isom\0\0\0\0isom"), atom(b"mdat", bytes(100)), movie))


def a_webm_of_an_unknown_form() -> bytes:
    made = io.BytesIO()
    with av.open(made, "w", format="matroska") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return made.getvalue().replace(b"A_PCM/INT/LIT", b"A_XCM/INT/LIT")


@pytest.mark.parametrize(
    "make",
    [
        lambda: wave(channels=255), lambda: wave(channels=65_535), lambda: wave(channels=0), lambda: wave(rate=0),
        lambda: wave(rate=2**31 - 1), lambda: wave(rate=1), lambda: wave(bits=0), lambda: wave(kind=0x1234),
        a_webm_of_an_unknown_form, lambda: claims(1 << 16),
    ],
)  # fmt: skip
def test_a_file_that_nobody_recorded_is_unreadable_and_no_fault_of_the_ears(make: Callable[[], bytes]) -> None:
    with pytest.raises(ClipUnreadable):
        decode(make(), MOST, 3600.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e38])
def test_what_is_no_number_of_a_sound_never_reaches_a_model(value: float) -> None:
    sound = decode(wave(bits=32, kind=3, data=struct.pack("<f", value) * 50_000), MOST, 60.0)
    assert np.isfinite(sound.channels[0]).all()
    assert np.abs(sound.channels[0]).max() <= LOUDEST


@pytest.mark.parametrize(("rate", "bits", "kind"), [(192_000, 32, 3), (4_000, 8, 7), (16_000, 24, 1)])
def test_rare_forms_that_are_sound_are_still_heard(rate: int, bits: int, kind: int) -> None:
    assert decode(wave(rate=rate, bits=bits, kind=kind, data=bytes(rate * bits // 8)), MOST, 60.0).seconds == pytest.approx(1.0, abs=0.1)


def test_a_small_file_that_claims_millions_of_pieces_takes_no_gigabytes() -> None:
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from appliance.engines.ear.decoding import decode\n"
        "from appliance.engines.errors import ClipUnreadable\n"
        "try:\n    decode(sys.stdin.buffer.read(), 25_000_000, 60.0)\n"
        "except ClipUnreadable:\n    pass\n"
        "own = Path('/proc/self/status')\n"  # on Linux getrusage counts what the parent had before this program began
        "lines = own.read_text().splitlines() if own.exists() else []\n"
        "most = [line.split()[1] for line in lines if line.startswith('VmHWM')]\n"
        "print(most[0] if most else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=claims(1 << 26), capture_output=True, timeout=60, check=True)
    taken = int(done.stdout) // (1 if sys.platform == "linux" else 1024)  # macOS tells bytes, and has the daemon's own look at the process
    assert taken < (900_000 if sys.platform == "linux" else 4_000_000), "kilobytes; without a limit it was 2,400,000"


def test_the_limit_is_lifted_again_behind_every_clip() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ClipUnreadable):
        decode(claims(1 << 16), MOST, 60.0)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
