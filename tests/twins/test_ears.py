"""What every ear promises, the stub and the real one alike."""

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest

from appliance.engines.ear.make import AnyEar, make_ear
from appliance.engines.ear.options import EarOptions
from appliance.engines.ear.protocol import Hearing
from appliance.engines.ear.speakers import laid_out
from appliance.engines.ear.stub import TEXT
from appliance.engines.errors import ClipUnreadable
from appliance.ground.clock import SystemClock
from appliance.records.voice import Segment, Transcript
from tests.support.ears import CLIPS
from tests.support.sounds import TINY_EAR, VOICE, wave_file

CLIP = (VOICE / "fi_return_period.ogg").read_bytes()


@pytest.fixture(scope="module", params=["stub", "faster_whisper"])
def ear(request: pytest.FixtureRequest) -> Iterator[AnyEar]:
    options = EarOptions(mock=request.param == "stub", model=str(TINY_EAR), threads=1, clip_bytes=2_000_000)
    made = make_ear(options, SystemClock())
    assert made.name == request.param
    yield made
    made.close()


Hear = Callable[[AnyEar], Transcript]


@pytest.mark.parametrize("name", [*CLIPS, "en_two_speakers.ogg", "odd/party.mp3", "odd/bach.ogg", "jfk.flac"])
def test_a_transcript_fits_together(name: str, ear: AnyEar) -> None:
    heard = ear.hear(Hearing(data=(VOICE / name).read_bytes(), name=name))
    assert heard.text == laid_out(heard.segments)
    assert (heard.confidence is None) == (not heard.text)
    assert heard.confidence is None or 0 <= heard.confidence <= 1
    assert 0 <= heard.speech_seconds <= 2 * heard.seconds
    starts = [segment.starts for segment in heard.segments]
    assert starts == sorted(starts)
    assert all(0 <= segment.starts <= segment.ends <= heard.seconds + 0.05 for segment in heard.segments)
    assert heard.ear.startswith(ear.name)
    assert heard.final


def test_the_same_clip_gives_the_same_words(ear: AnyEar) -> None:
    first, second = (msgspec.structs.replace(ear.hear(Hearing(data=CLIP)), took_seconds=0.0) for _ in range(2))
    assert first == second


def test_silence_has_no_words_and_no_confidence(ear: AnyEar) -> None:
    heard = ear.hear(Hearing(data=wave_file(np.zeros(32_000)), language="fi"))
    assert (heard.text, heard.segments, heard.confidence, heard.speech_seconds) == ("", (), None, 0.0)
    assert heard.seconds == 2.0


@pytest.mark.parametrize(
    "data",
    [b"", b"not a sound at all, but a letter that is long enough to be one", (VOICE / "odd/test1_empty.wav").read_bytes()],
    ids=["empty", "letter", "empty wave"],
)
def test_what_is_no_clip_is_refused_with_a_remedy(data: bytes, ear: AnyEar) -> None:
    with pytest.raises(ClipUnreadable) as caught:
        ear.hear(Hearing(data=data, name="call.wav"))
    assert caught.value.message
    assert caught.value.remedy
    assert caught.value.code == "clip_unreadable"


def test_a_clip_that_is_too_large_is_refused(ear: AnyEar) -> None:
    with pytest.raises(ClipUnreadable, match="are allowed"):
        ear.hear(Hearing(data=wave_file(np.ones(1_100_000) * 0.1)))


def test_a_false_name_does_not_matter(ear: AnyEar) -> None:
    assert ear.look(CLIP, "letter.pdf").media_type == "audio/ogg"
    assert ear.hear(Hearing(data=CLIP, name="letter.pdf")).text == ear.hear(Hearing(data=CLIP)).text


def test_each_segment_is_told_as_it_will_stand_in_the_transcript(ear: AnyEar) -> None:
    told: list[Segment] = []
    heard = ear.hear(Hearing(data=CLIP, words=True), told.append)
    assert tuple(told) == heard.segments
    assert told


def test_words_have_times_only_when_they_are_asked_for(ear: AnyEar) -> None:
    assert not any(segment.words for segment in ear.hear(Hearing(data=CLIP)).segments)
    for segment in ear.hear(Hearing(data=(VOICE / "en_shop_hours.mp3").read_bytes(), words=True)).segments:
        assert [word.text for word in segment.words] == segment.text.split()


def test_the_quick_stage_says_that_more_may_come(ear: AnyEar) -> None:
    assert not ear.hear(Hearing(data=CLIP, quick=True)).final


def test_the_language_that_is_given_is_kept(ear: AnyEar) -> None:
    assert ear.hear(Hearing(data=CLIP, language="fi")).language == "fi"


def test_both_stages_are_always_told_in_one_shape(ear: AnyEar) -> None:
    stages = ear.stages()
    assert list(stages) == ["streaming", "final"]
    assert all(stage.name == name for name, stage in stages.items())
    assert ear.health() == ""


def test_closing_it_twice_does_no_harm(ear: AnyEar) -> None:
    ear.hear(Hearing(data=CLIP))
    ear.close()
    ear.close()


def test_the_stub_says_its_one_sentence() -> None:
    stub = make_ear(EarOptions(), SystemClock())
    assert stub.hear(Hearing(data=CLIP)).text == TEXT == "QA transcript: mock worker output."
