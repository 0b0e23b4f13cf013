"""Leaving a question with somebody who may be slow."""

import threading
from collections.abc import Iterator

import pytest

from appliance.pair.messages import Ask, Look, Reply, WitnessKind, WitnessRecord
from appliance.pair.witness.asking import Asker

SECONDS = 10.0


class SlowWitness:
    """A twin of a witness that answers once it is let."""

    kind: WitnessKind = "tcp"
    trouble = ""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.closed = threading.Event()

    def ask(self, ask: Ask) -> Reply | None:
        self.asked.append(ask.number)
        self.begun.release()
        assert self.let.acquire(timeout=SECONDS)
        if ask.number == 13:
            raise RuntimeError("a fault")
        return None if ask.number == 0 else Reply(number=ask.number, granted=True, record=WitnessRecord())

    def close(self) -> None:
        self.closed.set()


class Heard:
    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.some = threading.Semaphore(0)

    def __call__(self, reply: Reply) -> None:
        self.numbers.append(reply.number)
        self.some.release()


@pytest.fixture
def witness() -> SlowWitness:
    return SlowWitness()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def asker(witness: SlowWitness, heard: Heard) -> Iterator[Asker]:
    asker = Asker(witness, heard)
    yield asker
    witness.let.release(100)
    asker.stop()


def begin(asker: Asker, witness: SlowWitness, number: int) -> None:
    asker.ask(Look(number=number))
    assert witness.begun.acquire(timeout=SECONDS)


def test_the_newest_question_replaces_one_that_was_not_put_yet(asker: Asker, witness: SlowWitness, heard: Heard) -> None:
    begin(asker, witness, 1)
    for number in (2, 3, 4):
        asker.ask(Look(number=number))  # returns although the first is under way
    witness.let.release(2)
    for _ in range(2):
        assert heard.some.acquire(timeout=SECONDS)
    assert heard.numbers == [1, 4]


def test_no_answer_is_handed_on_as_nothing(asker: Asker, witness: SlowWitness, heard: Heard) -> None:
    begin(asker, witness, 0)
    witness.let.release(2)
    asker.ask(Look(number=1))
    assert heard.some.acquire(timeout=SECONDS)
    assert heard.numbers == [1]


def test_a_fault_in_a_question_does_not_end_the_asking(asker: Asker, witness: SlowWitness, heard: Heard) -> None:
    begin(asker, witness, 13)
    witness.let.release(2)
    asker.ask(Look(number=1))
    assert heard.some.acquire(timeout=SECONDS)


def test_stopping_closes_the_witness_and_drops_what_comes_later(witness: SlowWitness, heard: Heard) -> None:
    asker = Asker(witness, heard)
    asker.stop()
    asker.ask(Look(number=1))
    assert witness.closed.is_set()
    assert witness.asked == []
