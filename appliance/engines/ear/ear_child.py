"""The ear's own process: ``python -m appliance.engines.ear.ear_child MODEL_AS_JSON``.

Apart from the benchmark's peer (:mod:`.bare`) the only place that knows faster-whisper. A decoder of foreign files and a model of
hundreds of megabytes may crash or hang; here that ends a request and not the daemon.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.engines.child_side import serve
from appliance.engines.ear.asked import Asked, EarModel, Told
from appliance.engines.ear.decoding import Samples, Sound, decode
from appliance.engines.ear.listening import listen
from appliance.engines.ear.spans import WINDOW, Span, speech_in
from appliance.engines.ear.stillness import STILL_MOST, stillness
from appliance.engines.errors import EngineMissing, ModelMissing
from appliance.ground.clock import Clock, SystemClock
from appliance.records.base import Record
from appliance.records.voice import Clip, Segment

MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")
SEED = 1  # of what is drawn when a first reading does not convince: the same clip gives the same words


class EarProcess:
    """A loaded model. The clip that was looked at last is kept decoded, for it is the one that is heard next."""

    def __init__(self, wanted: EarModel, clock: Clock) -> None:
        self._wanted = wanted
        self._clock = clock
        self._model: Any = None
        self._last: tuple[str, Sound] | None = None

    def load(self) -> None:
        """Load the model. Raises ``EngineMissing`` or ``ModelMissing`` with the remedy."""
        missing = [name for name in MODEL_FILES if not (Path(self._wanted.path) / name).is_file()]
        if missing:
            raise ModelMissing(
                f"The ear's model in {self._wanted.path} is not whole: {', '.join(missing)} is not there.",
                "Bring it again: tandem models pull NAME, or name another in voice.model.",
            )
        self._model = _loaded(self._wanted)

    def answer(self, asked: Asked, tell: Callable[[Any], None]) -> Told:
        """What a clip is, or what is said in it."""
        key = hashlib.sha256(asked.data).hexdigest()
        if self._last is None or self._last[0] != key:
            self._last = (key, decode(asked.data, asked.most_bytes, asked.most_seconds))
        sound = self._last[1]
        clip = Clip(
            name="",
            media_type=sound.media_type,
            size_bytes=len(asked.data),
            seconds=round(sound.seconds, 3),
            channels=len(sound.channels),
        )
        if asked.task == "look":
            return Told(clip=clip, lost=sound.lost)
        self._last = None  # an hour of sound is 230 MB
        return self._hear(sound, clip, asked, tell)

    def _hear(self, sound: Sound, clip: Clip, asked: Asked, tell: Callable[[Segment], None]) -> Told:
        import ctranslate2

        ctranslate2.set_random_seed(SEED)
        transcript = listen(self._model, find_speech, sound, asked, tell, self._clock.elapsed)
        return Told(clip=clip, lost=sound.lost, transcript=transcript)


def find_speech(channel: Samples) -> list[Span]:
    """Where somebody speaks, by the detector that comes with faster-whisper (Silero), less what only holds a tone. Without any margin."""
    import numpy as np
    from faster_whisper.vad import get_vad_model

    whole = np.pad(channel, (0, WINDOW - len(channel) % WINDOW))
    found = speech_in(get_vad_model()(whole).ravel().tolist(), len(channel))
    return [(start, end) for start, end in found if stillness(channel[start:end]) <= STILL_MOST]


def _loaded(wanted: EarModel) -> Any:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise EngineMissing(
            f"The ear's packages cannot be used ({error}).", 'Install them: pip install "tandem-appliance[voice]"'
        ) from error  # fmt: skip
    device = "cpu" if wanted.device == "metal" else wanted.device
    try:
        return WhisperModel(wanted.path, device=device, compute_type=wanted.compute_type, cpu_threads=wanted.threads, local_files_only=True)
    except ValueError as error:
        raise EngineMissing(
            f"The ear cannot work as configured: {error}.", 'Set voice.device = "auto" and voice.compute_type = "auto".'
        ) from error  # fmt: skip
    except RuntimeError as error:
        raise ModelMissing(
            f"The ear's model in {wanted.path} cannot be loaded: {str(error).splitlines()[0]}.",
            "Verify it: tandem models verify NAME; or bring it again: tandem models pull NAME.",
        ) from error


def facts() -> dict[str, Any]:
    """What loading the packages came to, for the diagnosis: the libraries of OpenMP in memory, graphics cards, ways to calculate."""
    try:
        import av  # noqa: F401 - whether it loads is the question
        import ctranslate2
        import faster_whisper.vad  # brings NumPy and tokenizers along

        faster_whisper.vad.get_vad_model()  # and this onnxruntime
        cards = int(ctranslate2.get_cuda_device_count())
        devices = ["cpu", *(["cuda"] if cards else [])]
        return {
            "graphics_cards": cards,
            "compute_types": {device: sorted(ctranslate2.get_supported_compute_types(device)) for device in devices},
            "openmp": openmp_in_memory(),
        }
    except Exception as error:  # whatever a broken package throws is the answer
        return {"failed": f"{type(error).__name__}: {error}"}


def openmp_in_memory() -> list[str]:
    """The OpenMP libraries that this process has loaded, by file name; where the system does not tell, none."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    except OSError:
        return []
    names = {line.rpartition("/")[2] for line in maps.splitlines() if "/" in line}
    return sorted(name for name in names if name.startswith(("libgomp", "libiomp", "libomp")))


def main() -> None:
    """Load the model that the first argument names, then answer until the daemon is gone. ``--facts``: only tell what loads."""
    if sys.argv[1] == "--facts":
        sys.stdout.write(json.dumps(facts()))
        return
    process = EarProcess(msgspec.json.decode(sys.argv[1], type=EarModel), SystemClock())

    def handle(asked: Asked, tell: Callable[[Any], None]) -> Record:
        return process.answer(asked, tell)

    serve(handle, Asked, process.load)


if __name__ == "__main__":
    main()
