"""Shadow mode on a real store and a real desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.engines.errors import EngineTimeout
from appliance.engines.writer.protocol import Writer
from appliance.engines.writer.stub import StubWriter
from appliance.language import words
from appliance.node.shadow import Shadow, likeness, weigh
from appliance.records.answer import Decision, Draft, DraftSentence
from appliance.records.policy import Switches
from appliance.store.limits import Sending
from tests.support.cases import OPEN, case, closed, desk
from tests.support.clock import FakeClock
from tests.support.writers import HostileWriter, saying
from tests.unit.store.support import Desk as Home
from tests.unit.store.support import message, open_store

QUESTION = "How long is the warranty?"


class Alone:
    """A standing of a node that leads."""

    def __init__(self, term: int) -> None:
        self.term = term

    def may_act(self) -> bool:
        return True


class World:
    def __init__(self, folder: Path, per_day: int = 5) -> None:
        self.clock = FakeClock()
        self.home = Home(open_store(folder, self.clock), self.clock)
        self.desk = desk()
        self.per_day = per_day

    def shadow(self, candidate: Writer) -> Shadow:
        standing = Alone(self.home.term)
        return Shadow(candidate, lambda: self.desk, self.home.store, standing, self.clock, self.per_day, "Europe/Helsinki")  # type: ignore[arg-type]

    def settle(self, shadow: Shadow, text: str = QUESTION, levers: Switches = OPEN, sender: str = "a") -> Decision:
        """A mail comes in and is settled; the shadow is told."""
        from appliance.desk.answer import answer

        self.home.take_in(message(sender=f"{sender}@customer.example", text=text))
        claimed = self.home.claim()
        outcome = answer(claimed, self.desk, levers)
        decision = self.home.store.settle(claimed, outcome, Sending(), term=self.home.term)
        shadow.settled(claimed, outcome)
        return decision


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "home")
    yield made
    made.home.store.close()


def test_a_candidate_that_would_lie_is_seen_to_need_a_person_and_nothing_of_it_leaves(world: World) -> None:
    shadow = world.shadow(saying("The warranty is 99 years."))
    world.settle(shadow)
    assert shadow.step()
    (row,) = world.home.store.candidates.list()
    assert (row.decision, row.failure) == ("review", "")
    leaving = world.home.start()
    assert leaving is None or b"99 years" not in repr(leaving).encode()


def test_a_candidate_looks_only_when_nothing_waits_for_the_desk(world: World) -> None:
    shadow = world.shadow(StubWriter(words))
    world.settle(shadow)
    world.home.take_in(message(sender="b@customer.example", text="Do you sell gift cards?"))
    assert not shadow.step()
    world.home.settle(world.home.claim())
    assert shadow.step()


def test_no_more_is_asked_of_a_candidate_than_the_days_budget(world: World) -> None:
    world.per_day = 1
    shadow = world.shadow(StubWriter(words))
    for sender in "abc":
        world.settle(shadow, sender=sender)
    assert [shadow.step() for _ in range(4)] == [True, False, False, False]
    assert world.shadow(StubWriter(words)).step() is False  # nor after a restart
    assert world.home.store.candidates.summary(0.0, 0.0, 1).asked_today == 1


def test_a_candidate_whose_engine_fails_is_counted_as_failed(world: World) -> None:
    shadow = world.shadow(HostileWriter(EngineTimeout("Too slow.", "Wait.")))
    world.settle(shadow)
    assert shadow.step()
    assert world.home.store.candidates.list()[0].failure == "writer_timeout"


def test_cases_that_no_writer_was_asked_about_say_nothing_of_a_candidate(world: World) -> None:
    shadow = world.shadow(StubWriter(words))
    world.settle(shadow, text="I dispute the payment and call my lawyer.")
    assert not shadow.step()


def test_the_candidate_is_weighed_with_the_levers_as_they_stood() -> None:
    from appliance.desk.answer import answer

    one, a_desk = case(QUESTION), desk()
    then = answer(one, a_desk, closed(automation_enabled=False))
    assert weigh(one, then, a_desk, StubWriter(words)).decision == then.decision == Decision.REVIEW


def draft(*texts: str) -> Draft:
    sentences = (DraftSentence(text="Hello,", courtesy=True), *(DraftSentence(text=text) for text in texts))
    return Draft(language="en", subject="", text="", sentences=sentences)


def test_drafts_are_alike_by_the_words_they_share_courtesies_aside() -> None:
    assert likeness(draft("The warranty is two years."), draft("The warranty is two years.")) == 1.0
    assert likeness(draft("a b"), draft("b c")) == pytest.approx(1 / 3, abs=1e-4)
    assert likeness(draft("a"), draft("b")) == 0.0
    assert likeness(draft(), draft("b")) is None
    assert likeness(None, draft("b")) is None
