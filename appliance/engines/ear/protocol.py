"""What an ear is given and what it gives back."""

from collections.abc import Callable
from typing import Protocol

from appliance.records.base import Record
from appliance.records.voice import Segment, Transcript


class Hearing(Record):
    """What is to be heard. ``data`` are the bytes of the file as it came; ``name`` is only a hint at what it is.

    ``language`` "" lets the ear find out among ``languages``. ``words``: with the time of each word. ``quick``: the first stage, for
    somebody who waits; only the last ``last_seconds`` are listened to then (0: all of it).
    """

    data: bytes
    name: str = ""
    language: str = ""
    languages: tuple[str, ...] = ()
    words: bool = False
    quick: bool = False
    last_seconds: float = 0.0


class Ear(Protocol):
    """Hears. What it cannot tell from noise it leaves out."""

    name: str
    version: str

    def hear(self, hearing: Hearing, on_segment: Callable[[Segment], None] | None = None) -> Transcript:
        """The words. ``on_segment`` is told each segment as it is believed, in order.

        Raises ``ClipUnreadable`` (the clip is no good, and never will be) or another ``EngineError`` (the ear is not well).
        """
        ...

    def close(self) -> None:
        """Let go of the model. A repeat does no harm."""
        ...
