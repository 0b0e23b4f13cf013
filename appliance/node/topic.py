"""What the commands of every topic share: the node that they speak for, and whether somebody may do what they ask."""

from typing import TYPE_CHECKING

from appliance.ground.errors import Refused
from appliance.policy import roles
from appliance.records.person import Actor

if TYPE_CHECKING:
    from appliance.node.node import Node


class Topic:
    """The commands about one thing; ``Commands`` is all of them together."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    def _allow(self, actor: Actor, action: str) -> None:
        """Raises ``Refused`` unless the role may do this; the policy may ask for a higher one at a lever."""
        if not roles.may(actor.role, action, self._node.policy().levers):
            raise Refused(f"A {actor.role.name.lower()} may not do this.", "Ask somebody whose role allows it; policy.toml says who.")
