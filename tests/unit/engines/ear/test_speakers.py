"""One speaker or two, and how a call is laid out."""

import numpy as np

from appliance.engines.ear.speakers import by_time, laid_out, split
from appliance.records.voice import Segment
from tests.support.sounds import RATE, noise


def said(text: str, starts: float, speaker: int = 0) -> Segment:
    return Segment(text=text, starts=starts, ends=starts + 1, speaker=speaker)


def taking_turns() -> tuple[np.ndarray, np.ndarray]:
    left, right = np.zeros(4 * RATE, np.float32), np.zeros(4 * RATE, np.float32)
    left[:RATE], right[2 * RATE : 3 * RATE] = noise(1, 0.5, 0.3, 1), noise(1, 0.5, 0.3, 2)
    return left, right


def test_two_people_who_take_turns_are_two() -> None:
    assert [speaker for speaker, _ in split(taking_turns())] == [0, 1]


def test_one_voice_on_both_channels_is_one_even_when_a_room_delays_it() -> None:
    left = np.concatenate([noise(1, 0.5, 0.3, 1), np.zeros(RATE), noise(1, 0.5, 0.2, 2)]).astype(np.float32)
    ((speaker, mixed),) = split((left, np.roll(left, 40)))
    assert speaker == 0
    assert len(mixed) == len(left)


def test_a_channel_that_carries_nobody_is_left_out_and_the_other_keeps_its_side() -> None:
    left, right = taking_turns()
    ((speaker, heard),) = split((left * 0, right))
    assert speaker == 1
    assert np.array_equal(heard, right)
    assert len(split((left * 0, right * 0))) == 1


def test_one_speaker_is_running_text_and_two_take_turns() -> None:
    assert laid_out([said("Hello.", 0), said("Where is my order?", 1)]) == "Hello. Where is my order?"
    call = by_time([said("Where is it?", 4, 0), said("Hello.", 0, 0), said("How can I help?", 2, 1), said("My order.", 3, 0)])
    assert laid_out(call) == "– Hello.\n– How can I help?\n– My order. Where is it?"
    assert laid_out([]) == ""
