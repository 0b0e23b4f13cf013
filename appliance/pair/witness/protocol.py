"""What a witness is to whoever asks it."""

from typing import Protocol

from appliance.pair.messages import Ask, Reply, WitnessKind


class Witness(Protocol):
    """The third voice, reached somehow. Only one thread asks; ``close`` comes from that thread, or once nobody asks any more."""

    @property
    def kind(self) -> WitnessKind:
        """What sort it is, as the lease names it."""
        ...

    @property
    def trouble(self) -> str:
        """Why the last question got no answer, in a sentence for people; "" when it got one."""
        ...

    def ask(self, ask: Ask) -> Reply | None:
        """Put a question and wait for the answer, within a time limit of its own. None is no answer; nothing is ever raised.

        A question without an answer may have been answered all the same: its number says which answers are too late.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
