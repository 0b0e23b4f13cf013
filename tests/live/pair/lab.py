"""The laboratory: a network, the mail, two machines, a witness and the counters, for one test.

    with laboratory(folder) as lab:
        lab.post.write(20)
        lab.start_pair(witness="tcp")           the leader
        lab.assert_nothing_lost_or_doubled()

Everything is taken away at the end, whatever happened in between.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.live.pair import pairing, trouble
from tests.live.pair.machine import LOOK_SECONDS, Machine, PairWish
from tests.live.pair.mail import Post, Reply
from tests.live.pair.net import Network
from tests.live.pair.senders import SendersWatched
from tests.live.pair.watch import Watch
from tests.live.pair.witness import WitnessBox
from tests.live.servers.child import CannotStart

UP_SECONDS = 30.0
WITNESS_SECONDS = 30.0
ENDED = ("replied", "review", "routed", "uncertain", "dead", "closed")
HELD = ("review", "routed", "uncertain", "dead", "closed")
Witness = Literal["tcp", "mailbox", "none"]


class Laboratory:
    """One of them. ``a`` and ``b`` are made by ``machine``; nothing runs before it is started."""

    def __init__(self, folder: Path, network: Network, post: Post, stack: ExitStack) -> None:
        self.folder, self.network, self.post, self._stack = folder, network, post, stack
        self.watch = Watch(network, ("a", "b"))
        self.witness = WitnessBox(network, folder)
        self._stack.callback(self.witness.end)
        self.machines: dict[str, Machine] = {}
        self.senders: SendersWatched | None = None

    def machine(self, place: str, wish: PairWish | None = None) -> Machine:
        """The machine at this place, not started."""
        machine = self.machines[place] = Machine(place, self.network, self.post, self.folder, wish)
        self._stack.callback(machine.end)
        return machine

    def trouble(self, machine: Machine) -> trouble.Trouble:
        """Prepare a machine that is not running yet for trouble with its disk and clock."""
        library = self.folder / "trouble.so"
        try:
            machine.trouble = trouble.Trouble(machine.folder, library if library.exists() else trouble.build(self.folder))
        except CannotStart as reason:
            pytest.skip(str(reason))
        return machine.trouble

    def small_disk(self, place: str, kibibytes: int) -> None:
        """Give a machine that is not made yet a disk of this size for its home."""
        self._stack.enter_context(trouble.small_disk(self.folder / f"machine-{place}" / "home", kibibytes))

    # The pair

    def make_pair(self, witness: Witness = "tcp", *, static_peer: bool = True) -> tuple[Machine, Machine]:
        """Both machines, not started; the witness runs when it is one of its own."""
        if witness == "tcp":
            self.witness.start()
        wish = PairWish(witness=self.witness.url if witness == "tcp" else witness, static_peer=static_peer)
        return self.machine("a", wish), self.machine("b", wish)

    def start_pair(self, witness: Witness = "tcp", *, static_peer: bool = True) -> Machine:
        """Make what is not made yet, start both, pair them, watch who may send; the leader."""
        if not self.machines:
            self.make_pair(witness, static_peer=static_peer)
        began = time.monotonic()
        for machine in self.both:
            machine.supervised = True
            machine.start()
        for machine in self.both:
            machine.wait_until(lambda told: told["ready"], UP_SECONDS, "ready")
        pairing.pair(*self.both, address=None if self.machines["a"].wish.static_peer else "")
        if self.witness.process is not None:
            self.witness.know(self.machines["b"].home)
        leader = self.wait_in_step()
        leader.wait_until_it_reads_mail()
        if self.machines["a"].wish.witness != "none":
            leader.wait_until(lambda told: told["witness"]["in_sync"], WITNESS_SECONDS, "written down by the witness as in sync")
        print(f"two machines started, paired and in step after {time.monotonic() - began:.1f} s")
        self.senders = self._stack.enter_context(SendersWatched(*self.both))
        return leader

    @property
    def both(self) -> tuple[Machine, Machine]:
        return self.machines["a"], self.machines["b"]

    def other(self, machine: Machine) -> Machine:
        return pairing.other_of(machine, *self.both)

    def wait_in_step(self, seconds: float = pairing.SYNC_SECONDS) -> Machine:
        return pairing.wait_in_step(*self.both, seconds=seconds)

    def leader(self) -> Machine | None:
        return pairing.leader_of(*self.both)

    # What became of the mail

    def wait_for_reply_by(self, machine: Machine, since: float, seconds: float) -> Reply:
        """The first reply that this machine sent after that moment (Unix seconds)."""
        found: list[Reply] = []

        def there() -> bool:
            found[:] = [reply for reply in self.post.replies() if reply.sender == machine.address and reply.at >= since]
            return bool(found)

        self.wait_until(there, seconds, f"a reply by {machine.place}")
        return found[0]

    def wait_for_replies(self, count: int, seconds: float) -> None:
        """Until so many customers have their reply."""
        self.wait_until(lambda: len({reply.answers for reply in self.post.replies()}) >= count, seconds, f"{count} customers answered")

    def wait_until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{what}: not within {seconds} s\n{self.told()}"
            time.sleep(LOOK_SECONDS)

    def wait_until_ended(self, machine: Machine, seconds: float = 30.0) -> dict[str, int]:
        """Until every mail that was written has ended, by this machine's word; cases by state."""
        self.wait_until(lambda: _ended(machine.counts()) >= len(self.post.written), seconds, "every mail ended")
        return machine.counts()

    def assert_nothing_lost_or_doubled(self, machine: Machine, *, held_most: int = 0, seconds: float = 30.0) -> None:
        """Every mail ended; no customer has two replies; who has none is held for a person, and that is so for at most so many."""
        counts = self.wait_until_ended(machine, seconds)
        self.wait_for_replies(counts.get("replied", 0), 5.0)
        doubled, unanswered = self.post.doubled(), self.post.unanswered()
        held = sum(counts.get(state, 0) for state in HELD)
        assert not doubled, f"answered twice: {doubled}\n{self.told()}"
        assert sum(counts.values()) == len(self.post.written), f"cases lost or doubled: {counts} of {len(self.post.written)}"
        assert len(unanswered) <= held, f"neither answered nor held: {unanswered}; {counts}\n{self.told()}"
        assert held <= held_most, f"{held} held, and at most {held_most} may be: {counts}\n{self.told()}"
        if self.senders is not None:
            self.senders.assert_never_two()

    def told(self) -> str:
        """What is known, for a test that failed."""
        lines = [f"written {len(self.post.written)}, replies {len(self.post.replies())}, unanswered {self.post.unanswered()[:5]}"]
        for machine in self.machines.values():
            lines.append(f"{machine.place}, restarts {machine.restarts}: {machine.status()} {machine.counts()}\n{machine.log(1500)}")
        return "\n".join([*lines, self.senders.told() if self.senders else ""])


def _ended(counts: dict[str, int]) -> int:
    return sum(counts.get(state, 0) for state in ENDED)


@contextmanager
def laboratory(folder: Path) -> Iterator[Laboratory]:
    """Raises ``CannotStart`` with the reason where there can be none."""
    with ExitStack() as stack:
        network = Network.make()
        stack.callback(network.close)
        post = Post.start(network)
        stack.callback(post.stop)
        yield Laboratory(folder, network, post, stack)
