"""The faults of drills on the pair itself: whether one may be made now, and how."""

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from appliance.ground.errors import Refused
from appliance.pair.standing import peer_here, witness_seen

if TYPE_CHECKING:
    from appliance.node.node import Node
    from appliance.node.pair_side import PairSide

KINDS = ("handover", "kill", "pause", "cut")
FAULT_SECONDS = 8.0


def must_be_able(node: "Node", kind: str) -> None:
    """The other node must be fit to take over, and must be able to; or the drill would be an outage. Raises ``Refused``."""
    side, now = _side(node), node.clock.elapsed()
    standing = side.keeper.standing
    beat = standing.beat
    if beat is None or not peer_here(standing, now):
        raise Refused("The other machine is not seen, so it cannot take over.", "Look at its power and cable.", code="peer_not_seen")
    if standing.mode != "pair":
        raise Refused("The other machine does not hold everything yet.", "Wait until it has caught up.", code="peer_behind")
    if not beat.healthy:
        raise Refused("The other machine is not well itself.", "The page Pair says what it lacks.", code="peer_sick")
    if beat.yields:
        raise Refused("The other machine has just handed over itself.", "Try again in a few seconds.", code="peer_yields")
    if kind == "handover":
        return
    if standing.witness == "none" or not witness_seen(standing, now):
        raise Refused(
            "Without a witness that answers, the other machine would wait for a person instead of taking over.",
            "Set one up: see the page of help about the pair. A hand-over can be rehearsed without.",
            code="drill_needs_witness",
        )
    if kind == "kill" and not node.supervised:
        raise Refused(
            "Nobody would start this process again after the drill.",
            "Run it as a service (tandem service install), or rehearse with --sandbox.",
            code="not_supervised",
        )


def make(node: "Node", kind: str) -> None:
    """Make the fault on this node, which leads. Returns when it is over, if at all."""
    side = _side(node)
    if kind == "handover":
        side.keeper.wish("handover")
    elif kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "pause":
        _paused(os.getpid(), FAULT_SECONDS)
    else:
        side.mute(FAULT_SECONDS)


def _paused(process: int, seconds: float) -> None:
    """Stop a process from outside and have it go on later, for this one cannot wake itself."""
    script = f"kill -STOP {process}; sleep {seconds:g}; kill -CONT {process}"
    subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, start_new_session=True).wait()


def _side(node: "Node") -> "PairSide":
    if node.pair is None:
        raise Refused("This machine is in no pair.", "Pair it first: tandem pair start; or rehearse with --sandbox.", code="not_paired")
    return node.pair
