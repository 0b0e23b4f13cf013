"""Personal data is known by its form and its check digit."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy import privacy

DATA = Path(__file__).parents[2] / "data" / "policy" / "privacy"


@pytest.mark.parametrize("row", [json.loads(line) for line in (DATA / "hetu.jsonl").read_text(encoding="utf-8").splitlines()])
def test_finnish_identity_codes_are_told_from_what_only_looks_like_one(row: dict[str, object]) -> None:
    assert privacy.is_identity_fi(str(row["text"])) is row["valid"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("hetu 131052-308T", ["identity_fi"]),
        ("hetu 131052-308U", []),
        ("290200A248A and 290296-7808", ["identity_fi", "identity_fi"]),
        ("personnummer 19090527+1474", ["identity_sv"]),
        ("811218-9876", ["identity_sv"]),
        ("811218-9875", []),
        ("701063-2391", ["identity_sv"]),  # a coordination number: the day of birth plus 60
        ("card 4111 1111 1111 1111", ["card"]),
        ("card 4111-1111-1111-1112", []),
        ("order 2026112000017", []),
        ("FI21 1234 5600 0007 85", ["iban"]),
        ("fi2112345600000785", ["iban"]),
        ("FI21 1234 5600 0007 86", []),
        ("SE45 5000 0000 0583 9825 7466", ["iban"]),
        ("write to Matti.Meikalainen@example.co.uk.", ["email"]),
        ("call +358 40 123 4567 or 040-1234567", ["phone", "phone"]),
        ("call 0980-319 200", ["phone"]),
        ("PX-200 costs 1 490 € since 20.11.2026", []),
        ("from 192.168.10.100", []),
    ],
)
def test_each_kind_is_found_and_nothing_that_only_looks_like_it(text: str, kinds: list[str]) -> None:
    assert [found.kind for found in privacy.find(text)] == kinds


def test_the_span_is_the_value() -> None:
    text = "my card 4111 1111 1111 1111, thanks"
    found = privacy.find(text)[0]
    assert text[found.start : found.end] == "4111 1111 1111 1111"


def test_scrubbing_leaves_nothing_to_find() -> None:
    text = "131052-308T, 811218-9876, 4111 1111 1111 1111, FI21 1234 5600 0007 85, a@example.com, 040 123 4567"
    assert privacy.find(privacy.scrub(text)) == ()


def test_the_same_number_written_in_two_ways_is_one_value() -> None:
    assert privacy.values("+358 40 123 4567") == privacy.values("0401234567")
    assert privacy.values("FI2112345600000785") == privacy.values("FI21 1234 5600 0007 85")


@given(st.text(max_size=200))
def test_any_text_can_be_searched_and_scrubbed(text: str) -> None:
    for found in privacy.find(text):
        assert 0 <= found.start < found.end <= len(text)
    privacy.scrub(text)
