"""What existing clients of other programs ask of a node, through ``/v1``."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from appliance.records.answer import Outcome
from appliance.records.asking import Embedded, EngineNames, Turn
from appliance.records.person import Actor
from appliance.records.voice import Segment, Transcript


class V1Door(Protocol):
    """The desk and the engines. An engine that cannot work raises an ``EngineError``."""

    def ask_conversation(self, turns: Sequence[Turn], language: str = "", on_state: Callable[[str], None] | None = None) -> Outcome:
        """What the desk makes of the last turn, under the levers as they stand. What ``on_state`` raises ends the work."""
        ...

    def engine_names(self) -> EngineNames: ...

    def embed(self, texts: Sequence[str]) -> Embedded: ...

    def raw_model(self, actor: Actor) -> Any:
        """The language model's own server (``engines/writer/raw.RawModel``); None where no model is configured."""
        ...

    def hear(
        self,
        actor: Actor,
        data: bytes,
        name: str = "",
        language: str = "",
        words: bool = False,
        quick: bool = False,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """The words of a clip, which is not stored."""
        ...
