"""What an ear is told about how to work; the node fills it from ``[voice]``."""

from appliance.records.base import Record
from appliance.records.language import LANGUAGES

DEFAULT_MODEL = "whisper-small"


class EarOptions(Record):
    """``model`` and ``streaming_model`` are a card's name or the path of a folder; "" takes the default, and for the quick stage the same.

    ``languages`` are those that a clip may be in. A clip may have so many bytes and seconds, and may take its own length times
    ``timeout_factor`` beside ``START_SECONDS``. ``threads`` 0 leaves it to the engine; ``idle_seconds`` 0 never lets the model go.
    """

    mock: bool = True
    model: str = ""
    streaming_model: str = ""
    device: str = "auto"
    compute_type: str = "int8"
    beam_size: int = 5
    streaming: bool = True
    final: bool = True
    languages: tuple[str, ...] = LANGUAGES
    threads: int = 0
    clip_bytes: int = 25_000_000
    clip_seconds: float = 3600.0
    timeout_factor: float = 6.0
    idle_seconds: float = 600.0

    @property
    def final_model(self) -> str:
        return self.model or DEFAULT_MODEL

    @property
    def quick_model(self) -> str:
        return self.streaming_model or self.final_model
