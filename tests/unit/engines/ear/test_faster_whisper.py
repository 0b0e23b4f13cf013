"""The real ear with the tests' tiny model: what it hears, and what becomes of it when its processes break."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.engines.ear import faster_whisper
from appliance.engines.ear.faster_whisper import FasterWhisperEar
from appliance.engines.ear.protocol import Hearing
from appliance.engines.errors import EngineDied, EngineTimeout, EngineUnavailable, ModelMissing
from appliance.records.voice import Segment
from tests.support.ears import CLIPS, KNOWN, Frozen, caught_in_thread, noisy, pid_of, samples_of, tiny_ear, until
from tests.support.sounds import TINY_EAR, VOICE, wave_file

CLIP = (VOICE / "en_shop_hours.mp3").read_bytes()
WORDS = CLIPS["en_shop_hours.mp3"]


@pytest.fixture(scope="module")
def shared() -> Iterator[FasterWhisperEar]:
    ear = tiny_ear()
    yield ear
    ear.close()


@pytest.fixture
def ear() -> Iterator[FasterWhisperEar]:
    """One that may be broken."""
    made = tiny_ear(timeout_factor=0.5)
    yield made
    made.close()


@contextmanager
def hanging(ear: FasterWhisperEar, stage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stage's process stands still, and whoever asks it gives up soon."""
    with Frozen(pid_of(ear, stage)), monkeypatch.context() as patched:
        patched.setattr(faster_whisper, "START_SECONDS", 1.0)
        yield


@pytest.mark.parametrize("name", CLIPS)
def test_a_known_sentence_is_heard_word_for_word(name: str, shared: FasterWhisperEar) -> None:
    heard = shared.hear(Hearing(data=(VOICE / name).read_bytes(), name=name))
    assert heard.text == CLIPS[name]
    assert heard.dropped == {}
    assert heard.confidence is not None
    assert heard.confidence > 0.5


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("decibels", [30, 20])
def test_it_is_heard_through_some_noise_too(name: str, decibels: float, shared: FasterWhisperEar) -> None:
    assert shared.hear(Hearing(data=noisy(name, decibels))).text == CLIPS[name]


def test_it_is_heard_quietly_in_eight_bits_and_under_another_name(shared: FasterWhisperEar) -> None:
    (clean,) = samples_of("fi_return_period.ogg")
    assert shared.hear(Hearing(data=wave_file(clean * 0.2))).text == KNOWN["fi"]["return_period"]
    assert shared.hear(Hearing(data=wave_file(clean, bits=8), name="call.mp3")).text == KNOWN["fi"]["return_period"]
    assert shared.hear(Hearing(data=wave_file(clean, clean), name="both.wav")).text == KNOWN["fi"]["return_period"]


def test_a_call_with_a_side_on_each_channel_has_two_speakers_in_the_order_of_time(shared: FasterWhisperEar) -> None:
    told: list[Segment] = []
    heard = shared.hear(Hearing(data=(VOICE / "en_two_speakers.ogg").read_bytes()), told.append)
    assert heard.speakers == 2
    assert [(segment.speaker, segment.text) for segment in heard.segments] == [(0, KNOWN["en"]["gift_cards"]), (1, KNOWN["en"]["phone"])]
    assert heard.text == f"– {KNOWN['en']['gift_cards']}\n– {KNOWN['en']['phone']}"
    assert tuple(told) == heard.segments


def test_words_have_times_in_order_within_their_segment(shared: FasterWhisperEar) -> None:
    heard = shared.hear(Hearing(data=CLIP, words=True))
    (segment,) = heard.segments
    assert " ".join(word.text for word in segment.words) == WORDS
    times = [time for word in segment.words for time in (word.starts, word.ends)]
    assert times == sorted(times)
    assert 0.3 <= times[0] <= times[-1] <= heard.seconds
    assert all(0 <= word.probability <= 1 for word in segment.words)


@pytest.mark.parametrize("name", CLIPS)
def test_asking_for_the_times_of_words_costs_no_words(name: str, shared: FasterWhisperEar) -> None:
    assert shared.hear(Hearing(data=(VOICE / name).read_bytes(), words=True)).text == CLIPS[name]


def test_the_time_of_a_sentence_is_that_in_the_clip_and_not_in_the_speech_alone(shared: FasterWhisperEar) -> None:
    (clean,) = samples_of("fi_return_period.ogg")
    pause = np.zeros(5 * 16_000, np.float32)
    heard = shared.hear(Hearing(data=wave_file(np.concatenate([pause, clean]))))
    assert heard.text == KNOWN["fi"]["return_period"]
    assert heard.segments[0].starts == pytest.approx(5.5, abs=0.7)
    assert heard.speech_seconds < 3 < heard.seconds


def test_the_quick_stage_listens_to_the_end_only_and_says_that_it_is_not_final(shared: FasterWhisperEar) -> None:
    (first,), (last,) = samples_of("fi_return_period.ogg"), samples_of("en_shop_hours.mp3")
    both = wave_file(np.concatenate([first, last]))
    heard = shared.hear(Hearing(data=both, quick=True, last_seconds=len(last) / 16_000))
    assert heard.text == WORDS
    assert not heard.final
    assert heard.segments[0].starts > len(first) / 16_000


def test_the_language_of_the_words_is_told_where_the_model_knows_none() -> None:
    ear = tiny_ear()
    ear._language_of = lambda text: ("en", 0.97) if text == WORDS else ("", 0.0)
    try:
        heard = ear.hear(Hearing(data=CLIP))
        assert (heard.language, heard.language_confidence) == ("en", 0.97)
        assert ear.hear(Hearing(data=CLIP, language="sv")).language == "sv"
    finally:
        ear.close()


def test_after_kill_9_the_next_clip_is_heard(ear: FasterWhisperEar) -> None:
    assert ear.hear(Hearing(data=CLIP)).text == WORDS
    os.kill(pid_of(ear, "final"), signal.SIGKILL)
    until(lambda: pid_of(ear, "final") == 0)
    assert ear.hear(Hearing(data=CLIP)).text == WORDS


def test_killed_at_work_it_says_that_it_died_and_hears_again(ear: FasterWhisperEar) -> None:
    ear.hear(Hearing(data=CLIP))
    with Frozen(pid_of(ear, "final")) as child:
        thread, raised = caught_in_thread(lambda: ear.hear(Hearing(data=CLIP)))
        until(lambda: ear.stages()["final"].condition == "working")
        os.kill(child.pid, signal.SIGKILL)
        thread.join(20)
    assert [type(error) for error in raised] == [EngineDied]
    assert ear.hear(Hearing(data=CLIP)).text == WORDS
    assert ear.stages()["final"].failures >= 1


def test_one_that_hangs_is_ended_in_time_and_the_next_clip_is_heard(ear: FasterWhisperEar, monkeypatch: pytest.MonkeyPatch) -> None:
    ear.hear(Hearing(data=CLIP))
    with hanging(ear, "final", monkeypatch), pytest.raises(EngineTimeout):
        ear.hear(Hearing(data=CLIP))
    assert ear.hear(Hearing(data=CLIP)).text == WORDS


def test_a_crash_of_the_quick_stage_turns_it_off_and_nothing_else(ear: FasterWhisperEar, monkeypatch: pytest.MonkeyPatch) -> None:
    ear.hear(Hearing(data=CLIP, quick=True))
    before = ear.stages()
    with hanging(ear, "streaming", monkeypatch), pytest.raises(EngineTimeout):
        ear.hear(Hearing(data=CLIP, quick=True))
    after = ear.stages()
    assert after["streaming"].condition == "disabled"
    assert after["streaming"].cause
    assert after.keys() == before.keys()
    with pytest.raises(EngineUnavailable, match="quick stage is off"):
        ear.hear(Hearing(data=CLIP, quick=True))
    assert ear.hear(Hearing(data=CLIP)).text == WORDS
    ear.turn_on_quick_stage()
    assert ear.hear(Hearing(data=CLIP, quick=True)).text == WORDS


def test_a_quick_stage_that_crashed_is_tried_again_after_a_while(ear: FasterWhisperEar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.engines.ear.faster_whisper.QUICK_PAUSE_SECONDS", 0.0)
    ear.hear(Hearing(data=CLIP, quick=True))
    with hanging(ear, "streaming", monkeypatch), pytest.raises(EngineTimeout):
        ear.hear(Hearing(data=CLIP, quick=True))
    assert ear.hear(Hearing(data=CLIP, quick=True)).text == WORDS


def test_with_the_final_stage_off_the_quick_ones_words_are_what_there_is() -> None:
    ear = tiny_ear(final=False)
    try:
        heard = ear.hear(Hearing(data=CLIP))
        assert (heard.text, heard.final) == (WORDS, False)
        assert ear.stages()["final"].condition == "off"
    finally:
        ear.close()


@pytest.mark.parametrize("options", [{"final": False}, {"model": "/no/such/model", "streaming_model": str(TINY_EAR)}])
def test_a_quick_stage_that_is_all_there_is_crashes_and_hears_the_next_clip(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = tiny_ear(timeout_factor=0.5, **options)
    try:
        ear.hear(Hearing(data=CLIP))
        with hanging(ear, "streaming", monkeypatch), pytest.raises(EngineTimeout):
            ear.hear(Hearing(data=CLIP))
        assert ear.hear(Hearing(data=CLIP)).text == WORDS
    finally:
        ear.close()


def test_without_the_final_model_the_quick_stages_own_model_stands_in() -> None:
    ear = tiny_ear(model="/no/such/model", streaming_model=str(TINY_EAR))
    try:
        heard = ear.hear(Hearing(data=CLIP))
        assert (heard.text, heard.final) == (WORDS, False)
    finally:
        ear.close()


def test_a_model_that_is_not_there_or_not_whole_is_named_with_the_remedy(tmp_path: Path) -> None:
    missing = tiny_ear(model="whisper-small")
    with pytest.raises(ModelMissing, match="whisper-small") as caught:
        missing.hear(Hearing(data=CLIP))
    assert "tandem models pull" in caught.value.remedy
    assert missing.health()
    (tmp_path / "config.json").write_text("{}")
    partly = tiny_ear(model=str(tmp_path))
    with pytest.raises(ModelMissing, match=r"model\.bin"):
        partly.hear(Hearing(data=CLIP))
    partly.close()


def test_weights_that_are_damaged_are_said_to_be(tmp_path: Path) -> None:
    for path in TINY_EAR.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 1000 if path.name == "model.bin" else None])
    ear = tiny_ear(model=str(tmp_path))
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        ear.hear(Hearing(data=CLIP))
    ear.close()
