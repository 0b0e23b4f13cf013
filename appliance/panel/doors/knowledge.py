"""What people do with what the company knows, besides searching it."""

from typing import Protocol

from appliance.knowledge.browse import Leaf
from appliance.knowledge.compare import Disagreement
from appliance.knowledge.earlier import Earlier
from appliance.knowledge.kept import DiffOnDisk
from appliance.knowledge.staged import Staged
from appliance.records.knowledge import SourceState
from appliance.records.language import Code
from appliance.records.person import Actor
from appliance.records.work import File


class KnowledgeDoor(Protocol):
    """Sources and new versions of them. ``Refused`` when a file is not one that can be used: then nothing is kept of it."""

    def source_page(self, source: str, text: str = "", start: int = 0, limit: int = 50) -> Leaf: ...

    def last_change(self, source: str) -> DiffOnDisk | None: ...

    def disagreements(self) -> list[Disagreement]:
        """Facts that one language tells in more than one way."""
        ...

    def earlier_versions(self, source: str) -> list[Earlier]: ...

    def skeleton(self, language: Code, source: str = "") -> File: ...

    def staged_knowledge(self) -> list[Staged]:
        """What waits for a yes, newest first."""
        ...

    def staged_one(self, staged: str) -> Staged: ...

    def stage_knowledge(self, actor: Actor, name: str, content: bytes, source: str = "", language: Code = "en") -> Staged:
        """``source`` "": a new one, in this language."""
        ...

    def stage_fact(self, actor: Actor, title: str, text: str, language: Code) -> Staged: ...

    def stage_earlier(self, actor: Actor, source: str, version: str = "") -> Staged: ...

    def activate_knowledge(self, actor: Actor, staged: str) -> SourceState:
        """Refused, with a new comparison under the same id, when the file was changed meanwhile (code ``knowledge_changed``)."""
        ...

    def discard_knowledge(self, actor: Actor, staged: str) -> Staged: ...
