"""What must hold at every instant of every world, whatever breaks."""

from typing import TYPE_CHECKING

from appliance.pair.permission import holds
from appliance.pair.standing import rules_differ

if TYPE_CHECKING:
    from tests.pair.machine import Entry, Machine
    from tests.pair.world import World

LONGEST_LEASE = 1.05
"""Of a lease by a slow clock, in true time."""


class LawBroken(AssertionError):
    """A law was broken in a world; the world's trace says how."""


class Laws:
    """Watches one world."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.leaders: dict[int, tuple[str, int]] = {}
        self.written: dict[tuple[int, int], object] = {}
        self.acknowledged: dict[int, Entry] = {}
        self.left_behind: set[Entry] = set()
        self.sent: set[int] = set()
        self.outbound_off_since: float | None = None

    def broken(self, text: str) -> None:
        raise LawBroken(text)

    # Leading

    def stepped(self, machine: "Machine") -> None:
        """After each step: who leads in which term, and who may send."""
        standing = machine.standing
        if standing.phase == "leader":
            this = (machine.name, machine.life)
            first = self.leaders.setdefault(standing.kept.term, this)
            if rules_differ(standing) and standing.kept.term != machine.led_term and not standing.kept.forced:
                self.broken(f"{machine.name} begins to lead beside one with other rules")
            if first != this:
                self.broken(f"two leaders in term {standing.kept.term}: {first} and {this}")
        if machine.sends() != "nothing":
            self._sends_alone(machine)
            self._may_be_lone(machine)
            self._holds_everything(machine)

    def _sends_alone(self, machine: "Machine") -> None:
        other = machine.peer
        if other.runs and other.sends() != "nothing":
            self.broken(f"both may send: {machine.name} in term {machine.term} and {other.name} in term {other.term}")

    def _may_be_lone(self, machine: "Machine") -> None:
        """PAIR's table: booted alone, or both the peer and the witness lost, nothing is sent."""
        standing = machine.standing
        if standing.beat is None and not machine.pressed:
            self.broken(f"{machine.name} may send and has not seen its peer since it started")
        silent = self.world.now - machine.contact_at
        if standing.witness != "none" and silent > standing.pace.lease_seconds * LONGEST_LEASE:
            self.broken(f"{machine.name} may send after {silent:.2f} s without peer and witness")

    def _holds_everything(self, machine: "Machine") -> None:
        """Whoever leads has every acknowledged entry, unless a person made it leader without."""
        if machine.checked_term == machine.term:
            return
        machine.checked_term = machine.term
        missing = [entry for entry in self.acknowledged.values() if not machine.has(entry)]
        if missing and not machine.standing.kept.forced:
            self.broken(f"{machine.name} leads term {machine.term} without acknowledged {missing[0]}")
        for entry in missing:
            self.left_behind.add(entry)
            del self.acknowledged[entry[1]]
            if not machine.peer.keeps(entry):
                self.broken(f"{entry} was acknowledged and is on no disk")

    # The journal

    def wrote(self, machine: "Machine", entry: "Entry") -> None:
        """An entry is known by its term and position alone."""
        if self.written.setdefault(entry[:2], entry) != entry:
            self.broken(f"a fork: {machine.name} wrote {entry}, and there is {self.written[entry[:2]]}")

    def acknowledges(self, machine: "Machine", entry: "Entry") -> None:
        if not holds(machine.standing, machine.clock()):
            self.broken(f"{machine.name} acknowledged {entry} without a lease")
        self._holds_everything(machine)
        old = self.acknowledged.setdefault(entry[1], entry)
        if old != entry:
            self.broken(f"{machine.name} acknowledged {entry} in place of {old}")
        kind, value = entry[2]
        if kind == "outbound":
            self.outbound_off_since = None if value else self.world.now

    def cut_off(self, machine: "Machine", tail: "list[Entry]") -> None:
        """Only a leader by a person's word may make the other cut off what was acknowledged; it stays among what diverged."""
        for entry in tail:
            if self.acknowledged.get(entry[1]) != entry:
                continue
            if not machine.peer.standing.kept.forced:
                self.broken(f"{machine.name} cut off {entry}, which was acknowledged")
            self.left_behind.add(entry)
            del self.acknowledged[entry[1]]

    # Effects

    def data_leaves(self, machine: "Machine", message: int, asked_at: float, lease_until: float, *, held_up: bool) -> None:
        """The data of a mail leaves. ``held_up``: the process was paused between asking and sending."""
        if message in self.sent:
            self.broken(f"message {message} was answered twice")
        self.sent.add(message)
        if message not in self.world.claims:
            self.broken(f"message {message} was answered and carries no claim")
        off = self.outbound_off_since
        if off is not None and off < asked_at and not machine.standing.kept.forced and not self.left_behind:
            self.broken(f"message {message} left after outbound was switched off")
        if held_up:
            return
        if machine.standing.witness != "none" and self.world.now > lease_until:
            self.broken(f"{machine.name} sent message {message} after its lease had ended")
        if machine.peer.runs and machine.peer.sends() != "nothing":
            self.broken(f"{machine.name} sent message {message} while {machine.peer.name} may send")

    # The end

    def settled(self) -> bool:
        """Exactly one leads, the other follows, and both hold the same."""
        leaders = [each for each in self.world.machines if each.runs and each.sends() == "everything"]
        if len(leaders) != 1:
            return False
        leader, other = leaders[0], leaders[0].peer
        return leader.standing.mode == "pair" and other.standing.kept.term == leader.term and other.standing.phase == "standby"

    def at_the_end(self) -> None:
        if not self.settled():
            self.broken("after everything had healed, no single node led with the other in step")
        for entry in self.acknowledged.values():
            if not any(each.has(entry) for each in self.world.machines):
                self.broken(f"{entry} was acknowledged and is gone")
        for entry in self.left_behind:
            if not any(each.keeps(entry) for each in self.world.machines):
                self.broken(f"{entry} was left behind by a forced take-over and is not among what diverged")
