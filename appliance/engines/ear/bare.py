"""faster-whisper with nothing of ours around it: what the benchmark compares the ear with. Nobody hears a customer through this."""

import io
from collections.abc import Sequence
from typing import Any

from appliance.engines.ear.ear_child import SEED


class BareWhisper:
    """A model in this very process, asked as its own manual says, with the same settings as our exact stage."""

    def __init__(self, path: str, threads: int, compute_type: str = "int8") -> None:
        import ctranslate2
        from faster_whisper import WhisperModel

        self._seed = ctranslate2.set_random_seed
        self._model: Any = WhisperModel(path, device="cpu", compute_type=compute_type, cpu_threads=threads, local_files_only=True)

    def transcribe(self, data: bytes, language: str, beam_size: int, temperatures: Sequence[float]) -> str:
        """The words of a clip: decoded, searched for speech, and heard."""
        self._seed(SEED)
        segments, _ = self._model.transcribe(
            io.BytesIO(data),
            language=language,
            beam_size=beam_size,
            temperature=list(temperatures),
            condition_on_previous_text=False,
            vad_filter=True,
        )
        return "".join(segment.text for segment in segments).strip()
