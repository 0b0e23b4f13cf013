"""The numbers of a node that lives in memory: a fortnight that looks like one."""

from appliance.ground.clock import Clock
from appliance.reports.analytics import OUTCOMES, Analytics, Day, Waits
from appliance.reports.costs import Cost

_DAY = 86_400.0


class TwinNumbers:
    """Days of a shop that is closed at weekends."""

    clock: Clock

    def analytics(self, past_days: int = 7) -> Analytics:
        last = self.clock.now() // _DAY * _DAY
        days = tuple(_day(last - _DAY * back, back) for back in range(past_days - 1, -1, -1))
        total = {name: sum(day.outcomes[name] for day in days) for name in OUTCOMES}
        return Analytics(
            days=days,
            arrived=sum(total.values()),
            outcomes=total,
            automatic=Waits(number=total["automatic"], median=4.0, slow=11.0),
            by_person=Waits(number=total["by_person"], median=2_400.0, slow=14_000.0),
            languages={"fi": 61, "sv": 14, "en": 9},
            channels={"mail": 70, "chat": 14},
            held_for={"no_knowledge": 12, "low_score": 4, "tier_never": 3},
            missing={"delivery_time": 5, "spare_parts": 3, "warranty": 1},
            costs=(
                Cost(tier=1, engine="grounded", cases=31, seconds=0.002, watt_hours=0.00002),
                Cost(
                    tier=2,
                    engine="mlx qwen3-4b",
                    cases=24,
                    seconds=3.4,
                    prompt_tokens=812,
                    completion_tokens=96,
                    cached=0.91,
                    watt_hours=0.028,
                ),
            ),
        )


def _day(at: float, back: int) -> Day:
    quiet = back % 7 in (1, 2)
    parts = (2, 0, 1, 0, 1) if quiet else (12 - back % 3, 4 + back % 2, 3, 2, 1)
    return Day(at=at, arrived=sum(parts), outcomes=dict(zip(OUTCOMES, parts, strict=True)))
