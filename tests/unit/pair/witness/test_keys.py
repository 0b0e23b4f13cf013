"""The line that a person carries to the witness."""

import pytest

from appliance.ground.errors import Refused
from appliance.pair.witness.keys import line, read_line, witness_key

KEY = witness_key("p-7m9q", b"s" * 32)


def test_a_line_gives_the_key_back_whatever_a_terminal_adds() -> None:
    assert read_line(f"  {line(KEY)}\r\n") == KEY
    assert read_line(line(KEY)).key == KEY.key


def test_a_slip_in_any_place_is_told() -> None:
    text = line(KEY)
    for place in range(len(text)):
        slipped = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        with pytest.raises(Refused):
            read_line(slipped)
    for cut in (text[:-1], text[1:], "", "tandem-witness::", text + "a", "ä:ö:ü", "x" * 10_000):
        with pytest.raises(Refused):
            read_line(cut)


def test_each_pair_and_each_secret_has_a_key_of_its_own() -> None:
    keys = {witness_key(pair, secret).key for pair in ("p-1", "p-2") for secret in (b"a" * 32, b"b" * 32)}
    assert len(keys) == 4
    assert b"s" * 32 not in KEY.key


def test_a_key_does_not_show_itself() -> None:
    assert repr(KEY) == "WitnessKey(p-7m9q)"
