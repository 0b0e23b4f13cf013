"""What is promised of the pair, in seconds, and the measuring of it: a fault, and then the other node's first reply.

goals.takeover(lab, figures, "kill -9", old, at)      asserts the goal of the witness that is in use
"""

from tests.live.pair.figures import Figures
from tests.live.pair.lab import Laboratory
from tests.live.pair.machine import Machine

# Published goals on a local Dovecot, for one fault each; a test waits longer, to say how long it took when a goal is missed.
TAKEOVER_SECONDS_MOST = {"tcp": 5.0, "mailbox": 8.0}
HANDOVER_SECONDS_MOST = 1.0
SICK_DISK_SECONDS_MOST = 5.0
SLOW_DISK_SECONDS_MOST = 20.0  # ten seconds of slowness, and then a hand-over in which each flush is still slow
CORRUPTION_SECONDS_MOST = 60.0
MDNS_SECONDS_MOST = 5.0
ADDRESS_SECONDS_MOST = 10.0
WAKE_SECONDS_MOST = 10.0
PATIENCE = 4.0

FLOWING = 10
"""So many customers have their answer before anything goes wrong."""


def under_way(lab: Laboratory) -> None:
    """Wait until the mail flows."""
    lab.wait_for_replies(FLOWING, 20)


def takeover(lab: Laboratory, figures: Figures, fault: str, old: Machine, at: float, witness: str = "tcp") -> Machine:
    """Measure from the fault until the other leads, and until its first reply is with a customer; the new leader."""
    most = TAKEOVER_SECONDS_MOST[witness]
    new = lab.other(old)
    reply = lab.wait_for_reply_by(new, at, PATIENCE * most)
    figures.add(f"takeover after {fault} ({witness} witness)", reply.at - at)
    assert reply.at - at <= most, f"{reply.at - at:.2f} s, and {most} s are promised\n{lab.told()}"
    return new


def assert_one_sender_after(lab: Laboratory, old: Machine, new: Machine) -> None:
    """Once the new leader had sent, nothing came from the old one."""
    replies = lab.post.replies()
    first = next(reply.at for reply in replies if reply.sender == new.address)
    late = [reply for reply in replies if reply.sender == old.address and reply.at > first]
    assert not late, f"{old.place} sent after {new.place} had begun: {late[:3]}\n{lab.told()}"
