import pytest

from appliance.policy.errors import PolicyError
from appliance.policy.escalation import Criterion, Raised, Standing, due
from appliance.policy.format import default_policy, load

CRITERIA = (
    Criterion(level=2, tiers=(0,)),
    Criterion(level=1, reasons=("low_score",)),
    Criterion(level=1, waiting_minutes=60),
    Criterion(level=3, tiers=(0,), waiting_minutes=120),
)


def standing(tier: int | None = 3, reason: str = "no_knowledge", waited: float = 0.0) -> Standing:
    return Standing(tier=tier, reason=reason, waited_seconds=waited)


@pytest.mark.parametrize(
    ("seen", "level", "code"),
    [
        (standing(tier=0), 2, "tier"),
        (standing(reason="low_score"), 1, "reason"),
        (standing(waited=3600.0), 1, "waiting"),
        (standing(tier=0, waited=7200.0), 3, "tier"),
    ],
)
def test_the_highest_level_that_fits_counts(seen: Standing, level: int, code: str) -> None:
    assert due(seen, CRITERIA, 0) == Raised(level=level, code=code)


def test_everything_in_one_table_must_hold() -> None:
    assert due(standing(waited=3599.0), CRITERIA, 0) is None
    assert due(standing(tier=0, waited=7199.0), CRITERIA, 2) is None


def test_a_level_is_only_ever_raised() -> None:
    assert due(standing(tier=0), CRITERIA, 2) is None
    assert due(standing(tier=0), CRITERIA, 3) is None


def test_a_clock_that_was_set_back_hides_nothing_grave() -> None:
    assert due(standing(tier=0, waited=-60.0), CRITERIA, 0) == Raised(level=2, code="tier")


def test_a_case_that_the_desk_has_not_read_has_no_tier() -> None:
    assert due(standing(tier=None), (Criterion(level=1, tiers=(0,)),), 0) is None


def test_a_fresh_machine_escalates_what_is_never_automated() -> None:
    raised = due(standing(tier=0), default_policy().escalation, 0)
    assert raised is not None
    assert raised.level == 2


def test_a_company_s_own_criteria_take_the_place_of_the_built_in_ones() -> None:
    policy = load("[[escalation]]\nlevel = 3\nreasons = ['injection']\n")
    assert policy.escalation == (Criterion(level=3, reasons=("injection",)),)
    assert load("escalation = []\n").escalation == ()
    assert load("version = 1\n").escalation == default_policy().escalation


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[escalation]]\nlevel = 4\ntiers = [0]\n", "level"),
        ("[[escalation]]\nlevel = 1\n", "nothing says when"),
        ("[[escalation]]\nlevel = 1\ntiers = [7]\n", "tiers"),
        ("[[escalation]]\nlevel = 1\nwaiting_minutes = -5\n", "waiting_minutes"),
        ("[[escalation]]\nlevel = 1\nwhen = 'always'\ntiers = [0]\n", "when"),
    ],
)
def test_a_criterion_that_cannot_be_is_named(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        load(text)
    assert said in str(error.value)
