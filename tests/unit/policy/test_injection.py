"""Who talks to the machine is found; who talks about instructions is not."""

from pathlib import Path

import pytest

from appliance.policy import injection

DATA = Path(__file__).parents[2] / "data" / "policy"


def lines(name: str) -> list[str]:
    return [line for line in (DATA / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", lines("injection.txt"))
def test_an_order_to_the_machine_is_found(line: str) -> None:
    assert injection.find(line.partition("\t")[2])


@pytest.mark.parametrize("text", lines("harmless.txt"))
def test_what_customers_write_about_instructions_is_left_alone(text: str) -> None:
    assert injection.find(text) == ()


@pytest.mark.parametrize("code", ["en", "fi", "sv"])
def test_ordinary_questions_are_left_alone(code: str) -> None:
    assert [text for text in lines(f"ordinary.{code}.txt") if injection.find(text)] == []


def test_letters_that_nobody_sees_are_a_sign_of_their_own() -> None:
    assert [found.kind for found in injection.find("Hello \U000e0049\U000e0067 there")] == ["hidden_text"]
