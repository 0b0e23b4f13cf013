"""One-time tokens."""

from appliance.node.tokens import GOOD_FOR_SECONDS, TOKENS_MOST, Tokens
from appliance.records.person import Role
from tests.support.clock import FakeClock


def test_a_token_is_good_once() -> None:
    tokens = Tokens(FakeClock())
    token = tokens.issue()
    actor = tokens.take(token)
    assert actor is not None
    assert actor.role is Role.ADMIN
    assert tokens.take(token) is None


def test_a_token_is_no_good_after_two_minutes() -> None:
    clock = FakeClock()
    tokens = Tokens(clock)
    token = tokens.issue()
    clock.move(GOOD_FOR_SECONDS)
    assert tokens.take(token) is None


def test_a_jump_of_the_wall_clock_does_not_lengthen_a_tokens_life() -> None:
    clock = FakeClock()
    tokens = Tokens(clock)
    token = tokens.issue()
    clock.jump_wall_clock(-7200)
    clock.move(GOOD_FOR_SECONDS)
    assert tokens.take(token) is None


def test_an_unknown_token_opens_nothing() -> None:
    tokens = Tokens(FakeClock())
    tokens.issue()
    assert tokens.take("") is None
    assert tokens.take("guess") is None


def test_unused_tokens_do_not_pile_up() -> None:
    tokens = Tokens(FakeClock())
    first = tokens.issue()
    for _ in range(TOKENS_MOST):
        tokens.issue()
    assert tokens.take(first) is None
