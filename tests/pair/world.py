"""A seeded world: two nodes, a witness, a network, disks and clocks, people, and everything that can break.

``python -m tests.pair.world --worlds 100000 --seed 1`` runs many and prints the seed of the first that breaks a law, with the last
that happened in it. The same seed gives the same world. ``--forced`` has a person press "take over" in most of them;
``--other-rules`` changes the settings of one node before those of the other.
"""

import argparse
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

from appliance.pair.messages import WitnessKind
from tests.pair.faults import FAULTS, FORCED, OTHER_RULES, Fault, plan
from tests.pair.laws import LawBroken, Laws
from tests.pair.machine import TICK, Machine
from tests.pair.network import Network, Witness
from tests.pair.rules import PACE, Rules

FAULTS_BEGIN = 2.0
FAULTS_END = 10.0
BOUND = 8.0
"""Seconds after the last fault has healed within which one node leads and the other is in step."""
DRIFT = 0.02
TRACE = 90
MAILS_PER_SECOND = 2.0
KINDS: tuple[WitnessKind, ...] = ("tcp", "tcp", "mailbox", "none")


class World:
    """One world, from its first tick until it has healed."""

    def __init__(
        self, seed: int, rules: Rules | None = None, *, kind: WitnessKind | None = None, joined: bool | None = None, drift: float = DRIFT
    ) -> None:
        self.seed, self.random, self.rules = seed, random.Random(seed), rules or Rules()
        drawn = self.random.choice(KINDS)
        self.kind: WitnessKind = drawn if kind is None else kind
        self.now, self._count = 0.0, 0
        self.heals_at = FAULTS_END
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.trace: deque[tuple[Any, ...]] = deque(maxlen=TRACE)
        self.network, self.laws = Network(self), Laws(self)
        self.witnesses = {each: Witness(self) for each in sorted(set(KINDS))}
        self.witness = self.witnesses[self.kind]
        self.claims: dict[int, tuple[str, int]] = {}
        self.diverged: set[int] = set()
        second_joined = self.random.random() < 0.8 if joined is None else joined
        first, second = Machine(self, "a"), Machine(self, "b", joined=second_joined)
        first.peer, second.peer = second, first
        self.machines = (first, second)
        for machine in self.machines:
            machine.rate = 1 + drift * self.random.choice((-1.0, 1.0, 2 * self.random.random() - 1))
            machine.usual_flush_seconds = machine.flush_seconds = self.random.choice((0.002, 0.02, 0.1))
            machine.offset = self.random.random() * 1000
            self.after(self.random.random() * 0.5, machine.boot)

    def after(self, seconds: float, do: Callable[..., None], *given: Any) -> None:
        self._count += 1
        heappush(self._events, (self.now + seconds, self._count, do, given))

    def tell(self, machine: Machine | None, *what: Any) -> None:
        self.trace.append((self.now, machine.name if machine else "-", *what))

    def told(self) -> str:
        """The last that happened, a line each."""
        return "\n".join(f"{line[0]:8.3f}  {line[1]}  " + " ".join(_readable(word) for word in line[2:]) for line in self.trace)

    def mailbox(self) -> list[int]:
        """The mails that have arrived by now and are not answered."""
        sent = self.laws.sent
        return [mail for mail in range(int(self.now * MAILS_PER_SECOND)) if mail not in sent][:8]

    def run(self, until: float, *, or_settled: bool = False) -> bool:
        """Let time pass; True when it ended early because everything was settled."""
        settled_at = None
        while self._events and self._events[0][0] <= until:
            self.now, _, do, given = heappop(self._events)
            do(*given)
            if or_settled and self._count % 16 == 0:
                settled_at = (settled_at or self.now) if self.laws.settled() else None
                if settled_at is not None and self.now - settled_at > 2 * TICK:
                    return True
        self.now = until
        return False

    def breaks(self, fault: Fault, machine: int, seconds: float) -> None:
        target = self.machines[machine]
        self.tell(target, "meets", fault.__name__, seconds)
        fault(self, target, seconds)

    def heal(self) -> None:
        """Everybody is up again; what was still down is switched on."""
        self.tell(None, "all has healed")
        for machine in self.machines:
            machine.broken_disk = False
            machine.resume()
            machine.boot()

    def live(self, faults: Sequence[Fault] = FAULTS) -> None:
        """The whole life of a world. Raises LawBroken."""
        for at, fault, machine, seconds in plan(self.random, faults, FAULTS_BEGIN, FAULTS_END):
            self.after(at, self.breaks, fault, machine, seconds)
        self.run(FAULTS_END)
        self.heal()
        longer = max(machine.lease_seconds for machine in self.machines) - PACE.lease_seconds
        self.run(FAULTS_END + BOUND + 2 * max(0.0, longer), or_settled=True)
        self.laws.at_the_end()


def _readable(word: Any) -> str:
    return f"{word:.2f}" if isinstance(word, float) else str(word)


def live(seed: int, rules: Rules | None = None, faults: Sequence[Fault] = FAULTS) -> World:
    """Run the world of a seed; a broken law is raised with the seed and the trace."""
    world = World(seed, rules)
    try:
        world.live(faults)
    except LawBroken as broken:
        raise LawBroken(f"{broken}\nseed {seed}, witness {world.kind}\n{world.told()}") from None
    return world


def main() -> int:
    parser = argparse.ArgumentParser(description="Run seeded worlds of a pair and stop at the first that breaks a law.")
    parser.add_argument("--worlds", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--forced", action="store_true", help="a person presses take over in most of them")
    parser.add_argument("--other-rules", action="store_true", help="the two nodes' settings differ for a while in most of them")
    wanted = parser.parse_args()
    faults = OTHER_RULES if wanted.other_rules else FORCED if wanted.forced else FAULTS
    began = time.perf_counter()
    for count in range(wanted.worlds):
        try:
            live(wanted.seed + count, faults=faults)
        except LawBroken as broken:
            print(f"world {count + 1}: {broken}")
            return 1
        if (count + 1) % 1000 == 0 or count + 1 == wanted.worlds:
            rate = (count + 1) / (time.perf_counter() - began)
            print(f"{count + 1} worlds, {rate:.0f} worlds/s, last seed {wanted.seed + count}, no law broken", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
