"""The cockpit of a call: who calls, what to say, what it costs, what stands in the reference material."""

from typing import Protocol

from appliance.records.call import CallChange, CallRow, CallState, CallView, Contact, Cue, Positioning, References, ReferenceState
from appliance.records.person import Actor
from appliance.records.voice import Caller


class CallDoor(Protocol):
    """What an agent on the telephone needs. What leaves for the customer goes by ``decide``."""

    def calls(self, actor: Actor, limit: int = 100) -> list[CallRow]:
        """The calls that nobody archived, newest first."""
        ...

    def call(self, actor: Actor, case: str) -> CallView: ...

    def change_call(self, actor: Actor, case: str, change: CallChange) -> CallState:
        """Do one thing at a call and keep the draft with it. Refused for numbers that are none, and for what is no longer offered."""
        ...

    def call_points(self, actor: Actor, text: str, language: str = "") -> tuple[tuple[Cue, ...], tuple[Positioning, ...]]:
        """What these words bring up, while somebody is still speaking."""
        ...

    def contact(self, actor: Actor, caller: Caller) -> Contact: ...

    def reference(self, actor: Actor, text: str, language: str = "") -> References:
        """What is found, by which way, and why not by a better one."""
        ...

    def reference_state(self, actor: Actor) -> ReferenceState: ...

    def build_reference(self, actor: Actor) -> ReferenceState: ...

    def scrub_reference(self, actor: Actor) -> int:
        """How many files of the index went."""
        ...
