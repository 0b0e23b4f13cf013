"""The ear that ``[voice]`` asks for, and what the preflight wants to know of it."""

from appliance.care.ear import fitness
from appliance.care.models.place import shelf_of
from appliance.engines.ear.make import AnyEar, make_ear
from appliance.engines.ear.options import EarOptions
from appliance.ground.clock import Clock
from appliance.language.detect import Detector
from appliance.settings.model import Settings


def ear_options(settings: Settings) -> EarOptions:
    """What the settings say to an ear."""
    voice = settings.voice
    return EarOptions(
        mock=voice.mock,
        model=voice.model,
        streaming_model=voice.streaming_model,
        device=voice.device,
        compute_type=voice.compute_type,
        beam_size=voice.beam_size,
        streaming=voice.streaming,
        final=voice.final,
        languages=tuple(settings.company.languages),
        threads=voice.threads,
        clip_bytes=voice.clip_bytes,
        clip_seconds=float(voice.clip_seconds),
        timeout_factor=voice.timeout_factor,
        idle_seconds=float(voice.idle_seconds),
    )


def ear_of(settings: Settings, clock: Clock) -> AnyEar | None:
    """The ear of this machine; None where nobody wants one. Starts nothing."""
    if not settings.voice.enabled:
        return None
    detector = Detector(settings.company.languages[0])

    def language_of(text: str) -> tuple[str, float]:
        """For a model that knows no languages: those of its words."""
        found = detector.detect(text)
        return found.code, found.confidence

    return make_ear(ear_options(settings), clock, shelf_of(settings), language_of)


def ear_fitness(settings: Settings, waiting: int = 0) -> str:
    """Whether this machine can hear, in words. Raises ``Worth`` with cause and remedy when it cannot."""
    return fitness(ear_options(settings), shelf_of(settings), waiting)
