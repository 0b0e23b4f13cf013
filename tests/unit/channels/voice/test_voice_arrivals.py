"""A clip as an arrival: who is behind it, what is believed of them, what it is called."""

import pytest

from appliance.channels.voice.arrivals import arrival, customer_of, dialled, file_name
from appliance.records.message import Trust
from appliance.records.voice import Caller
from tests.support.told_ear import tone


@pytest.mark.parametrize(
    ("caller", "customer"),
    [
        (Caller(address="a@b.example", telephone="040 1"), "a@b.example"),
        (Caller(telephone="+358 (40) 123-4567"), "tel:+358401234567"),
        (Caller(telephone="040 123 4567"), "tel:0401234567"),
        (Caller(telephone="call me"), "key-1@voice.invalid"),
        (Caller(name="Maija"), "key-1@voice.invalid"),
    ],
)
def test_whoever_spoke_is_known_by_the_best_that_is_told_of_them(caller: Caller, customer: str) -> None:
    assert customer_of(caller, "key-1") == customer


@pytest.mark.parametrize(("written", "number"), [("12", ""), ("9" * 16, ""), ("123", "123"), ("++358 1", "+3581"), ("", "")])
def test_only_what_can_be_dialled_is_a_number(written: str, number: str) -> None:
    assert dialled(written) == number


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\calls\\a b.wav", "a b.wav"),
        ("", "clip"),
        ("a\nb\u202e.wav", "a b .wav"),
        ("x" * 300, "x" * 80),
    ],
)
def test_a_clip_is_shown_by_its_own_name_without_folders_or_signs_that_mislead(given: str, shown: str) -> None:
    assert file_name(given) == shown


def test_nobody_vouches_for_a_callers_address_and_a_reply_can_go_there_all_the_same() -> None:
    came = arrival("key-1", "call.wav", tone(), Caller(name="Maija", address="maija@example.fi"), 10.0, language="fi")
    assert came.message.trust is Trust.ABSENT
    assert (came.message.sender.name, came.message.sender.address) == ("Maija", "maija@example.fi")
    assert (came.clips, came.attachments, came.known_as) == ((0,), {0: tone()}, "maija@example.fi")
    assert (came.message.spoken[0].language, came.message.attachments[0].media_type) == ("fi", "audio/wav")
    assert came.message.text == ""
