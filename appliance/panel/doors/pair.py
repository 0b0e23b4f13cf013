"""What the panel asks about the pair."""

from typing import Any, Protocol

from appliance.records.person import Actor


class PairDoor(Protocol):
    """The two machines, how they stand, and what a person can do about it. Times are Unix seconds, spans are seconds."""

    def pair(self) -> dict[str, Any]:
        """How the pair stands, as ``tandem pair status --json`` prints it. A node that was never paired says ``paired: False``.

        ``role, reason, sentence, term, position, mode, lease_seconds, lease_length``; ``me`` and ``peer`` (``node, version, healthy,
        address, panel``, the peer also ``seen, seen_seconds, in_sync, lag, role``); ``witness``; ``pairing`` (the code, while one is
        shown) and ``progress`` or None; ``history`` newest first; ``drills``; ``divergent``.
        """
        ...

    def pair_start(self, actor: Actor, secret_file: str = "") -> dict[str, Any]:
        """Show a code for the other machine: ``code, expires_seconds``."""
        ...

    def pair_cancel(self, actor: Actor) -> None:
        """The code is good for nothing any more."""
        ...

    def pair_join(self, actor: Actor, code: str = "", address: str = "", secret_file: str = "") -> dict[str, Any]:
        """Join the machine that shows this code: ``pair, peer``. What follows is told by ``pair()["progress"]``."""
        ...

    def pair_handover(self, actor: Actor) -> dict[str, Any]:
        """Ask the leader to hand over."""
        ...

    def pair_takeover(self, actor: Actor, sure: bool = False) -> dict[str, Any]:
        """Lead by a person's word. ``sure``: they say that the other machine is switched off."""
        ...

    def pair_leave(self, actor: Actor) -> None:
        """End the pair for this machine."""
        ...

    def pair_drill(self, actor: Actor, kind: str, sandbox: bool = False) -> dict[str, Any]:
        """Begin a drill: ``started``, its id."""
        ...
