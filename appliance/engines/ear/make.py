"""Makes the ear that the settings ask for."""

from appliance.engines.ear.faster_whisper import FasterWhisperEar, LanguageOf, ModelShelf
from appliance.engines.ear.options import EarOptions
from appliance.engines.ear.stub import StubEar
from appliance.ground.clock import Clock

__all__ = ["AnyEar", "EarOptions", "make_ear"]

AnyEar = StubEar | FasterWhisperEar


def make_ear(options: EarOptions, clock: Clock, shelf: ModelShelf | None = None, language_of: LanguageOf | None = None) -> AnyEar:
    """The stub where ``mock`` is on, else faster-whisper. Nothing heavy is started or imported before the first clip.

    ``language_of`` tells a text's language where the model itself cannot: code and confidence from 0 to 1. Both ears have beside what
    ``Ear`` asks for: ``look``, ``stages``, ``health``, ``turn_on_quick_stage``.
    """
    if options.mock:
        return StubEar(options, clock)
    return FasterWhisperEar(options, clock, shelf, language_of)
