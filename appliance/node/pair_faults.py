"""What is wrong with the pair, as rows of ``health``.

``pair``      why this node may not act, or acts without what it should have beside it: a code of ``reasons.REMEDIES``
``copying``   entries that this node does not take, or tables that are not the other one's
"""

from typing import TYPE_CHECKING

from appliance.ground.errors import TandemError
from appliance.pair.reasons import REMEDIES, SENTENCES
from appliance.pair.standing import peer_here

if TYPE_CHECKING:
    from appliance.node.pair_side import PairSide

HALTED = "halted"


def of_reason(side: "PairSide") -> TandemError | None:
    """Why this node may not act, or what it lacks; None while all is as it should be, or will be in a moment."""
    reason = side.keeper.leave().reason
    return TandemError(SENTENCES[reason], REMEDIES[reason], code=reason) if reason in REMEDIES else None


def of_copying(side: "PairSide") -> TandemError | None:
    """Why the two do not come to hold the same."""
    if side.follower.halted is not None:
        return side.follower.halted
    if side.damage.told:
        first = side.damage.told[0]
        return TandemError(
            f"This machine's database is damaged: {first.what}", "It fetches everything anew by itself.", code="machine_damaged"
        )
    if side.damage.differing:
        tables = ", ".join(side.damage.differing)
        return TandemError(f"The two machines do not hold the same: {tables}.", "Run `tandem verify` on both.", code="nodes_differ")
    return _of_line(side)


def _of_line(side: "PairSide") -> TandemError | None:
    """The other node leads and is seen, and still nothing comes from it."""
    standing = side.keeper.standing
    leads_there = standing.beat is not None and standing.beat.phase == "leader" and peer_here(standing, side.keeper.now())
    return side.follower.error if leads_there and not side.follower.line_is_up else None


def gaps(side: "PairSide") -> dict[str, str]:
    return {"node": side.membership.me, "peer": side.membership.peer}
