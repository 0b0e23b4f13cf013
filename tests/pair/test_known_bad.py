"""Rules that are wrong in a known way: each must be caught within so many worlds, or the worlds are too kind."""

from collections.abc import Sequence

import pytest

from tests.pair import variants
from tests.pair.faults import FAULTS, Fault, cable_out, clock_leaps, crash, crash_both, other_rules_then_lost, pause, take_over_unanswered
from tests.pair.laws import LawBroken
from tests.pair.rules import Rules
from tests.pair.world import live

CAUGHT = [
    (variants.TwoLeadersInOneTerm(), FAULTS, "two leaders in term"),
    (variants.LeadsOnAfterARestart(), FAULTS, "two leaders in term"),
    (variants.UsesATermBeforeItIsKept(), FAULTS, "two leaders in term"),
    (variants.InSyncTooEarly(), FAULTS, "without acknowledged"),
    (variants.SendsAfterTheLease(), FAULTS, "after its lease had ended"),
    (variants.NoMargin(), (cable_out, clock_leaps), "both may send"),
    (variants.CountsAFrozenWitness(), FAULTS, ""),
    (variants.AcknowledgesBeforeThePeersFlush(), (crash, crash_both), "without acknowledged"),
    (variants.AnswersWithoutAClaim(), FAULTS, "carries no claim"),
    (variants.TakesAgainWithoutWaiting(), (take_over_unanswered, pause), "both may send"),
    (variants.IgnoresOtherRules(), (other_rules_then_lost,), ""),
]
WORLDS_MOST = 2500


def first_broken(rules: Rules, faults: Sequence[Fault]) -> str:
    """The law that the first world breaks, with its seed and trace."""
    for seed in range(1, WORLDS_MOST + 1):
        try:
            live(seed, rules, faults)
        except LawBroken as broken:
            return str(broken)
    return ""


@pytest.mark.parametrize(("rules", "faults", "law"), CAUGHT, ids=[type(rules).__name__ for rules, _, _ in CAUGHT])
def test_a_wrong_rule_is_caught(rules: Rules, faults: Sequence[Fault], law: str) -> None:
    told = first_broken(rules, faults)
    first, *trace = told.splitlines() or [""]
    assert first, f"{WORLDS_MOST} worlds did not notice"
    assert law in first
    assert trace[0].startswith("seed "), "the seed is told, so that the world can be seen again"
    assert len(trace) > 5
