"""What customers say: clips taken in, heard, looked at and played."""

from collections.abc import Callable
from typing import Any, Protocol

from appliance.records.person import Actor
from appliance.records.voice import NOBODY, Caller, HeardClip, Segment, Transcript


class VoiceDoor(Protocol):
    """Clips. What takes one in or has it heard again is done by the node that leads."""

    def take_clip(
        self, actor: Actor, name: str, data: bytes, caller: Caller = NOBODY, language: str = "", again: bool = False
    ) -> dict[str, Any]:
        """A clip becomes a case: ``case, known, earlier``. Refused with ``same_audio`` for the same sound, unless ``again``."""
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
        """What is said in it. Nothing is kept."""
        ...

    def voice(self) -> dict[str, Any]:
        """The pipeline at a glance: ``enabled, mock, ear, state, heartbeat_at, queue, backlog, last_success_at, last_error, stages``."""
        ...

    def clips(self, case: str) -> list[HeardClip]:
        """The clips of a case with what was heard in them, in the order in which they came."""
        ...

    def clip_audio(self, actor: Actor, case: str, place: int) -> bytes:
        """The sound of a clip as it came."""
        ...

    def hear_again(self, actor: Actor, case: str) -> str:
        """Have the clips of a case in review heard once more; the state that it came to."""
        ...
