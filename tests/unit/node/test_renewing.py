from appliance.node.renewing import Renewals
from appliance.records.case import Case
from appliance.store.errors import NotLeading
from tests.support.cases import case
from tests.support.clock import FakeClock


def test_a_claim_is_renewed_when_half_of_it_has_passed_and_only_while_it_is_held() -> None:
    clock, renewed = FakeClock(), list[Case]()
    renewals = Renewals(clock, 120.0, lambda case: bool(renewed.append(case)) or True)
    one = case("When are you open?")
    with renewals.holding(one):
        clock.move(59.0)
        renewals.look()
        assert renewed == []
        clock.move(1.0)
        renewals.look()
        renewals.look()
        assert renewed == [one]
        clock.move(60.0)
        renewals.look()
        assert len(renewed) == 2
    clock.move(600.0)
    renewals.look()
    assert len(renewed) == 2


def test_a_claim_that_was_lost_is_not_asked_for_again() -> None:
    clock, asked = FakeClock(), list[Case]()
    renewals = Renewals(clock, 120.0, lambda case: bool(asked.append(case)))
    with renewals.holding(case("?")):
        for _ in range(3):
            clock.move(60.0)
            renewals.look()
    assert len(asked) == 1


def test_a_node_that_does_not_lead_any_more_lets_the_claim_end_by_itself() -> None:
    clock = FakeClock()

    def refused(_: Case) -> bool:
        raise NotLeading("This node does not lead.", "Ask the other one.")

    renewals = Renewals(clock, 120.0, refused)
    with renewals.holding(case("?")):
        clock.move(60.0)
        renewals.look()
