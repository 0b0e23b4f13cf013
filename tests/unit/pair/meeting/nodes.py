"""Two nodes as the tests of pairing need them: homes, certificates, and a door with an offer behind it."""

from pathlib import Path
from typing import Any

from appliance.ground.clock import Clock, SystemClock
from appliance.ground.machine import digest
from appliance.pair.line.certificate import Identity, load_or_make
from appliance.pair.line.listener import Listener
from appliance.pair.line.wire import PAIRING, Line, Open, dial
from appliance.pair.meeting.code import Secret
from appliance.pair.meeting.kept import enter
from appliance.pair.meeting.membership import Membership, load
from appliance.pair.meeting.pairing import Joined, Offer, join
from appliance.pair.meeting.words import Introduction
from appliance.pair.messages import Kept

REAL = SystemClock()


class Node:
    """A node with a home and an identity."""

    def __init__(self, folder: Path, name: str, *, board: str = "") -> None:
        self.home = folder / (board or name)
        self.identity: Identity = load_or_make(self.home / "pair", name)
        self.machine = digest(board=board or name, system="")
        self.name = name

    def introduction(self, **changes: Any) -> Introduction:
        usual: dict[str, Any] = {
            "node": self.name, "version": "0.1.0", "proto": 1, "least": 1, "machine": self.machine, "key": f"{len(self.name):064x}",
            "certificate": self.identity.certificate, "port": 7789, "addresses": ("127.0.0.1",), "name": self.name.title(),
        }  # fmt: skip
        return Introduction(**{**usual, **changes})

    def save(self, membership: Membership) -> None:
        enter(self.home, membership, Kept(joined=membership.side == "a"))

    def kept(self) -> Membership:
        membership = load(self.home)
        assert membership is not None
        return membership


class Door:
    """The offering node's listener; without an offer it has no such service."""

    def __init__(self, node: Node, offer: Offer | None) -> None:
        services = {} if offer is None else {PAIRING: offer.serve}
        self.listener = Listener("127.0.0.1", 0, node.identity, trusted=lambda: (), services=services, judge=lambda _: "")
        self.listener.start()
        self.address = ("127.0.0.1", self.listener.port)

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.stop()


def joins(node: Node, door: Door, code: str | Secret, clock: Clock = REAL, **changes: Any) -> Joined:
    """The node joins with this code, as an empty one unless told otherwise."""
    return join(door.address, code, node.identity, node.introduction(**{"empty": True, **changes}), node.save, clock)


def calls(door: Door, node: str) -> Line:
    """A line to the pairing service, for whoever says other words than ours."""
    open_ = Open(service=PAIRING, node=node, pair="", version="0.1.0")
    return dial(door.address, Identity(node=node, path=Path(), certificate="", fingerprint=""), fingerprint=None, open_=open_, seconds=5)[0]
