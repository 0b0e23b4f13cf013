"""Questions to the sample company that nobody tuned its knowledge for: what no source answers stays with a person.

The figures are a ratchet: they may get better. What a source does not answer and is sent all the same is the worst mistake
this product can make short of sending twice.
"""

from pathlib import Path

import pytest

from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.ground.assets import asset
from appliance.node.build import build
from appliance.node.demo import prepare
from appliance.records.answer import Decision, Outcome
from appliance.settings.read import load
from tests.support.cases import OPEN, case

PROBES = Path(__file__).parents[1] / "data" / "desk"
SENT_WITHOUT_AN_ANSWER_MOST = 2  # of 60
SENT_RIGHT_LEAST = 40  # of 60


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    home = tmp_path_factory.mktemp("home")
    prepare(home, asset("demo"))
    node = build(load(home=home, environment={}))
    node.close()
    return node.desk()


def lines(name: str) -> list[str]:
    return (PROBES / name).read_text(encoding="utf-8").splitlines()


def keys(outcome: Outcome) -> set[str]:
    return {citation.passage.rpartition("/")[2] for citation in outcome.citations}


def test_questions_that_no_source_answers_are_held(desk: Desk) -> None:
    sent = [text for text in lines("unanswerable.txt") if answer(case(text), desk, OPEN).decision is Decision.SEND]
    assert len(sent) <= SENT_WITHOUT_AN_ANSWER_MOST, sent


def test_questions_that_a_source_answers_are_answered_from_that_source_or_held_and_never_from_another(desk: Desk) -> None:
    right, wrong = 0, []
    for line in lines("answerable.txt"):
        name, text = line.split("|")
        outcome = answer(case(text), desk, OPEN)
        if outcome.decision is Decision.SEND:
            right += name.partition("-")[2] in keys(outcome)
            wrong += [text] if name.partition("-")[2] not in keys(outcome) else []
    assert wrong == []
    assert right >= SENT_RIGHT_LEAST
