"""Where somebody speaks, and back from the time in the speech to the time in the clip."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.ear.sound import RATE
from appliance.engines.ear.spans import WINDOW, Span, Timeline, overlap_seconds, padded, seconds_of, speech_in


def windows(*parts: tuple[float, float]) -> tuple[list[float], int]:
    """Probabilities for so many seconds each, and the clip's length in samples."""
    made = [probability for probability, length in parts for _ in range(round(length * RATE / WINDOW))]
    return made, len(made) * WINDOW


def test_one_moment_of_certainty_makes_a_clip_one_with_speech() -> None:
    (span,) = speech_in(*windows((0.0, 1.0), (0.6, 0.5), (0.97, 0.1), (0.6, 0.3), (0.0, 1.0)))
    assert abs(span[0] - RATE) < WINDOW
    assert abs(span[1] - 1.9 * RATE) < 2 * WINDOW


def test_a_short_doubtful_moment_is_no_speech_and_a_long_one_is() -> None:
    assert speech_in(*windows((0.0, 1.0), (0.85, 0.8), (0.0, 1.0))) == []
    assert len(speech_in(*windows((0.0, 1.0), (0.8, 2.0), (0.0, 1.0)))) == 1


def test_a_click_is_no_speech() -> None:
    assert speech_in(*windows((0.0, 1.0), (0.99, 0.1), (0.0, 1.0))) == []


def test_a_short_pause_does_not_part_a_sentence_and_a_long_one_does() -> None:
    assert len(speech_in(*windows((0.95, 0.5), (0.0, 0.6), (0.95, 0.5)))) == 1
    assert len(speech_in(*windows((0.95, 0.5), (0.0, 1.5), (0.95, 0.5)))) == 2


def test_nothing_at_all_is_no_speech() -> None:
    assert speech_in([], 0) == []


def test_margins_stay_within_the_clip_and_never_overlap() -> None:
    assert padded([(0, 100), (RATE, RATE + 100)], RATE + 150) == ((0, 100 + 6400), (RATE - 6400, RATE + 150))
    assert padded([(0, 100), (5000, 6000)], 50_000) == ((0, 6000 + 6400),)


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    at, made = 0, []
    for gap, length in draw(st.lists(st.tuples(st.integers(1, 40_000), st.integers(1, 40_000)), min_size=1, max_size=6)):
        made.append((at + gap, at + gap + length))
        at += gap + length
    return tuple(made)


@given(spans(), st.floats(0, 1))
def test_a_time_of_the_speech_lies_within_a_span_of_the_clip(found: tuple[Span, ...], share: float) -> None:
    seconds = share * seconds_of(found)
    for ends in (False, True):
        there = Timeline(found).in_clip(seconds, ends) * RATE
        assert any(start - RATE / 500 <= there <= end + RATE / 500 for start, end in found)


@given(spans(), st.floats(0, 1), st.floats(0, 1))
def test_what_is_later_in_the_speech_is_not_earlier_in_the_clip(found: tuple[Span, ...], one: float, other: float) -> None:
    timeline, length = Timeline(found), seconds_of(found)
    early, late = sorted((one, other))
    assert timeline.in_clip(early * length) <= timeline.in_clip(late * length) + 0.001


def test_an_end_at_a_seam_stays_with_its_own_stretch() -> None:
    timeline = Timeline([(RATE, 2 * RATE), (10 * RATE, 11 * RATE)])
    assert timeline.in_clip(1.0, ends=True) == 2.0
    assert timeline.in_clip(1.0) == 10.0


def test_speech_is_counted_only_between_the_two_times() -> None:
    assert overlap_seconds([(0, RATE), (3 * RATE, 5 * RATE)], 0.5, 4.0) == 1.5
