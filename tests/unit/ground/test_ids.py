"""Identifiers sort by the time they were made and never repeat."""

import time

from appliance.ground.ids import new_id, new_token


def test_ten_thousand_ids_are_all_different() -> None:
    assert len({new_id("c") for _ in range(10_000)}) == 10_000


def test_an_id_made_later_sorts_later() -> None:
    first = new_id("c")
    made = time.time_ns()
    while time.time_ns() // 1_000_000 == made // 1_000_000:
        pass
    assert first < new_id("c")


def test_a_token_is_long_and_fits_a_url() -> None:
    token = new_token()
    assert len(token) >= 43
    assert token.replace("-", "").replace("_", "").isalnum()
