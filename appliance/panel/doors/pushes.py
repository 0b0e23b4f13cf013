"""What the panel asks about the CRM."""

from typing import Any, Protocol

from appliance.records.person import Actor
from appliance.records.push import Push, PushCounts


class PushDoor(Protocol):
    """Cases that the CRM is told of."""

    def push_call(self, actor: Actor, case: str, demo: bool = False) -> str:
        """Keep the case as it stands for the CRM; the push's id."""
        ...

    def retry_push(self, actor: Actor, push: str) -> None: ...

    def retry_pushes(self, actor: Actor) -> int:
        """Every push that was given up; how many."""
        ...

    def scrub_pushes(self, actor: Actor, case: str = "") -> int:
        """Remove the documents of pushes that do not wait any more; how many."""
        ...

    def reset_demo(self, actor: Actor, keep_demo: bool = False) -> int: ...

    def pushes(self, actor: Actor, case: str) -> list[Push]:
        """The last push of a case and the five before it, newest first, with their documents."""
        ...

    def push_rows(self, actor: Actor, state: str = "", limit: int = 100) -> list[Push]:
        """The newest pushes, without their documents."""
        ...

    def push_counts(self) -> PushCounts: ...

    def push_status(self) -> dict[str, Any]:
        """``enabled, where, attempts_most, held, trouble``."""
        ...

    def push_report(self) -> dict[str, Any]:
        """``markdown, warnings, lines``."""
        ...
