"""What goes between the ear and its process."""

from typing import Literal

from appliance.records.base import Record
from appliance.records.voice import Clip, Transcript


class EarModel(Record):
    """What the process loads, once. ``path`` is a folder in CTranslate2's format; ``threads`` 0 leaves it to the engine."""

    path: str
    device: str = "auto"
    compute_type: str = "int8"
    threads: int = 0


class Asked(Record):
    """One request. ``look`` asks only what the clip is; ``hear`` for its words. ``temperatures`` are tried in order until one convinces."""

    task: Literal["look", "hear"]
    data: bytes
    most_bytes: int
    most_seconds: float
    language: str = ""
    languages: tuple[str, ...] = ()
    words: bool = False
    last_seconds: float = 0.0
    beam_size: int = 5
    temperatures: tuple[float, ...] = (0.0,)


class Told(Record):
    """The answer. ``lost`` pieces of the clip could not be read."""

    clip: Clip
    lost: int = 0
    transcript: Transcript = Transcript()
