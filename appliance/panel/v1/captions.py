"""A transcript in the shapes that clients ask for. Pure."""

import math
from collections.abc import Sequence
from typing import Any

from appliance.records.voice import Segment, Transcript

_LEAST = 1e-6


def srt(transcript: Transcript) -> str:
    """SubRip: numbered lines, times with a comma."""
    rows = (f"{number}\n{_time(one.starts, ',')} --> {_time(one.ends, ',')}\n{_line(one)}\n" for number, one in _numbered(transcript))
    return "\n".join(rows)


def vtt(transcript: Transcript) -> str:
    """WebVTT: a heading, times with a full stop."""
    rows = (f"{_time(one.starts, '.')} --> {_time(one.ends, '.')}\n{_line(one, escaped=True)}\n" for _, one in _numbered(transcript))
    return "\n".join(("WEBVTT\n", *rows))


def verbose(transcript: Transcript, wants: Sequence[str]) -> dict[str, Any]:
    """With times. What only Whisper's own decoder would know stands at its neutral value, for clients that insist on the keys."""
    found: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": round(transcript.seconds, 3),
        "text": transcript.text,
        "usage": usage(transcript),
    }
    if "segment" in wants:
        found["segments"] = [_segment(number, one) for number, one in enumerate(transcript.segments)]
    if "word" in wants:
        words = (word for segment in transcript.segments for word in segment.words)
        found["words"] = [{"word": word.text.strip(), "start": round(word.starts, 3), "end": round(word.ends, 3)} for word in words]
    return found


def usage(transcript: Transcript) -> dict[str, Any]:
    """The clip's length, in whole seconds as clients expect it."""
    return {"type": "duration", "seconds": math.ceil(transcript.seconds)}


def _segment(number: int, one: Segment) -> dict[str, Any]:
    return {
        "id": number,
        "seek": 0,
        "start": round(one.starts, 3),
        "end": round(one.ends, 3),
        "text": one.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(one.confidence, _LEAST)), 4),
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
        "speaker": one.speaker,
    }


def _numbered(transcript: Transcript) -> list[tuple[int, Segment]]:
    return list(enumerate(transcript.segments, start=1))


def _line(one: Segment, escaped: bool = False) -> str:
    """One caption; an empty line in it would end it."""
    text = " ".join(one.text.split())
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if escaped else text


def _time(seconds: float, point: str) -> str:
    milliseconds = round(max(seconds, 0.0) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
