"""What an ear says it heard, looked at before it is put down: an ear may be damaged, or the other node's, and its numbers get into the
journal, where they stay.

What cannot be added up, stored or read again is no transcript. Names that are none of the codes which the journal may hold are left out.
"""

import re
from collections.abc import Iterator

import msgspec

from appliance.engines.errors import EngineNonsense
from appliance.records.voice import Segment, Transcript

TEXT_CHARACTERS = 1_000_000
SEGMENTS_MOST = 50_000
SECONDS_MOST = 1e6
EAR_CHARACTERS = 200
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_CODE = re.compile(r"[a-z_]{1,40}")


def looked_at(transcript: Transcript) -> Transcript:
    """The same, with known sorts of names only. Raises ``EngineNonsense`` when it cannot be kept.

    Words of which the ear does not say how sure it is count as unsure.
    """
    if len(transcript.text) > TEXT_CHARACTERS or len(transcript.segments) > SEGMENTS_MOST:
        raise _nonsense("it is longer than anybody speaks")
    sure = (transcript.language_confidence, transcript.confidence or 0.0)
    if not all(0.0 <= number <= SECONDS_MOST for number in _numbers(transcript)) or not all(0.0 <= share <= 1.0 for share in sure):
        raise _nonsense("it holds numbers that are none")
    try:
        msgspec.json.encode(transcript)  # half a character can neither be stored nor sent
    except (ValueError, OverflowError) as error:
        raise _nonsense("it holds characters that are none") from error
    return msgspec.structs.replace(
        transcript,
        confidence=0.0 if transcript.confidence is None and _says_something(transcript) else transcript.confidence,
        language=transcript.language if _LANGUAGE.fullmatch(transcript.language) else "",
        dropped={code: count for code, count in transcript.dropped.items() if _CODE.fullmatch(code) and 0 <= count < 10**9},
        ear=" ".join(transcript.ear.split())[:EAR_CHARACTERS],
    )


def _numbers(transcript: Transcript) -> Iterator[float]:
    """All but the shares. What is not a number is in no range."""
    yield from (transcript.seconds, transcript.speech_seconds, transcript.took_seconds)
    for segment in transcript.segments:
        yield from _of_segment(segment)


def _of_segment(segment: Segment) -> Iterator[float]:
    yield from (segment.starts, segment.ends, segment.speaker, segment.confidence)
    for word in segment.words:
        yield from (word.starts, word.ends, word.probability)


def _says_something(transcript: Transcript) -> bool:
    return bool(transcript.text.strip()) or any(segment.text.strip() for segment in transcript.segments)


def _nonsense(why: str) -> EngineNonsense:
    return EngineNonsense(f"What the ear heard cannot be kept: {why}.", "Verify its model: tandem models verify NAME")
