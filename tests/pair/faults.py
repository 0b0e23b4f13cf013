"""What can go wrong in a world, and when. Every fault heals by itself before the world's end."""

# ruff: noqa: ARG001 - every fault is called alike, and not each needs all it is given

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from appliance.pair.messages import Heard

if TYPE_CHECKING:
    from tests.pair.machine import Machine
    from tests.pair.world import World

LEASES = (2.0, 3.0, 5.0)

Fault = Callable[["World", "Machine", float], None]
"""Break something of a machine for so many seconds."""


def crash(world: "World", machine: "Machine", seconds: float) -> None:
    machine.crash()
    world.after(seconds, machine.boot)


def crash_both(world: "World", machine: "Machine", seconds: float) -> None:
    """A power cut: both go down, and come back apart."""
    crash(world, machine, seconds)
    crash(world, machine.peer, seconds * world.random.random())


def pause(world: "World", machine: "Machine", seconds: float) -> None:
    machine.pause()
    world.after(seconds, machine.resume)


def cut(world: "World", machine: "Machine", seconds: float) -> None:
    world.network.cut(machine.name, machine.peer.name, seconds)
    world.network.cut(machine.peer.name, machine.name, seconds)


def cut_one_way(world: "World", machine: "Machine", seconds: float) -> None:
    world.network.cut(machine.name, machine.peer.name, seconds)


def cable_out(world: "World", machine: "Machine", seconds: float) -> None:
    """The machine reaches neither its peer nor the witness."""
    cut(world, machine, seconds)
    lose_witness(world, machine, seconds)


def lose_witness(world: "World", machine: "Machine", seconds: float) -> None:
    world.network.cut(machine.name, "w", seconds)
    if world.random.random() < 0.7:
        world.network.cut("w", machine.name, seconds)


def freeze_witness(world: "World", machine: "Machine", seconds: float) -> None:
    world.witness.freeze(seconds)


def cut_and_freeze(world: "World", machine: "Machine", seconds: float) -> None:
    cut(world, machine, seconds)
    world.witness.freeze(seconds)


def lose_packets(world: "World", machine: "Machine", seconds: float) -> None:
    world.network.change(world.now + seconds, loss=0.3 + 0.3 * world.random.random(), twice=0.2)


def slow_network(world: "World", machine: "Machine", seconds: float) -> None:
    world.network.change(world.now + seconds, slowest=0.3 + world.random.random(), twice=0.2)


def slow_disk(world: "World", machine: "Machine", seconds: float) -> None:
    machine.flush_seconds, machine.healthy = 0.2 + world.random.random(), world.random.random() < 0.5

    def mend() -> None:
        machine.flush_seconds, machine.healthy = machine.usual_flush_seconds, True

    world.after(seconds, mend)


def broken_disk(world: "World", machine: "Machine", seconds: float) -> None:
    """Full, or failing: the next flush fails, and the process ends with it."""
    machine.broken_disk = True


def clock_leaps(world: "World", machine: "Machine", seconds: float) -> None:
    machine.offset += seconds


def clock_goes_back(world: "World", machine: "Machine", seconds: float) -> None:
    """While it runs, and it looks at once. A clock that stands still while the process sleeps would be beyond any rule."""
    if machine.runs:
        machine.offset -= seconds
        machine.step(Heard(own=machine.own()))


def hand_over(world: "World", machine: "Machine", seconds: float) -> None:
    for each in world.machines:
        if each.runs and each.standing.phase == "leader":
            each.ask("handover")


def take_over(world: "World", machine: "Machine", seconds: float) -> None:
    """A person presses; without one witness of both only when the other is truly off."""
    checked = machine.kind == machine.peer.kind != "none"
    if machine.runs and (checked or not machine.peer.up):
        machine.ask("takeover")


def crash_then_take_over(world: "World", machine: "Machine", seconds: float) -> None:
    crash(world, machine, seconds)
    world.after(seconds * 0.4, take_over, world, machine.peer, seconds)


def start_anew_and_take_over(world: "World", machine: "Machine", seconds: float) -> None:
    """It forgets what it promised, does not see its peer, and somebody presses at once."""
    cut(world, machine, seconds)
    crash(world, machine, 0.1)
    world.after(0.2, take_over, world, machine, seconds)


FAULTS: tuple[Fault, ...] = (
    crash, crash, crash, crash_both, pause, pause, cut, cut, cut_one_way, cut_one_way, cable_out, cable_out, lose_witness, freeze_witness,
    cut_and_freeze, lose_packets, slow_network, slow_disk, broken_disk, clock_leaps, clock_goes_back, hand_over, hand_over, take_over,
    crash_then_take_over, start_anew_and_take_over,
)  # fmt: skip


def take_over_unanswered(world: "World", machine: "Machine", seconds: float) -> None:
    """A person presses while the other leads out of sight. The witness agrees, but its answer is lost; and the other, cut off from
    the witness in that moment, does not learn of it either."""
    cut(world, machine, seconds)
    world.witness.loses_its_answer(machine, seconds)
    take_over(world, machine, seconds)


FORCED: tuple[Fault, ...] = (
    crash, pause, cut, cut_one_way, cable_out, lose_witness, freeze_witness, cut_and_freeze, lose_packets, slow_network, broken_disk,
    clock_leaps, take_over, take_over, take_over, crash_then_take_over, crash_then_take_over, start_anew_and_take_over,
    take_over_unanswered, take_over_unanswered,
)  # fmt: skip
"""A person presses in most of these worlds. A list of its own, so that the worlds of known seeds stay as they are."""


def other_rules(world: "World", machine: "Machine", seconds: float) -> None:
    """The settings of one are changed. After a while those of the other follow, or these are put back."""
    seed = world.random
    machine.set_up(seed.choice(("tcp", "tcp", "mailbox", "none", machine.kind)), seed.choice(LEASES))
    follows = seed.random() < 0.6

    def made_alike() -> None:
        origin, target = (machine, machine.peer) if follows else (machine.peer, machine)
        target.set_up(origin.kind, origin.lease_seconds)

    world.after(seconds, made_alike)


def other_rules_then_lost(world: "World", machine: "Machine", seconds: float) -> None:
    """Long enough for a lease to end: the two lose each other, or the leader everything, while their settings differ."""
    seed, rest = world.random, world.heals_at - world.now
    other_rules(world, machine, rest * (0.7 + 0.3 * seed.random()))
    world.after(min(rest, 0.8 + 1.2 * seed.random()), _lost, world, seed.choice((cut, cable_out)))


def _lost(world: "World", fault: Fault) -> None:
    leaders = [each for each in world.machines if each.runs and each.sends() != "nothing"]
    fault(world, leaders[0] if leaders else world.machines[0], min(5.0, world.heals_at - world.now))


def other_lease_and_take_over(world: "World", machine: "Machine", seconds: float) -> None:
    """The lease of one is changed while it does not see the other, and somebody presses: wrongly, where the other leads."""
    cut(world, machine, seconds)
    machine.set_up(machine.kind, world.random.choice(LEASES))
    world.after(min(1.0, seconds / 2), take_over, world, machine, seconds)
    world.after(seconds * world.random.random(), lose_witness, world, machine.peer, seconds)
    world.after(seconds, lambda: machine.set_up(machine.peer.kind, machine.peer.lease_seconds))


OTHER_RULES: tuple[Fault, ...] = (
    other_rules, other_rules, other_rules, other_rules, other_rules, other_rules_then_lost, other_rules_then_lost, other_rules_then_lost,
    other_rules_then_lost, other_lease_and_take_over, other_lease_and_take_over, other_lease_and_take_over, crash, crash, crash_both,
    pause, pause, cut, cut, cut, cut_one_way, cable_out, lose_witness, freeze_witness, lose_packets, slow_network, broken_disk,
    clock_leaps, hand_over, crash_then_take_over, take_over,
)  # fmt: skip
"""In most of these worlds the two have different settings for a while. A list of its own, as ``FORCED`` is."""


def plan(seed: random.Random, faults: Sequence[Fault], begin: float, end: float) -> list[tuple[float, Fault, int, float]]:
    """Two to six faults: when, what, which machine, and for how long."""
    chosen = []
    for _ in range(seed.randint(2, 6)):
        at = begin + seed.random() * (end - begin) * 0.9
        longest = end - at
        chosen.append(
            (at, seed.choice(faults), seed.randint(0, 1), min(longest, seed.choice((0.2, 0.6, 1.2, 3.0, 5.0)) * (0.5 + seed.random())))
        )
    return sorted(chosen, key=lambda fault: fault[0])
