"""The network and the witness of a world: they delay, lose, double, reorder, cut and freeze."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance.pair.messages import Ask, Reply, Take, WitnessRecord

if TYPE_CHECKING:
    from tests.pair.machine import Machine
    from tests.pair.world import World

QUICK = 0.02
"""The slowest of an unharmed network, in seconds, one way."""


class Network:
    """Between the machines, and between each machine and the witness ``w``."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.cuts: dict[tuple[str, str], float] = {}
        self.loss = self.twice = 0.0
        self.slowest = QUICK
        self.harmed_until = 0.0

    def cut(self, origin: str, target: str, seconds: float) -> None:
        """Nothing that leaves one way arrives for so long."""
        self.cuts[origin, target] = max(self.cuts.get((origin, target), 0.0), self.world.now + seconds)
        self.world.tell(None, "the line is cut", origin, "to", target, seconds)

    def change(self, until: float, *, loss: float = 0.0, twice: float = 0.0, slowest: float = QUICK) -> None:
        self.loss, self.twice, self.slowest, self.harmed_until = loss, twice, slowest, until
        self.world.tell(None, "the network has loss", loss, "and takes up to", slowest)

    def delays(self, origin: str, target: str) -> tuple[float, ...]:
        """When copies of what is sent now arrive, if at all."""
        now, seed = self.world.now, self.world.random
        if now < self.cuts.get((origin, target), 0.0):
            return ()
        if now >= self.harmed_until:
            return (0.001 + seed.random() * QUICK,)
        if seed.random() < self.loss:
            return ()
        first = 0.001 + seed.random() * self.slowest
        return (first, first + seed.random() * self.slowest) if seed.random() < self.twice else (first,)

    def carry(self, origin: "Machine", target: "Machine", arrive: Callable[..., None], word: Any) -> None:
        """Carry something from one machine to the other. A process that is off hears nothing."""
        for delay in self.delays(origin.name, target.name):
            self.world.after(delay, self._arrive, target, arrive, word)

    def _arrive(self, target: "Machine", arrive: Callable[..., None], word: Any) -> None:
        target.take_up(target.life, arrive, (target, word))


class Witness:
    """The record behind its line. Frozen, it answers what it was asked when it goes on."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.record = WitnessRecord()
        self.frozen_until = 0.0
        self.mute: dict[str, float] = {}

    def freeze(self, seconds: float) -> None:
        self.frozen_until = max(self.frozen_until, self.world.now + seconds)
        self.world.tell(None, "the witness is frozen for", seconds)

    def loses_its_answer(self, machine: "Machine", seconds: float) -> None:
        """The next term that it gives to this machine is given in vain: nobody hears of it for a while."""
        self.mute[machine.name] = seconds

    def _unheard(self, machine: "Machine", ask: Ask) -> bool:
        if machine.name not in self.mute or not isinstance(ask, Take):
            return False
        seconds, peer = self.mute.pop(machine.name), machine.peer.name
        self.world.tell(machine, "loses the witness's answer")
        self.world.network.cut(peer, "w", seconds)
        self.world.network.cut("w", peer, seconds)
        return True

    def asked(self, machine: "Machine", ask: Ask) -> None:
        for delay in self.world.network.delays(machine.name, "w"):
            self.world.after(delay, self.answer, machine, ask)

    def answer(self, machine: "Machine", ask: Ask) -> None:
        if self.world.now < self.frozen_until:
            self.world.after(self.frozen_until - self.world.now, self.answer, machine, ask)
            return
        before = self.record
        self.record, reply = self.world.rules.witness_answers(before, ask, machine.lease_seconds)
        if self.record != before:
            self.world.tell(None, "the witness has", self.record)
        if self._unheard(machine, ask):
            return
        for delay in self.world.network.delays("w", machine.name):
            self.world.after(delay, self.replied, machine, reply)

    def replied(self, machine: "Machine", reply: Reply) -> None:
        machine.take_up(machine.life, type(machine).hear_witness, (machine, reply))
