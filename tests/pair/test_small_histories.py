"""Every history of a few events, from each of the states in which a pair can be."""

import pytest
from msgspec.structs import replace

from appliance.pair.messages import Heard
from appliance.pair.standing import Standing
from tests.pair.small import Found, SmallRules, State, after, apart, formed, search

STATES_MOST = 50_000
DEPTH = 5

SILENT = ("time passes", "time passes")
CRASHED = ("a starts anew", *SILENT)
ASKED_A = ("the witness hears a", "a hears the witness")
ASKED_B = ("the witness hears b", "b hears the witness")
BEGINNINGS: dict[str, tuple[str, ...]] = {
    "all is well": (),
    "the line fell silent": SILENT,
    "the leader works alone": (*SILENT, *ASKED_A),
    "the leader started anew": CRASHED,
    "the standby took over": (*CRASHED, *ASKED_B, *ASKED_B),
    "both started anew": ("a starts anew", "b starts anew", "time passes"),
}


def searched(rules: SmallRules, begin: State) -> Found:
    return search(rules, begin, STATES_MOST)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_no_small_history_breaks_a_law(beginning: str) -> None:
    found = searched(SmallRules(), after(formed("tcp"), *BEGINNINGS[beginning]))
    assert not found.law, f"{found.law}: {found.history}"
    assert found.depth >= DEPTH


def test_no_small_history_without_a_witness_breaks_a_law() -> None:
    found = searched(SmallRules(), formed("none"))
    assert not found.law, f"{found.law}: {found.history}"
    assert found.depth >= DEPTH


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_no_small_history_in_which_a_person_presses_breaks_a_law(beginning: str) -> None:
    found = searched(SmallRules(), after(formed("tcp"), *BEGINNINGS[beginning])._replace(wishes_left=1))
    assert not found.law, f"{found.law}: {found.history}"
    assert found.depth >= DEPTH


@pytest.mark.parametrize("then", [(), ("b hears the witness",), ("time passes",), ("b hears the witness", "time passes")])
def test_no_small_history_breaks_a_law_once_the_witness_has_agreed_to_a_persons_word(then: tuple[str, ...]) -> None:
    alone = after(formed("tcp"), *BEGINNINGS["the leader works alone"])._replace(wishes_left=1)
    found = searched(SmallRules(), after(alone, "a person asks b to take over", *ASKED_B, "the witness hears b", *then))
    assert not found.law, f"{found.law}: {found.history}"
    assert found.depth >= DEPTH


def test_no_small_history_of_two_with_different_witnesses_has_two_senders() -> None:
    found = searched(SmallRules(), apart(told=True))
    assert not found.law, f"{found.law}: {found.history}"
    assert found.depth >= DEPTH
    untold = search(SmallRules(), apart(told=False), 8 * STATES_MOST)
    assert untold.law == "both may send"


class LeadsOnAfterARestart(SmallRules):
    """Takes up its old term."""

    def restarted(self, standing: Standing, now: float) -> Standing:
        anew = super().restarted(standing, now)
        return replace(anew, phase="leader", noted=False, counts_from=now) if anew.kept.supports == anew.me else anew


class ForgetsItsPromise(SmallRules):
    """Believes after a start that it has promised nothing."""

    def restarted(self, standing: Standing, now: float) -> Standing:
        return replace(super().restarted(standing, now), promise_left=0.0, beat=standing.beat)


class DoesNotWait(SmallRules):
    """Takes silence for the end of the lease."""

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[object, ...]]:
        return super().step(replace(standing, promise_left=0.0), heard, now)


@pytest.mark.parametrize(
    ("wrong", "beginning", "law"),
    [
        (LeadsOnAfterARestart(), "all is well", "two leaders in one term"),
        (ForgetsItsPromise(), "all is well", "both may send"),
        (DoesNotWait(), "all is well", "both may send"),
    ],
)
def test_a_wrong_rule_is_found_in_a_small_history(wrong: SmallRules, beginning: str, law: str) -> None:
    found = search(wrong, after(formed("tcp"), *BEGINNINGS[beginning]), 8 * STATES_MOST)
    assert found.law == law
