"""The gate opens for a writer that answers rightly and for no other."""

import pytest

from appliance.desk.desk import Desk
from appliance.engines.errors import EngineDied
from appliance.evals import prompt_gate
from appliance.evals.prompt_gate import Gate, Probe, pass_through, probes
from tests.support.cases import FACTS, desk
from tests.support.writers import HostileWriter

QUESTIONS = (
    Probe("What does delivery cost?", "en", "en-delivery_price"),
    Probe("How long is the warranty?", "en", "en-warranty"),
    Probe("What is the phone number?", "en", "en-phone"),
    Probe("Mikä on puhelinnumero?", "fi", "fi-phone"),
    Probe("Vilket telefonnummer har ni?", "sv", "sv-phone"),
    Probe("Do you repair boats on the moon?"),
)


def gate(of: Desk, questions: tuple[Probe, ...] = QUESTIONS) -> Gate:
    return pass_through(of, iter(questions))


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small company knows five answers."""
    monkeypatch.setattr(prompt_gate, "RIGHT_LEAST", 5)


def test_it_opens_when_nothing_was_answered_wrongly_and_enough_was_answered() -> None:
    passed = gate(desk())
    assert (passed.asked, passed.right, passed.held, passed.wrong) == (6, 5, 1, ())
    assert passed.why_not == ""


def test_one_wrong_answer_shuts_it() -> None:
    passed = gate(desk(), (*QUESTIONS, Probe("What does delivery cost?", "en", "another_fact")))
    assert passed.wrong == ("What does delivery cost?",)
    assert "wrongly" in passed.why_not


def test_a_writer_that_fails_shuts_it_though_nothing_wrong_was_said() -> None:
    passed = gate(desk(writer=HostileWriter(EngineDied("Gone."))))
    assert passed.wrong == ()
    assert "failed at" in passed.why_not


def test_a_gate_that_nothing_went_through_stays_shut() -> None:
    assert "show nothing" in gate(desk(FACTS[:1])).why_not


@pytest.fixture(scope="module")
def known() -> list[Probe]:
    return list(probes())


def test_the_probes_that_travel_with_the_program_are_of_both_kinds(known: list[Probe]) -> None:
    assert sum(bool(probe.key) for probe in known) == 60
    assert sum(not probe.key for probe in known) == 114
    assert all(probe.text.strip() for probe in known)
    assert {probe.language for probe in known if probe.key} == {"fi", "sv", "en"}
