from appliance.reports.costs import costs
from appliance.store.numbers import Used


def used(tier: int = 3, engine: str = "mlx", cases: int = 4, seconds: float = 72.0) -> Used:
    return Used(tier, engine, cases, prompt_tokens=4_000, cached_tokens=3_000, completion_tokens=400, seconds=seconds)


def test_an_answers_cost_is_the_average_of_its_tier_and_engine() -> None:
    (cost,) = costs([used()], watts=40.0)
    assert (cost.cases, cost.seconds, cost.prompt_tokens, cost.completion_tokens, cost.cached) == (4, 18.0, 1_000.0, 100.0, 0.75)
    assert cost.watt_hours == 0.2


def test_without_watts_no_watt_hours_are_told() -> None:
    assert costs([used()])[0].watt_hours is None


def test_tiers_come_in_order_and_what_never_happened_is_left_out() -> None:
    found = costs([used(3, "mlx"), used(2, "b"), used(2, "a"), used(1, "x", cases=0)])
    assert [(cost.tier, cost.engine) for cost in found] == [(2, "a"), (2, "b"), (3, "mlx")]
