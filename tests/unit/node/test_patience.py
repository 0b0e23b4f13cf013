"""How long somebody who guesses has to wait."""

import pytest

from appliance.node import patience
from appliance.node.patience import Patience, network_of
from tests.support.clock import FakeClock


def wrong(who: Patience, name: str, times: int) -> None:
    for _ in range(times):
        who.wrong(name)


def test_a_few_mistakes_cost_nothing_and_each_further_one_doubles_the_wait() -> None:
    known = Patience(FakeClock(), free=3)
    waits = []
    for _ in range(8):
        known.wrong("aino")
        waits.append(known.wait_seconds("aino"))
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32]
    assert known.wait_seconds("oskar") == 0


def test_the_wait_has_an_end_however_often_somebody_guesses() -> None:
    clock = FakeClock()
    known = Patience(clock)
    wrong(known, "aino", 10_000)
    assert known.wait_seconds("aino") == 300
    clock.move(299.5)
    assert known.wait_seconds("aino") == 1
    clock.move(0.5)
    assert known.wait_seconds("aino") == 0


def test_mistakes_are_forgiven_one_by_one_with_time() -> None:
    clock = FakeClock()
    known = Patience(clock, free=3)
    wrong(known, "aino", 5)
    clock.move(3 * known.forgive_seconds)
    known.wrong("aino")
    assert known.wait_seconds("aino") == 1  # two were left, and one came
    clock.move(10 * known.forgive_seconds)
    known.wrong("aino")
    assert known.wait_seconds("aino") == 0


def test_whoever_was_right_starts_anew() -> None:
    known = Patience(FakeClock(), free=1)
    wrong(known, "aino", 6)
    known.right("aino")
    assert known.wait_seconds("aino") == 0


def test_a_jump_of_the_wall_clock_neither_shortens_nor_lengthens_the_wait() -> None:
    clock = FakeClock()
    known = Patience(clock, free=1)
    wrong(known, "aino", 4)
    clock.jump_wall_clock(-86_400)
    assert known.wait_seconds("aino") == 8
    clock.jump_wall_clock(10 * 86_400)
    assert known.wait_seconds("aino") == 8


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "KNOWN_MOST", 3)
    known = Patience(FakeClock(), free=1)
    for number in range(10):
        known.wrong(f"name {number}")
    assert len(known._known) == 3
    assert known.wait_seconds("name 9") == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),  # two neighbours before a socket that listens for both kinds
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
    ],
)
def test_one_machine_with_many_addresses_is_counted_once(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
