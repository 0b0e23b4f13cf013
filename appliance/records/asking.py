"""What passes through the door for existing clients: the turns of a conversation, and what the engines behind it are called."""

from typing import Literal

from appliance.records.base import Record


class Turn(Record):
    """One turn of a conversation that the caller keeps. What ``desk`` is said to have answered is not believed."""

    who: Literal["customer", "desk"]
    text: str


class EngineNames(Record):
    """What can be asked for by name at the door; "" for an engine that this node does not have."""

    raw: str = ""
    embedder: str = ""
    ear: str = ""


class Embedded(Record):
    """Vectors in the order of their texts. ``tokens`` is the engine's own count, 0 where it keeps none."""

    model: str
    vectors: list[list[float]]
    tokens: int = 0
