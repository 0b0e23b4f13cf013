"""The preflight's look at the ear. What it finds is a warning and never a failure: mail and chat go on without an ear."""

from appliance.care.preflight import Worth
from appliance.engines.ear.diagnose import Cause, causes
from appliance.engines.ear.facts import gather
from appliance.engines.ear.faster_whisper import ModelShelf
from appliance.engines.ear.options import EarOptions


def fitness(options: EarOptions, shelf: ModelShelf | None, waiting: int = 0) -> str:
    """Whether this machine can hear with these options, in words. Raises ``Worth`` with every cause and its remedy when it cannot."""
    if options.mock:
        return "the stub hears: every clip gets the same sentence (voice.mock)"
    facts = gather(options, shelf, waiting)
    found = causes(facts, options)
    if found:
        raise Worth(told(found), " ".join(cause.remedy for cause in found))
    return f"{options.final_model} on {facts.machine}, faster-whisper {facts.packages['faster_whisper']}"


def told(found: tuple[Cause, ...]) -> str:
    """What is wrong as one paragraph, with what goes on all the same."""
    words = " ".join(cause.words for cause in found)
    return f"{words} Clips wait for a person meanwhile." if any(cause.blocks for cause in found) else words
