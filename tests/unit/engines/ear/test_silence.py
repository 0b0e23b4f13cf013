"""N10: what holds no word gives no word, through the real path; and without what guards it the same ear does invent some."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from appliance.engines.ear.asked import Asked
from appliance.engines.ear.decoding import decode
from appliance.engines.ear.faster_whisper import FasterWhisperEar
from appliance.engines.ear.listening import NEVER_ON, listen
from appliance.engines.ear.protocol import Hearing
from appliance.engines.ear.sound import RATE
from appliance.engines.ear.stillness import STILL_MOST, stillness
from appliance.ground.clock import SystemClock
from tests.support.ears import CLIPS, samples_of, tiny_ear
from tests.support.sounds import TINY_EAR, VOICE, held, melody, tone, wave_file, without_words

WORDLESS = dict(without_words())


@pytest.fixture(scope="module")
def ear() -> Iterator[FasterWhisperEar]:
    made = tiny_ear()
    yield made
    made.close()


@pytest.fixture(scope="module")
def bare_model() -> Any:
    """The same weights without anything of ours around them."""
    from faster_whisper import WhisperModel

    return WhisperModel(str(TINY_EAR), device="cpu", compute_type="int8", cpu_threads=1)


def test_there_are_sixty_and_none_is_longer_than_six_seconds() -> None:
    assert len(WORDLESS) == 60
    assert all(0 < len(sound) <= 6 * RATE for sound in WORDLESS.values())


@pytest.mark.parametrize("name", WORDLESS)
def test_silence_noise_music_and_beeps_give_no_words(name: str, ear: FasterWhisperEar) -> None:
    heard = ear.hear(Hearing(data=wave_file(WORDLESS[name])))
    assert (heard.text, heard.segments, heard.confidence) == ("", (), None)


def test_nor_does_the_quick_stage_hear_words_in_them(ear: FasterWhisperEar) -> None:
    names = list(WORDLESS)[::6]
    assert [ear.hear(Hearing(data=wave_file(WORDLESS[name]), quick=True)).text for name in names] == [""] * len(names)


def test_recorded_music_gives_no_words(ear: FasterWhisperEar) -> None:
    assert ear.hear(Hearing(data=(VOICE / "odd/bach.ogg").read_bytes())).text == ""


def test_without_the_detector_the_same_ear_does_invent_words(bare_model: Any) -> None:
    invented = []
    for name in list(WORDLESS)[::6]:
        (channel,) = decode(wave_file(WORDLESS[name]), 10_000_000, 60).channels
        segments, _ = bare_model.transcribe(channel, language="en", temperature=0.0, **{**NEVER_ON, "vad_filter": False})
        invented += [name] if "".join(segment.text for segment in segments).strip() else []
    assert len(invented) >= 5, invented


def test_if_the_detector_were_deceived_the_gates_would_still_drop_some(bare_model: Any) -> None:
    """Speech is claimed everywhere: what then remains is what only the detector keeps away."""
    asked = Asked(task="hear", data=b"", most_bytes=1, most_seconds=60)
    dropped = 0
    for name in list(WORDLESS)[::4]:
        sound = decode(wave_file(WORDLESS[name]), 10_000_000, 60)
        heard = listen(bare_model, lambda channel: [(0, len(channel))], sound, asked, lambda _: None, SystemClock().elapsed)
        dropped += sum(heard.dropped.values())
    assert dropped >= 1


def test_a_sentence_between_music_and_noise_is_heard_alone(ear: FasterWhisperEar) -> None:
    (speech,) = samples_of("fi_return_period.ogg")
    whole = np.concatenate([WORDLESS["hold music, chords"], speech, WORDLESS["pink noise at 0.1"]])
    assert ear.hear(Hearing(data=wave_file(whole))).text == CLIPS["fi_return_period.ogg"]


def test_held_tones_stand_still_and_voices_do_not() -> None:
    for pitch in (65.0, 98.0, 131.0, 196.0, 262.0):
        assert stillness(melody([pitch, pitch * 1.26, pitch * 1.5], 0.4, "held", 0.4)) > STILL_MOST
        assert stillness(held(pitch, 2.0, 0.4)) > STILL_MOST
    assert stillness(tone(2, 120, 240, 360)) > STILL_MOST
    for name in CLIPS:
        (voice,) = samples_of(name)
        assert stillness(voice) < STILL_MOST / 2
        hum = tone(len(voice) / RATE + 1, 50, 100, 150, level=0.02)[: len(voice)]
        assert stillness((voice + hum).astype(np.float32)) < STILL_MOST
    assert stillness(samples_of("jfk.flac")[0]) < STILL_MOST / 2


def test_an_hour_in_one_breath_is_judged_without_memory_for_all_of_it() -> None:
    hour = np.zeros(3600 * RATE, np.float32)
    hour[: 10 * RATE] = np.random.default_rng(1).standard_normal(10 * RATE)
    tracemalloc.start()
    try:
        assert stillness(hour) < STILL_MOST
        assert tracemalloc.get_traced_memory()[1] < 400_000_000
    finally:
        tracemalloc.stop()
