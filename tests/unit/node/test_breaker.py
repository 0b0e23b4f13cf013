"""The deliver loop does not knock at a closed door with every mail there is."""

from appliance.node.loops import LONGEST_PAUSE_SECONDS, Breaker
from appliance.records.delivery import DeliveryOutcome, DeliveryResult
from tests.support.clock import FakeClock

CLOSED_DOOR = DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage="connect", blameless=True)
REFUSED = DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="rcpt", code=550)


def test_each_failure_in_a_row_doubles_the_pause_up_to_a_minute() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    pauses = []
    for _ in range(9):
        breaker.heard(CLOSED_DOOR)
        assert not breaker.is_open()
        pauses.append(breaker.closed_until - clock.elapsed())
        clock.move(pauses[-1])
        assert breaker.is_open()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, LONGEST_PAUSE_SECONDS]


def test_a_server_that_answers_ends_the_pauses_even_when_it_refuses_the_mail() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    breaker.heard(CLOSED_DOOR)
    breaker.heard(REFUSED)
    assert breaker.is_open()
    breaker.heard(CLOSED_DOOR)
    assert breaker.closed_until - clock.elapsed() == 1
