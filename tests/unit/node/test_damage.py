"""When the two nodes do not hold the same."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node.damage import Damage
from appliance.store.audit import Problem
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.node.pair_parts import SECONDS
from tests.unit.store.support import DIRECTORY, Desk, message

WRONG = Problem(7, "damaged", "a page cannot be read")


class Machine:
    def __init__(self, home: Path) -> None:
        clock = FakeClock()
        self.store = Store.open(home, clock, directory=DIRECTORY)
        Desk(self.store, clock).take_in(message())
        self.leads = True
        self.reseeded: list[str] = []
        self.damage = Damage(self.store, lambda: self.leads, self.reseeded.append)

    def until_examined(self) -> None:
        for thread in threading.enumerate():
            if thread.name == "examine":
                thread.join(SECONDS)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "home")
    yield machine
    machine.until_examined()
    machine.store.close()


def test_a_machine_that_holds_the_same_is_whole(machine: Machine) -> None:
    machine.damage.same(12)
    assert (machine.damage.reason, machine.damage.same_at) == ("", 12)


def test_a_leader_that_differs_and_is_whole_says_so_until_both_are_the_same(machine: Machine) -> None:
    machine.damage.differs(("cases",), 3)
    machine.until_examined()
    assert (machine.damage.told, machine.damage.reason, machine.reseeded) == ((), "nodes_differ", [])
    machine.damage.same(4)
    assert machine.damage.reason == ""


def test_a_difference_is_said_by_the_leader_alone_for_only_it_compares(machine: Machine) -> None:
    machine.damage.differs(("cases",), 3)
    machine.until_examined()
    machine.leads = False
    assert machine.damage.reason == ""


def test_a_damaged_leader_calls_itself_so_and_is_given_everything_anew_once_it_stands_by(machine: Machine) -> None:
    machine.damage.examined((WRONG,))
    assert (machine.damage.reason, machine.reseeded) == ("damaged", [])
    machine.damage.mend()
    assert machine.reseeded == []
    machine.leads = False
    machine.damage.mend()
    assert machine.reseeded == ["damaged"]


def test_a_damaged_standby_is_given_everything_anew_and_asked_for_again_until_it_has_it(machine: Machine) -> None:
    machine.leads = False
    machine.damage.examined((WRONG,))
    machine.damage.mend()
    assert machine.reseeded == ["damaged", "damaged"]


def test_a_whole_standby_is_left_alone(machine: Machine) -> None:
    machine.leads = False
    machine.damage.examined(())
    machine.damage.mend()
    assert (machine.damage.reason, machine.reseeded) == ("", [])


def test_a_leader_finds_its_own_damage_by_looking_at_itself(machine: Machine) -> None:
    machine.store._run(lambda books: books.connection.execute("UPDATE cases SET state = 'dead'"))
    machine.damage.differs(("cases",), 3)
    machine.until_examined()
    assert machine.damage.told
    assert machine.damage.reason == "damaged"


def test_an_examination_that_fails_ends_nothing_and_can_be_made_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> tuple[Problem, ...]:
        raise ValueError("on purpose")

    monkeypatch.setattr(machine.store.replication, "examine", fails)
    machine.damage.differs(("cases",), 3)
    machine.until_examined()
    monkeypatch.setattr(machine.store.replication, "examine", lambda: (WRONG,))
    machine.damage.differs(("cases",), 4)
    machine.until_examined()
    assert machine.damage.told == (WRONG,)


def test_two_differences_at_once_are_examined_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, times = threading.Event(), threading.Event(), []

    def examine() -> tuple[Problem, ...]:
        times.append(1)
        begun.set()
        go_on.wait(SECONDS)
        return ()

    monkeypatch.setattr(machine.store.replication, "examine", examine)
    machine.damage.differs(("cases",), 3)
    assert begun.wait(SECONDS)
    machine.damage._examine()
    go_on.set()
    machine.until_examined()
    assert times == [1]
