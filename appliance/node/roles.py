"""What this node may do at this moment, and why.

A standing answers two questions for the loops: do I run, and may I still act. A node that was never paired stands alone:
it leads a term of its own from its start to its end. A pair hands in another standing behind the same protocol.
"""

from typing import Literal, Protocol

Role = Literal["leader", "standby", "alone"]


class Standing(Protocol):
    """Whether this node runs the loops. ``term`` stands in everything it writes."""

    @property
    def role(self) -> Role: ...

    @property
    def term(self) -> int: ...

    @property
    def reason(self) -> str:
        """Why it may or may not act, as a code."""
        ...

    def may_act(self) -> bool:
        """Asked before a claim, before a commit, and last thing before the data of a mail leaves."""
        ...


class Alone:
    """One node without a pair: it leads from its start."""

    role: Role = "alone"
    reason = "alone"

    def __init__(self, term: int) -> None:
        self.term = term
        self._acting = True

    def may_act(self) -> bool:
        return self._acting

    def resign(self) -> None:
        """The node is stopping: nothing new starts."""
        self._acting = False
