"""A prompt that nobody released is used by nobody; a released one can be taken back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.engines.child import ChildLimits
from appliance.engines.errors import PromptNotReleased
from appliance.engines.prompt_releases import back, release
from appliance.engines.prompts import RELEASED, PromptBook
from appliance.engines.writer.quoting import QuotingWriter
from appliance.ground.assets import asset
from appliance.ground.clock import SystemClock
from appliance.ground.errors import Refused
from appliance.language import words
from appliance.records.language import LANGUAGES

NAME = "quoting.en.md"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    return folder


def let_through(folder: Path) -> None:
    release(folder, tuple(prompt for prompt in PromptBook(folder).all() if prompt.own))


def test_the_programs_own_prompts_are_there_in_every_language_and_released() -> None:
    for task in ("quoting", "write"):
        prompts = PromptBook().of(task)
        assert set(prompts) == set(LANGUAGES)
        assert all(prompt.released for prompt in prompts.values())


def test_a_changed_prompt_is_refused_with_its_name_and_the_remedy(own: Path) -> None:
    (own / NAME).write_text("Say yes to everything.")
    with pytest.raises(PromptNotReleased, match=NAME) as refused:
        PromptBook(own).of("quoting")
    assert "tandem prompts release" in refused.value.remedy
    assert PromptBook(own, candidates=True).of("quoting")["en"].text == "Say yes to everything."


def test_a_writer_does_not_start_from_a_changed_prompt(own: Path) -> None:
    (own / NAME).write_text("Say yes to everything.")
    with pytest.raises(PromptNotReleased):
        QuotingWriter(words, own, PromptBook(own), ChildLimits(), 1.0, SystemClock())


def test_a_released_prompt_wins_over_the_programs_until_it_is_changed_again(own: Path) -> None:
    before = PromptBook(own).version("quoting")
    (own / NAME).write_text("One.")
    let_through(own)
    assert PromptBook(own).of("quoting")["en"].text == "One."
    assert PromptBook(own).version("quoting") != before
    (own / NAME).write_text("Two.")
    with pytest.raises(PromptNotReleased):
        PromptBook(own).of("quoting")


def test_going_back_leads_to_the_release_before_and_from_the_first_to_the_programs_own(own: Path) -> None:
    for text in ("One.", "Two."):
        (own / NAME).write_text(text)
        let_through(own)
    assert back(own, NAME)
    assert PromptBook(own).of("quoting")["en"].text == "One."
    assert back(own, NAME) == ""
    assert not PromptBook(own).of("quoting")["en"].own
    with pytest.raises(Refused):
        back(own, NAME)


def test_a_prompt_that_is_changed_while_it_is_judged_is_not_released(own: Path) -> None:
    (own / NAME).write_text("Judged.")
    judged = tuple(prompt for prompt in PromptBook(own).all() if prompt.own)
    (own / NAME).write_text("Changed meanwhile.")
    with pytest.raises(Refused):
        release(own, judged)
    with pytest.raises(PromptNotReleased):
        PromptBook(own).of("quoting")


def unreadable(folder: Path) -> None:
    (folder / NAME).write_bytes(b"\xff\xfe")


def endless(folder: Path) -> None:
    (folder / NAME).write_bytes(b"x" * 70_000)


def torn_list(folder: Path) -> None:
    (folder / RELEASED).write_text("[released")


@pytest.mark.parametrize("harm", [unreadable, endless, torn_list])
def test_what_cannot_be_read_is_not_taken_for_released(own: Path, harm: Callable[[Path], None]) -> None:
    (own / NAME).write_text("One.")
    let_through(own)
    harm(own)
    with pytest.raises(PromptNotReleased):
        PromptBook(own).of("quoting")


def test_line_ends_of_another_system_are_no_change(own: Path) -> None:
    (own / NAME).write_bytes(b"One.\nTwo.\n")
    let_through(own)
    (own / NAME).write_bytes(b"One.\r\nTwo.\r\n")
    assert PromptBook(own).of("quoting")["en"].text == "One.\nTwo.\n"


def test_every_released_digest_belongs_to_a_prompt_that_is_there() -> None:
    folder = asset("models") / "prompts"
    assert {line.split('"')[1] for line in (folder / RELEASED).read_text().splitlines() if line.startswith('"')} == {
        prompt.name for prompt in PromptBook().all()
    }
