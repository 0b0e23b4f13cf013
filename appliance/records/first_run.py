"""The first run: the steps from a bare machine to a desk at work, and what was tried on the way."""

from enum import StrEnum

from appliance.records.base import Record


class StepState(StrEnum):
    """Where a step stands. Each can be done again, whatever its state."""

    OPEN = "open"
    RUNNING = "running"  # it is being tried now
    TROUBLE = "trouble"
    DONE = "done"
    SKIPPED = "skipped"  # a person passed it by
    NOT_NEEDED = "not_needed"  # as the appliance is set up, there is nothing to do


class Tried(Record):
    """What a try of a step came to. ``about`` is a digest of the settings that were tried: of others it says nothing.

    ``code`` and ``gaps`` say in other languages what ``detail`` and ``remedy`` say in English; "" when it went well, or where
    there are no other words. ``at`` is when it ended (Unix seconds).
    """

    state: StepState
    about: str = ""
    code: str = ""
    gaps: dict[str, str] = {}
    detail: str = ""
    remedy: str = ""
    at: float = 0.0


class Step(Record):
    """One step. ``says`` names the sentence about it, filled with ``gaps``; ``tried`` is its last try with the settings of now.

    ``restart``: what the file says is not what runs; it takes effect when the appliance is started again.
    ``optional``: a person may pass it by.
    """

    name: str
    state: StepState
    says: str
    gaps: dict[str, str] = {}
    tried: Tried | None = None
    restart: bool = False
    optional: bool = False

    @property
    def open(self) -> bool:
        """Whether somebody still has something to do here."""
        return self.state in (StepState.OPEN, StepState.RUNNING, StepState.TROUBLE)
