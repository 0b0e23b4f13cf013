"""What the panel asks about this machine's models."""

from typing import Any, Literal, Protocol

from appliance.node.model_desk import Job
from appliance.records.person import Actor


class ModelsDoor(Protocol):
    """The models of this machine; the other one of a pair has its own."""

    def models(self, ask_peer: bool = False) -> dict[str, Any]:
        """``folder, hub, free_bytes, memory, paired, working``, and ``models``: one mapping each, as in ``tandem models list``."""
        ...

    def model_job(self, name: str) -> Job | None: ...

    def accept_licence(self, actor: Actor, name: str) -> dict[str, Any]: ...

    def pull_model(self, actor: Actor, name: str, accept: bool = False, source: Literal["any", "hub", "peer"] = "any") -> Job:
        """Begin to bring it. Refused while something else is brought, and while nobody has accepted its licence."""
        ...

    def verify_model(self, actor: Actor, name: str) -> Job: ...

    def remove_model(self, actor: Actor, name: str, force: bool = False) -> dict[str, Any]: ...
