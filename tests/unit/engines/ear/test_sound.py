"""What a clip is by its bytes, whatever it is called, and what comes out of it."""

import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest

from appliance.engines.ear.decoding import decode
from appliance.engines.ear.sound import RATE, checked, is_silent_wave, media_type, seconds_of_wave
from appliance.engines.errors import ClipUnreadable
from tests.support.sounds import VOICE, noise, tone, wave_file

SOUNDS = {
    "jfk.flac": ("audio/flac", 11.0, 2),
    "odd/bach.ogg": ("audio/ogg", 3.0, 1),
    "odd/party.mp3": ("audio/mpeg", 6.6, 1),
    "odd/test5.webm": ("audio/webm", 1.5, 2),
    "fi_return_period.ogg": ("audio/ogg", 3.0, 1),
    "sv_delivery_price.flac": ("audio/flac", 3.0, 1),
    "en_shop_hours.mp3": ("audio/mpeg", 3.1, 1),
    "fi_phone.m4a": ("audio/mp4", 3.5, 1),
    "en_two_speakers.ogg": ("audio/ogg", 7.0, 2),
}
MOST_BYTES, MOST_SECONDS = 25_000_000, 3600.0


@pytest.mark.parametrize("name", SOUNDS)
def test_every_kind_of_file_becomes_sound_at_one_rate(name: str) -> None:
    kind, length, channels = SOUNDS[name]
    sound = decode((VOICE / name).read_bytes(), MOST_BYTES, MOST_SECONDS)
    assert (sound.media_type, len(sound.channels), sound.lost) == (kind, channels, 0)
    assert sound.seconds == pytest.approx(length, abs=0.6)
    assert all(channel.dtype == np.float32 and 0.01 < np.abs(channel).max() <= 1.5 for channel in sound.channels)


@pytest.mark.parametrize(("rate", "bits", "channels"), [(8_000, 8, 1), (8_000, 16, 2), (44_100, 8, 2), (48_000, 16, 1), (11_025, 16, 1)])
def test_eight_bits_stereo_and_odd_rates_keep_pitch_and_length(rate: int, bits: int, channels: int) -> None:
    times = np.arange(2 * rate) / rate
    sound = decode(wave_file(*[0.5 * np.sin(2 * np.pi * 440 * times)] * channels, rate=rate, bits=bits), MOST_BYTES, MOST_SECONDS)
    assert sound.seconds == pytest.approx(2.0, abs=0.02)
    loudest = np.argmax(np.abs(np.fft.rfft(sound.channels[0]))) / sound.seconds
    assert loudest == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        ((VOICE / "odd/test1_empty.wav").read_bytes(), "empty"),
        (wave_file(np.zeros(0)), "empty"),
        (b"Dear all, please find attached the recording of our call." * 3, "no sound"),
        (b"%PDF-1.7 " + b"x" * 200, "no sound"),
        (b"RIFF" + b"\x00" * 200, "no sound"),
        ((VOICE / "odd/bach.ogg").read_bytes()[:60], "cannot be read"),
        ((VOICE / "odd/test5.webm").read_bytes()[:60], "cannot be read"),
        (b"OggS" + b"\x17" * 400, "cannot be read"),
        (b"ID3" + b"\x00" * 400, "cannot be read"),
    ],
)
def test_what_is_no_sound_is_refused_with_the_reason_and_a_remedy(data: bytes, reason: str) -> None:
    with pytest.raises(ClipUnreadable, match=reason) as caught:
        decode(data, MOST_BYTES, MOST_SECONDS)
    assert caught.value.remedy
    assert str(Path.cwd()) not in caught.value.message


@pytest.mark.parametrize("name", ["jfk.flac", "odd/bach.ogg", "odd/party.mp3", "odd/test5.webm"])
def test_of_a_file_that_is_cut_off_what_is_there_is_heard(name: str) -> None:
    whole = (VOICE / name).read_bytes()
    full, half = decode(whole, MOST_BYTES, MOST_SECONDS), decode(whole[: len(whole) // 2], MOST_BYTES, MOST_SECONDS)
    assert 0.2 * full.seconds < half.seconds < 0.8 * full.seconds


def test_too_large_and_too_long_clips_are_refused() -> None:
    clip = wave_file(tone(3, 440))
    with pytest.raises(ClipUnreadable, match="are allowed"):
        decode(clip, 1000, MOST_SECONDS)
    with pytest.raises(ClipUnreadable, match="longer than 2 seconds"):
        decode(clip, MOST_BYTES, 2.0)


def test_a_wave_that_claims_more_than_it_has_is_read_as_far_as_it_goes() -> None:
    clip = bytearray(wave_file(tone(2, 440)))
    clip[40:44] = (10_000_000).to_bytes(4, "little")
    assert decode(bytes(clip), MOST_BYTES, MOST_SECONDS).seconds == pytest.approx(2.0, abs=0.01)


def test_any_bytes_behind_a_sounds_head_give_sound_or_the_one_error() -> None:
    random = np.random.default_rng(7)
    heads = [(VOICE / name).read_bytes()[:300] for name in ("odd/bach.ogg", "odd/party.mp3", "odd/test5.webm", "jfk.flac")]
    outcomes = []
    for turn in range(60):
        data = heads[turn % len(heads)] + random.bytes(int(random.integers(0, 4000)))
        try:
            outcomes.append(decode(data, MOST_BYTES, MOST_SECONDS).seconds > 0)
        except ClipUnreadable:
            outcomes.append(False)
    assert len(outcomes) == 60


def test_what_can_be_told_without_a_decoder() -> None:
    clip = wave_file(noise(1.5, 0, 0.3, 1))
    assert (media_type(clip), seconds_of_wave(clip), is_silent_wave(clip)) == ("audio/wav", 1.5, False)
    assert is_silent_wave(wave_file(np.zeros(RATE)))
    assert media_type(b"RIFF") == ""
    assert checked(clip, MOST_BYTES) == "audio/wav"


def test_a_small_file_of_one_sample_a_second_is_refused_before_it_grows() -> None:
    hours = wave_file(np.zeros(400_000) + 0.1, rate=1, bits=8)
    tracemalloc.start()
    try:
        with pytest.raises(ClipUnreadable, match="longer than 60 seconds"):
            decode(hours, MOST_BYTES, 60.0)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/x.ts\n",
    ],
)
def test_a_text_that_names_addresses_behind_a_tag_is_no_sound_and_is_not_followed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    really = av.open

    def watched(file: object, **named: str) -> object:
        container = really(file, **named)
        opened.append(container.format.name)
        return container

    monkeypatch.setattr(av, "open", watched)
    with pytest.raises(ClipUnreadable):
        decode(b"ID3\x04\0\0\0\0\0\x40" + bytes(64) + text.encode(), MOST_BYTES, MOST_SECONDS)
    assert opened in ([], ["mp3"])


@pytest.mark.parametrize("name", ["jfk.flac", "en_shop_hours.mp3"])
def test_sound_of_another_kind_behind_a_tag_is_read_all_the_same(name: str) -> None:
    data = (VOICE / name).read_bytes()
    tagged = b"ID3\x04\0\0\0\0\x01\x00" + bytes(128) + data
    assert decode(tagged, MOST_BYTES, MOST_SECONDS).seconds == pytest.approx(decode(data, MOST_BYTES, MOST_SECONDS).seconds, abs=0.1)
