"""What is wrong with the pair, in the words of people who read it: once, and in every language."""

from zoneinfo import ZoneInfo

import pytest

from appliance.ground.assets import asset
from appliance.pair.reasons import REMEDIES, SENTENCES
from appliance.panel import pair_view, troubles, words
from appliance.panel.glance import repairs
from appliance.panel.words import Voice, dependency
from appliance.records.language import LANGUAGES, Code
from appliance.store.errors import UnknownOperation

TABLES = words.load(asset("web") / "words")
NODES = {"node": "kallio-7m9q", "peer": "toolo-2x4p"}
PASSING = {"handing_over", "stands", "no_leader_yet", "not_joined", "promise_runs", "peer_catches_up", "follows_behind"}


def voice(code: Code) -> Voice:
    return Voice(TABLES, code, ZoneInfo("Europe/Helsinki"), 0.0)


def row(name: str, code: str, reason: str, remedy: str) -> dict[str, object]:
    return {"name": name, "connected": False, "reason": reason, "remedy": remedy, "code": code, "gaps": NODES}


def test_every_reason_to_stand_alone_that_does_not_pass_by_itself_has_a_remedy() -> None:
    assert set(REMEDIES) == {code for code, tone in pair_view.TONES.items() if tone != "good"} - PASSING


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("reason", REMEDIES)
def test_the_health_says_in_each_language_why_a_node_may_not_act_and_what_to_do(code: Code, reason: str) -> None:
    told = troubles.of_dependency(row("pair", reason, SENTENCES[reason], REMEDIES[reason]), voice(code))
    assert told.reason not in ("", SENTENCES[reason])
    assert told.remedy
    assert "{" not in told.reason + told.remedy
    assert SENTENCES[reason] in told.detail


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("trouble", [UnknownOperation.code, "machine_damaged", "nodes_differ"])
def test_what_keeps_the_two_apart_has_words_in_each_language(code: Code, trouble: str) -> None:
    told = troubles.of_dependency(row("copying", trouble, "the English", "the remedy"), voice(code))
    assert "the English" not in told.reason
    assert told.remedy != "the remedy"
    assert dependency(voice(code), "copying") != "copying"
    assert voice(code).known("pair.because", "halted") != "halted"


def test_the_overview_says_once_that_a_node_stands_alone() -> None:
    status = {
        "role": "leader",
        "node": NODES["node"],
        "peer": {"node": NODES["peer"]},
        "reason": "leads_solo",
        "ready": True,
        "running": True,
    }
    health = {"dependencies": [row("pair", "leads_solo", SENTENCES["leads_solo"], REMEDIES["leads_solo"])]}
    assert [repair.key for repair in repairs(status, health, (), {}, voice("en"))] == ["repair.pair"]
    health = {"dependencies": [row("copying", UnknownOperation.code, "halted", "update")]}
    found = repairs({**status, "reason": "follows", "role": "standby"}, health, (), {}, voice("en"))
    assert [(repair.key, repair.grave) for repair in found] == [("repair.dependency", True)]
