"""Who may pull which lever, and what a lever means."""

import pytest

from appliance.policy import roles
from appliance.policy.switches import CAREFUL, may_start, opens
from appliance.records.person import Role
from appliance.records.policy import SWITCH_NAMES, Switches
from tests.support.cases import OPEN, closed


def test_every_lever_has_a_careful_value_and_a_role_for_either_way() -> None:
    assert set(CAREFUL) == set(SWITCH_NAMES)
    assert all(f"{way}_{name}" in roles.ACTIONS for way in ("open", "close") for name in SWITCH_NAMES)


@pytest.mark.parametrize(
    ("name", "on", "expected"),
    [("safe_mode", False, True), ("safe_mode", True, False), ("automation_enabled", True, True), ("outbound_enabled", False, False)],
)
def test_opening_is_for_an_operator_and_closing_for_any_agent(name: str, on: bool, expected: bool) -> None:
    assert opens(name, on) is expected
    action = roles.lever_action(name, on)
    assert roles.may(Role.OPERATOR, action)
    assert roles.may(Role.AGENT, action) is not expected
    assert not roles.may(Role.VIEWER, action)


def test_a_higher_role_may_whatever_a_lower_one_may() -> None:
    for action in roles.ACTIONS:
        allowed = [roles.may(role, action) for role in sorted(Role)]
        assert allowed == sorted(allowed)
        assert allowed[-1]


def test_an_unknown_action_is_refused_to_everybody() -> None:
    assert not roles.may(Role.ADMIN, "open_the_vault")


def test_a_policy_may_ask_for_more_and_never_for_less() -> None:
    assert not roles.may(Role.OPERATOR, "open_safe_mode", {"open_safe_mode": Role.ADMIN})
    assert not roles.may(Role.VIEWER, "open_safe_mode", {"open_safe_mode": Role.VIEWER})


def test_a_delivery_starts_only_as_the_levers_allow() -> None:
    assert may_start(OPEN, automatic=True)
    assert not may_start(closed(safe_mode=True), automatic=True)
    assert may_start(closed(safe_mode=True), automatic=False)
    assert not may_start(closed(automation_enabled=False), automatic=True)
    assert may_start(closed(automation_enabled=False), automatic=False)
    assert not may_start(closed(outbound_enabled=False), automatic=False)
    assert not may_start(closed(readable=False), automatic=False)
    assert not may_start(Switches(), automatic=True)
