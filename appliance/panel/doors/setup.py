"""What the panel asks about the first run."""

from typing import Any, Protocol

from appliance.records.first_run import Step
from appliance.records.person import Actor
from appliance.records.sign_in import SignIn
from appliance.reports.dry_day import DryDay


class SetupDoor(Protocol):
    """The steps of the first run. What they set stands in ``tandem.toml`` and is read from there."""

    def setup_steps(self, actor: Actor) -> list[Step]:
        """Every step as it stands now."""
        ...

    def setup_progress(self, actor: Actor) -> tuple[int, int]:
        """How many steps are behind us, and of how many."""
        ...

    def setup_values(self, actor: Actor) -> dict[str, Any]:
        """What the file says under each key that a step may set; of a secret only whether there is one."""
        ...

    def set_up(self, actor: Actor, step: str, values: dict[str, Any], secrets: dict[str, str] | None = None) -> Step:
        """Set keys of one step; a server is tried first. Raises a ``TandemError``, and then nothing has changed."""
        ...

    def try_step(self, actor: Actor, step: str, wait: bool = False) -> Step: ...

    def skip_step(self, actor: Actor, step: str, skip: bool = True) -> Step: ...

    def setup_sign_in(self, actor: Actor, begin: bool = False) -> SignIn: ...

    def dry_day(self, actor: Actor) -> DryDay: ...
