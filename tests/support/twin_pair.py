"""The pair of a node that lives in memory: alone at first; a test pairs it, and says what has become of the other one."""

from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.pair.meeting.errors import PairingRefused
from appliance.pair.reasons import SENTENCES
from appliance.records.person import Actor

CODE = "4812 7730"
NODE, PEER = "kallio-7m9q", "sampo-2k4d"


class TwinPair:
    """Mixed into the panel's twin. ``stands`` changes what ``pair()`` says, key by key."""

    clock: Clock
    done: list[Any]
    position: int

    def start_pair(self) -> None:
        self.stands: dict[str, Any] = {}
        self.peer_panel = ""
        self.accepts = CODE

    # What a test says

    def make_pair(self, role: str = "leader", reason: str = "", **changed: Any) -> None:
        """Two machines that work, or whatever else is said: ``peer`` and ``witness`` are merged, the rest replaces."""
        now = self.clock.now()
        leads = role == "leader"
        peer = {
            "node": PEER, "seen": True, "seen_seconds": 0.2, "in_sync": True, "lag": 0, "version": "0.1.0",
            "role": "standby" if leads else "leader", "healthy": True,
            "because": (), "address": "192.168.1.21:8485", "panel": self.peer_panel,
        }  # fmt: skip
        witness = {"kind": "tcp", "wanted": "tcp://192.168.1.5:8487", "seen": True, "holder": NODE if leads else PEER, "term": 7,
                   "in_sync": True, "why": ""}  # fmt: skip
        self.stands = {
            "paired": True, "role": role, "reason": reason or ("leads" if leads else "follows"), "term": 7, "mode": "pair",
            "lease_seconds": 2.6 if leads else 0.0,
            "peer": {**peer, **changed.pop("peer", {})}, "witness": {**witness, **changed.pop("witness", {})},
            "history": _history(now), "drills": _drills(now),
            **changed,
        }  # fmt: skip
        self.position += 1

    # What the panel and the command line ask

    def pair(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "paired": False, "role": "alone", "reason": "alone", "term": 4, "position": self.position, "mode": "alone",
            "lease_seconds": 0.0, "lease_length": 3.0,
            "me": {"node": NODE, "version": "0.1.0", "healthy": True, "because": (), "address": "*:8485", "panel": "http://kallio.local:8484"},
            "peer": {"node": "", "seen": False, "seen_seconds": None, "in_sync": False, "lag": 0, "version": "", "role": "",
                     "healthy": False, "because": (), "address": "", "panel": ""},
            "witness": {"kind": "none", "wanted": "auto", "seen": False, "holder": "", "term": 0, "in_sync": False, "why": ""},
            "pairing": None, "progress": None, "history": [], "divergent": [],
            "drills": {"last": [], "overdue": False, "every_days": 30},
            **self.stands,
        }  # fmt: skip
        return {**told, "sentence": SENTENCES.get(told["reason"], "This node works alone.")}

    def pair_in_status(self) -> dict[str, Any]:
        """The part of ``status()`` that the pair fills."""
        pair = self.pair()
        return {
            "role": pair["role"], "term": pair["term"], "reason": pair["reason"],
            "mode": pair["mode"], "paired": pair["paired"], "peer": pair["peer"], "witness": pair["witness"],
        }  # fmt: skip

    def pair_start(self, actor: Actor, secret_file: str = "") -> dict[str, Any]:
        self._may(not self.pair()["paired"], "This machine is in a pair already.", "paired")
        code, seconds = ("", -1) if secret_file else (CODE, 118)
        self.stands["pairing"] = {"code": code, "expires_seconds": seconds, "tries_left": -1 if secret_file else 3, "state": "waiting"}
        self._did(actor, f"pair_start {secret_file}".strip())
        return {"code": code, "expires_seconds": seconds}

    def pair_cancel(self, actor: Actor) -> None:
        self.stands.pop("pairing", None)
        self._did(actor, "pair_cancel")

    def pair_join(self, actor: Actor, code: str = "", address: str = "", secret_file: str = "") -> dict[str, Any]:
        if not secret_file and code.replace(" ", "") != self.accepts.replace(" ", ""):
            raise PairingRefused("wrong_code", 2)
        self.make_pair(role="standby", reason="not_joined", mode="joining", progress={"step": "seeding", "done": 312, "total": 1204})
        self._did(actor, " ".join(word for word in ("pair_join", address, secret_file) if word))
        return {"pair": "p-1", "peer": PEER}

    def pair_handover(self, actor: Actor) -> dict[str, Any]:
        self._may(self.pair()["role"] == "leader", "This machine does not lead.", "not_leading")
        self.make_pair(role="standby")
        self._did(actor, "pair_handover")
        return {"asked": True}

    def pair_takeover(self, actor: Actor, sure: bool = False) -> dict[str, Any]:
        self._may(sure, "Nobody has said that the other machine is switched off.", "not_sure")
        self.make_pair(reason="forced", peer={"seen": False, "seen_seconds": 90.0, "in_sync": False}, mode="solo")
        self._did(actor, "pair_takeover")
        return {"asked": True}

    def pair_leave(self, actor: Actor) -> None:
        self._may(self.pair()["paired"], "This machine is in no pair.", "not_paired")
        self._may(self.pair()["role"] == "leader", "This machine stands by.", "standby_may_not_leave")
        self.stands = {}
        self._did(actor, "pair_leave")

    def pair_drill(self, actor: Actor, kind: str, sandbox: bool = False) -> dict[str, Any]:
        self._may(self.pair()["paired"], "This machine is in no pair.", "not_paired")
        drills = self.pair()["drills"]
        new = {
            "at": self.clock.now(),
            "kind": kind,
            "ok": kind != "cut",
            "seconds": 1.9,
            "lost": 0,
            "doubled": 0,
            "held": 0,
            "signature": True,
        }
        self.stands["drills"] = {**drills, "last": [new, *drills["last"]], "overdue": False}
        self._did(actor, f"pair_drill {kind}{' sandbox' if sandbox else ''}")
        return {"started": "drill-1"}

    def _may(self, fine: bool, message: str, code: str) -> None:
        if not fine:
            raise Refused(message, "Look at the page of the pair.", code=code)

    def _did(self, actor: Actor, what: str) -> None:
        self.done.append((actor, what))
        self.position += 1


def _history(now: float) -> list[dict[str, Any]]:
    rows: tuple[tuple[float, str, str, int, float | None, dict[str, Any]], ...] = (
        (3_600, "term_began", NODE, 7, None, {}),
        (3_601, "handover", NODE, 7, 0.21, {}),
        (90_000, "drill", NODE, 6, 2.4, {"kind": "kill"}),
        (95_000, "rejoined", PEER, 6, 4.0, {}),
        (95_040, "takeover", NODE, 6, 2.8, {}),
        (400_000, "diverged", PEER, 5, None, {"entries": 2}),
        (401_000, "forced", NODE, 5, None, {}),
    )
    return [
        {"at": now - ago, "kind": kind, "node": node, "term": term, "seconds": seconds, "detail": detail}
        for ago, kind, node, term, seconds, detail in rows
    ]


def _drills(now: float) -> dict[str, Any]:
    last = [
        {"at": now - 90_000, "kind": "kill", "ok": True, "seconds": 2.4, "lost": 0, "doubled": 0, "held": 1, "signature": True},
        {"at": now - 86_400 * 24, "kind": "handover", "ok": True, "seconds": 0.2, "lost": 0, "doubled": 0, "held": 0, "signature": True},
    ]
    return {"last": last, "overdue": False, "every_days": 30}
