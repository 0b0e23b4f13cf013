"""What people may ask and tell about the pair: how it is, pairing, handing over, taking over."""

from pathlib import Path
from typing import Any

from appliance import __version__
from appliance.ground.errors import Refused
from appliance.ground.log import Log
from appliance.node import drill_records
from appliance.node.control import command
from appliance.node.forward import leads
from appliance.node.pair_side import PairSide
from appliance.node.topic import Topic
from appliance.pair.meeting.code import Secret, read_secret
from appliance.pair.reasons import SENTENCES
from appliance.pair.standing import lease_end, peer_here, witness_seen
from appliance.pair.witness.keys import line as key_line
from appliance.pair.witness.keys import witness_key
from appliance.records.person import Actor
from appliance.store import divergent

log = Log("pair")

HISTORY_MOST = 50
NO_PEER = {
    "node": "", "seen": False, "seen_seconds": None, "in_sync": False, "lag": 0, "version": "", "role": "", "healthy": False,
    "because": (), "address": "", "panel": "",
}  # fmt: skip
NO_WITNESS = {"kind": "none", "wanted": "", "seen": False, "holder": "", "term": 0, "in_sync": False, "why": ""}


class PairCommands(Topic):
    """The commands about the pair; part of ``Commands``."""

    @command
    def pair(self) -> dict[str, Any]:
        """The pair as this node sees it; see the page Pair."""
        node = self._node
        told = _paired(node.pair) if node.pair is not None else self._alone()
        return {
            **told,
            "paired": node.pair is not None,
            "role": node.standing.role,
            "reason": node.standing.reason if node.running else "not_running",
            "sentence": SENTENCES.get(node.standing.reason, ""),
            "term": node.store.term,
            "position": node.store.position,
            "pairing": node.pairing.state(),
            "history": [_event(row) for row in node.store.terms(HISTORY_MOST)],
            "drills": drill_records.told(node),
            "divergent": divergent.listed(node.home),
            "me": self._me(),
        }

    def _me(self) -> dict[str, Any]:
        node = self._node
        side = node.pair
        panel = node.settings.panel
        return {
            "node": node.name,
            "version": __version__,
            "healthy": side.vitals.well if side is not None else node.broken is None,
            "because": side.vitals.reasons if side is not None else (),
            "address": side.address if side is not None else "",
            "panel": panel.public_url or f"http://{panel.host}:{panel.port}",
        }

    def _alone(self) -> dict[str, Any]:
        wanted = self._node.settings.pair.witness
        return {
            "mode": "alone",
            "lease_seconds": 0.0,
            "lease_length": self._node.settings.pair.lease_seconds,
            "peer": NO_PEER,
            "witness": {**NO_WITNESS, "wanted": wanted},
            "progress": None,
        }

    # Becoming a pair

    @command
    def pair_start(self, actor: Actor, secret_file: str = "") -> dict[str, Any]:
        """Show a code, or wait for the secret of a file; the code, and for how many seconds it holds."""
        self._allow(actor, "manage_pair")
        offer = self._node.pairing.begin(_secret_of(secret_file))
        state = self._node.pairing.state() or {}
        return {"code": offer.code, "expires_seconds": state.get("expires_seconds", 0)}

    @command
    def pair_cancel(self, actor: Actor) -> None:
        """Take the code back."""
        self._allow(actor, "manage_pair")
        self._node.pairing.cancel()

    @command
    def pair_join(self, actor: Actor, code: str = "", address: str = "", secret_file: str = "") -> dict[str, Any]:
        """Join the node that shows this code: the pair, and the other node. What this one has goes; it must be empty."""
        self._allow(actor, "manage_pair")
        joined = self._node.pairing.join(_secret_of(secret_file) or code, address)
        return {"pair": joined.membership.pair, "peer": joined.membership.peer}

    @command
    def witness_key(self, actor: Actor) -> str:
        """The line that a ``tandem witness`` is given to know this pair by. Whoever has it can speak for the pair there."""
        self._allow(actor, "manage_pair")
        membership = self._side().membership
        return key_line(witness_key(membership.pair, membership.secret))

    @command
    def pair_leave(self, actor: Actor) -> None:
        """Be in no pair any more. Refused to one that stands by while the other leads: it would be a second sender."""
        self._allow(actor, "manage_pair")
        side = self._side()
        if self._node.standing.role != "leader" and not side.never_in_step:
            raise Refused(
                "This machine stands by, and would answer mail beside the other one if it left.",
                "Leave on the machine that leads, then set this one up anew with an empty home; or hand over to it first.",
                code="standby_may_not_leave",
            )
        side.leave()
        log.warning("pair_left", pair=side.membership.pair, peer=side.membership.peer, by=actor.name)

    @leads
    def erase_again(self, customer: str) -> bool:
        """A standby found an erasure in the part of its journal that was replaced: a customer's right stands whoever led."""
        erased = self._node.store.erase_again(customer, "rejoin", term=self._node.term)
        log.info("erasure_repeated", erased=erased)
        return erased

    # Who leads

    @command
    @leads
    def pair_handover(self, actor: Actor) -> dict[str, Any]:
        """Hand over to the other node, once everything is with it; nothing is lost, sent twice or held by it."""
        self._allow(actor, "hand_over")
        side = self._side()
        beat = side.keeper.standing.beat
        if beat is None or not peer_here(side.keeper.standing, self._node.clock.elapsed()):
            raise Refused(
                "The other machine is not seen, so it cannot take over.", "Look at its power and its cable.", code="peer_not_seen"
            )
        if side.keeper.standing.mode != "pair":
            raise Refused("The other machine does not hold everything yet.", "Wait until it has caught up.", code="peer_behind")
        if not beat.healthy:
            raise Refused("The other machine is not well itself.", "The page Pair says what it lacks.", code="peer_sick")
        if beat.yields:
            raise Refused("The other machine has just handed over itself.", "Try again in a few seconds.", code="peer_yields")
        side.keeper.wish("handover")
        log.info("handover_asked", by=actor.name)
        return {"asked": True}

    @command
    def pair_takeover(self, actor: Actor, sure: bool = False) -> dict[str, Any]:
        """Have this node lead though the other one is not seen: a person says that the other one is switched off."""
        self._allow(actor, "take_over")
        side = self._side()
        if side.keeper.leads():
            raise Refused("This machine leads already.", code="leads_already")
        if peer_here(side.keeper.standing, self._node.clock.elapsed()):
            raise Refused("The other machine is seen and works.", "Hand over from it instead.", code="peer_is_seen")
        if not sure:
            raise Refused(
                "Two machines that both lead would answer customers twice.",
                "Go and switch the other machine off; then say that you did.",
                code="not_sure",
            )
        standing = side.keeper.standing
        knows = standing.record is not None and standing.record.term > 0
        if standing.witness != "none" and not (knows and witness_seen(standing, self._node.clock.elapsed())):
            raise Refused(
                "The witness does not answer, or knows nothing of this pair, and without its word this machine may not lead.",
                'Bring it back; or set witness = "none" under [pair] in tandem.toml here, start again, and take over then.',
                code="witness_silent",
            )
        side.keeper.wish("takeover")
        log.warning("takeover_asked", by=actor.name)
        return {"asked": True}

    def _side(self) -> PairSide:
        if self._node.pair is None:
            raise Refused("This machine is in no pair.", "Pair it first: tandem pair start", code="not_paired")
        return self._node.pair


def _event(row: dict[str, Any]) -> dict[str, Any]:
    kind = {"handover": "handover", "takeover": "takeover", "forced": "forced"}.get(row["how"], "term_began")
    return {"at": row["at"], "kind": kind, "node": row["node"], "term": row["term"], "seconds": None, "detail": {}}


def _secret_of(file: str) -> Secret | None:
    return read_secret(Path(file)) if file else None


def _paired(side: PairSide) -> dict[str, Any]:
    standing, now = side.keeper.standing, side.clock.elapsed()
    length = standing.pace.lease_seconds
    left = max(0.0, lease_end(standing) - now) if standing.phase == "leader" else 0.0
    record = standing.record
    return {
        "mode": standing.mode if standing.phase == "leader" else ("pair" if standing.kept.joined else "joining"),
        "lease_seconds": round(min(left, length), 2),
        "lease_length": length,
        "peer": _peer(side),
        "witness": {
            "kind": standing.witness,
            "wanted": side.settings.pair.witness,
            "seen": witness_seen(standing, now),
            "holder": record.holder if record else "",
            "term": record.term if record else 0,
            "in_sync": bool(record and record.in_sync),
            "why": (side.witness.trouble if side.witness is not None else "") or side.witness_why,
        },
        "progress": side.progress,
    }


def _peer(side: PairSide) -> dict[str, Any]:
    standing, now = side.keeper.standing, side.clock.elapsed()
    beat, about = standing.beat, side.about.peer
    seen = peer_here(standing, now)
    leads_here = standing.phase == "leader"
    lag = side.shipper.lag if leads_here else max(0, beat.end.position - side.store.position) if beat is not None else 0
    return {
        "node": side.membership.peer,
        "seen": seen,
        "seen_seconds": None if beat is None else round(max(0.0, now - standing.heard_at), 1),
        "in_sync": seen and (standing.mode == "pair" if leads_here else bool(beat is not None and beat.in_sync)),
        "lag": lag if seen else 0,
        "version": about.version if about else "",
        "role": ("leader" if beat.phase == "leader" else "standby") if seen and beat is not None else "",
        "healthy": bool(seen and beat is not None and beat.healthy),
        "because": about.because if about else (),
        "address": side.peer_address,
        "panel": side.about.panel,
    }
