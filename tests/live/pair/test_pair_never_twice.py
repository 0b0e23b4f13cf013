"""A node of the pair is killed at every named point of its path, or stands still there: the other goes on, and the dead one comes back.

Whatever happens: every mail ends, no customer has two replies, a kill leaves at most one delivery uncertain, and both journals are the
same at the end. One pair goes from point to point; the node that died at one is started again to die at the next.
"""

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from appliance.ground import faults
from tests.live.pair.figures import Figures
from tests.live.pair.lab import Laboratory
from tests.live.pair.machine import LOOK_SECONDS, OWNER, Machine
from tests.live.pair.pairing import SYNC_SECONDS, in_step

HANDOVER_SECONDS = 30.0
TAKEOVER_SECONDS = 30.0
MAILS_A_ROUND = 40  # at most: who has not died by then has not reached its point
WRITE_SECONDS = 0.05

# How often a point is passed before it is the one: later than a node passes it while it still stands by.
TIMES = {"store": 25, "pair": 2, "follow": 3, "answer": 3, "deliver": 3}
TAKING_IN = ("intake", "store")
ANSWERING = ("answer", "deliver")
CHANGING = ("office", "pair", "follow")
STANDING_STILL = ("deliver.before_data:2:stop", "store.after_ship:25:stop", "store.before_confirm:25:stop")


def points_of(rooms: Sequence[str]) -> list[str]:
    return [f"{point}:{TIMES.get(room, 1)}" for point in faults.POINTS if (room := point.split(".")[0]) in rooms]


def test_every_point_that_a_node_of_a_pair_passes_is_in_one_of_these_tests() -> None:
    named = {point.split(":")[0] for rooms in (TAKING_IN, ANSWERING, CHANGING) for point in points_of(rooms)}
    assert named == {point for point in faults.POINTS if not point.startswith(("drafts.", "voice.", "push."))}


class Rounds:
    """One node of the pair, the victim, dies again and again; whatever it dies of stands in its environment.

    It comes back by turns at once, when its own lease may still run, and after the other has taken over.
    """

    def __init__(self, lab: Laboratory, figures: Figures, wishes: Sequence[str]) -> None:
        self.lab, self.figures, self.wishes = lab, figures, [*wishes, ""]
        self.victim = lab.other(lab.start_pair())
        self.survivor = lab.other(self.victim)
        self.kills = 0
        self.process, self.died_at = 0, 0.0
        self.victim.kill()
        self.victim.fault = self.wishes[0]
        self.victim.start()

    def run(self) -> None:
        for turn, (wish, next_wish) in enumerate(itertools.pairwise(self.wishes)):
            self.one(wish, next_wish, at_once=bool(turn % 2))

    def one(self, wish: str, next_wish: str, *, at_once: bool) -> None:
        """The victim comes up with its fault before it; then it gets there, as the leader unless it passes that point as standby too."""
        lab, victim, began = self.lab, self.victim, time.time()
        lab.wait_until(lambda: victim.runs, 10.0, f"{victim.place} started")
        assert victim.process is not None
        self.process, self.died_at = victim.process.pid, 0.0
        victim.fault, victim.supervised = next_wish, at_once
        lab.wait_until(lambda: self.is_there() or in_step(*lab.both) is not None, SYNC_SECONDS, "in step")
        if wish.startswith("follow."):
            self.let_lead(self.survivor)
        else:
            self.let_lead(victim)
        self.write_until_it_is_there(wish)
        self.kills += 1
        if wish.endswith(":stop"):
            self.outlived_and_woken(wish)
        elif not at_once:
            self.survivor.wait_until(lambda told: told["role"] == "leader" and told["may_send"], TAKEOVER_SECONDS, "the leader")
            self.figures.add("a node died at a point: until the other may send", max(0.0, time.time() - self.died_at))
            victim.supervised = True
            victim.start()
        print(f"{wish}: reached after {self.died_at - began:.1f} s; started again {'at once' if at_once else 'by the test'}")

    def is_there(self) -> bool:
        """The victim died, or stands still; a process that came after it does not count."""
        process = self.victim.process
        there = process is None or process.pid != self.process or not self.victim.runs or is_still(self.victim)
        if there and not self.died_at:
            self.died_at = time.time()
        return there

    def let_lead(self, machine: Machine) -> None:
        """Hand over to this one, as soon as it may be; the victim may die of it. When it leads already it hands over and gets it back,
        for some points are passed at no other time."""
        end = time.monotonic() + HANDOVER_SECONDS
        if machine is self.victim and self.lab.leader() is machine:
            self.let_lead(self.survivor)
        while not self.is_there() and self.lab.leader() is not machine:
            assert time.monotonic() < end, f"{machine.place} does not come to lead\n{self.lab.told()}"
            with contextlib.suppress(OSError, ValueError):  # neither before it is in step nor right after it has handed over
                self.lab.other(machine).ask("pair_handover", 5, actor=OWNER)
            wait_for(lambda: self.is_there() or self.lab.leader() is machine, 0.5)

    def write_until_it_is_there(self, wish: str) -> None:
        for _ in range(MAILS_A_ROUND):
            if self.is_there():
                return
            self.lab.post.write(1)
            time.sleep(WRITE_SECONDS)
        self.lab.wait_until(self.is_there, 10.0, f"{self.victim.place} at {wish}")

    def outlived_and_woken(self, wish: str) -> None:
        """The other takes over and answers; the one that stood still wakes in the middle of what it did, and sends nothing."""
        lab, victim, at = self.lab, self.victim, time.time()
        lab.post.write(2)
        first = lab.wait_for_reply_by(self.survivor, at, TAKEOVER_SECONDS)
        self.figures.add("a leader stood still at a point: until the other's first reply", first.at - at)
        victim.resume()
        lab.post.write(2)
        lab.wait_in_step()
        late = [reply for reply in lab.post.replies() if reply.sender == victim.address and reply.at > first.at]
        assert not late, f"{victim.place} stood still at {wish} and sent after {self.survivor.place} had begun: {late}\n{lab.told()}"
        victim.kill()
        victim.supervised = True
        victim.start()

    def all_is_well(self) -> None:
        leader = self.lab.wait_in_step()
        self.lab.assert_nothing_lost_or_doubled(leader, held_most=self.kills, seconds=60.0)
        counts = leader.counts()
        self.figures.add("uncertain after that many kills", counts.get("uncertain", 0), f"of {self.kills}")
        wait_for(lambda: end_of(self.victim.home) == end_of(self.survivor.home), 10.0)
        assert end_of(self.victim.home) == end_of(self.survivor.home), "the two journals differ"
        for machine in self.lab.both:
            told = machine.ask("verify", 30.0)
            assert told["ok"], f"{machine.place}: {told}"


@pytest.mark.parametrize("rooms", [TAKING_IN, ANSWERING, CHANGING], ids=lambda rooms: "-".join(rooms))
def test_a_node_killed_at_every_point_loses_nothing_and_sends_nothing_twice(
    lab: Laboratory, figures: Figures, rooms: tuple[str, ...]
) -> None:
    rounds = Rounds(lab, figures, points_of(rooms))
    rounds.run()
    assert rounds.kills == len(points_of(rooms))
    rounds.all_is_well()


def test_a_leader_that_stands_still_in_the_middle_of_its_work_sends_nothing_when_it_wakes(lab: Laboratory, figures: Figures) -> None:
    rounds = Rounds(lab, figures, STANDING_STILL)
    rounds.run()
    rounds.all_is_well()


def is_still(machine: Machine) -> bool:
    """Whether its process stands still, as after SIGSTOP (proc(5))."""
    if machine.process is None:
        return False
    try:
        stat = Path(f"/proc/{machine.process.pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "T"


def end_of(home: Path) -> tuple[int, bytes]:
    with closing(sqlite3.connect(f"file:{home}/tandem.db?mode=ro", uri=True)) as database:
        position, digest = database.execute("SELECT position, hash FROM journal ORDER BY position DESC LIMIT 1").fetchone()
    return int(position), bytes(digest)


def wait_for(true, seconds: float) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
