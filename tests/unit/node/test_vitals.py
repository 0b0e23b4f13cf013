"""Whether this machine is fit to lead."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.node import vitals as room
from appliance.node.vitals import EVERY_SECONDS, LOST_SECONDS, Vitals, reaches
from appliance.store.errors import StoreBroken
from appliance.store.shipment import Writes
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import DIRECTORY


class Machine:
    """A store whose disk is as slow as a test says, beside real servers and a real folder."""

    def __init__(self, home: Path, *servers: tuple[str, int]) -> None:
        self.clock = FakeClock()
        self.store = Store.open(home, self.clock, directory=DIRECTORY)
        self.others = ""
        self.vitals = Vitals(home, self.store, self.clock, servers, lambda: self.others)

    def disk(self, last: float, running: float = 0.0) -> None:
        self.store.healthy_writes = lambda: Writes(last, running)  # type: ignore[method-assign]

    def looks(self, *seconds: float) -> tuple[str, ...]:
        """A look a second, with the last commit so long each time."""
        for each in seconds:
            self.clock.move(1.0)
            self.disk(each)
            self.vitals.look()
        return self.vitals.reasons


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "home")
    yield machine
    machine.store.close()


def test_a_machine_that_does_its_work_is_well(machine: Machine) -> None:
    machine.vitals.look()
    assert (machine.vitals.reasons, machine.vitals.well) == ((), True)
    assert machine.looks(0.01, 0.02, 0.01) == ()


def test_a_disk_that_failed_is_said_at_once(machine: Machine) -> None:
    machine.store._writer._break(StoreBroken("The disk failed.", "Look."))
    machine.vitals.look()
    assert machine.vitals.reasons == ("disk_failed",)
    assert not machine.vitals.well


def test_one_slow_commit_is_no_slow_disk_but_two_of_three_are(machine: Machine) -> None:
    assert machine.looks(1.5, 0.01) == ()
    assert machine.looks(1.6) == ("disk_slow",)


def test_many_quick_commits_outweigh_a_slow_one(machine: Machine) -> None:
    assert machine.looks(0.01, 1.5, 0.02, 1.6, 0.03, 0.04) == ()


def test_one_slow_commit_that_is_looked_at_for_an_hour_stays_one(machine: Machine) -> None:
    assert machine.looks(*[1.5] * 3600) == ()


def test_a_slow_disk_is_forgotten_once_it_is_quick_again(machine: Machine) -> None:
    assert machine.looks(1.5, 1.6) == ("disk_slow",)
    assert machine.looks(*(0.001 * number for number in range(1, 12))) == ()


def test_a_commit_that_does_not_end_is_a_slow_disk(machine: Machine) -> None:
    machine.disk(0.01, running=3.1)
    machine.vitals.look()
    assert machine.vitals.reasons == ("disk_slow",)


class Usage(NamedTuple):
    free: int


def test_a_disk_without_room_is_full(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(room.ROOM_BYTES - 1))
    machine.vitals.look()
    assert machine.vitals.reasons == ("disk_full",)


def test_a_folder_that_is_gone_is_a_failed_disk(machine: Machine, tmp_path: Path) -> None:
    machine.vitals._home = tmp_path / "gone"
    machine.vitals.look()
    assert machine.vitals.reasons == ("disk_failed",)


def test_what_others_found_counts_and_a_mere_difference_is_only_shown(machine: Machine) -> None:
    machine.others = "damaged"
    machine.vitals.look()
    assert (machine.vitals.reasons, machine.vitals.well) == (("damaged",), False)
    machine.others = "nodes_differ"
    machine.vitals.look()
    assert (machine.vitals.reasons, machine.vitals.well) == (("nodes_differ",), True)


def test_a_server_out_of_reach_counts_only_after_a_while_and_no_more_once_it_is_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    machine = Machine(tmp_path / "home", ("127.0.0.1", port))
    try:
        machine.vitals.look()
        machine.clock.move(LOST_SECONDS)
        machine.vitals.look()
        assert machine.vitals.reasons == ()
        machine.clock.move(0.1)
        machine.vitals.look()
        assert machine.vitals.reasons == ("mailbox_unreachable",)
        with socket.create_server(("127.0.0.1", port)):
            machine.clock.move(EVERY_SECONDS)
            machine.vitals.look()
        assert machine.vitals.reasons == ()
    finally:
        machine.store.close()


def test_servers_are_asked_only_now_and_then(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        machine = Machine(tmp_path / "home", listening.getsockname()[:2])
        machine.vitals.look()
        machine.vitals.look()
        machine.clock.move(EVERY_SECONDS)
        machine.vitals.look()
        machine.store.close()
        listening.setblocking(False)
        for _ in range(2):
            listening.accept()
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("host", ["mail..example", "x" * 64 + ".example", "nowhere.invalid", ".", "\x00"])
def test_a_name_that_leads_nowhere_is_out_of_reach_and_no_fault(host: str) -> None:
    assert not reaches((host, 993))
