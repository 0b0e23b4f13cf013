"""The twin's side of clips that were heard: their sound and their words, in memory."""

from typing import Any

import msgspec

from appliance.ground.errors import Refused
from appliance.records.case import CaseFile, CaseState
from appliance.records.person import Actor
from appliance.records.voice import HeardClip, Segment, Transcript, Word

SAID = "When are you open?"


def heard_clip(text: str = SAID, **fields: Any) -> HeardClip:
    """A clip as it is shown once it was heard: two people, each word with its time."""
    words = tuple(Word(text=word, starts=0.4 * place, ends=0.4 * place + 0.3, probability=0.9) for place, word in enumerate(text.split()))
    segments = (
        Segment(text="Test Pumps, hello.", starts=0.0, ends=1.2, speaker=1, confidence=0.95),
        Segment(text=text, starts=1.5, ends=3.0, speaker=0, confidence=0.9, words=words),
    )
    told = Transcript(
        text=text, language="en", language_confidence=0.99, segments=segments, speakers=2, seconds=64.0, speech_seconds=2.7,
        took_seconds=5.5, confidence=0.92, ear="stub 1",
    )  # fmt: skip
    shown = HeardClip(
        place=0, name="call.wav", media_type="audio/wav", size_bytes=9_000, seconds=64.0, state="heard", attempts=1, transcript=told,
        first=msgspec.structs.replace(told, text="When are you", confidence=0.6, took_seconds=0.8, final=False), waited_seconds=7.0,
    )  # fmt: skip
    return msgspec.structs.replace(shown, **fields)


class TwinVoice:
    """``case_clips`` is what was heard by case, ``clip_sounds`` the sound by case and place. What is brought in is ``TwinSound``'s."""

    files: dict[str, CaseFile]
    done: list[Any]

    def start_voice(self) -> None:
        self.clip_sounds: dict[tuple[str, int], bytes] = {}
        self.case_clips: dict[str, list[HeardClip]] = {}

    def give_clip(self, case: str, data: bytes, clip: HeardClip | None = None) -> HeardClip:
        """The case has this sound from now on."""
        given = clip or heard_clip()
        self.case_clips.setdefault(case, []).append(given)
        self.clip_sounds[case, given.place] = data
        return given

    def clips(self, case: str) -> list[HeardClip]:
        return list(self.case_clips.get(case, []))

    def clip_audio(self, actor: Actor, case: str, place: int) -> bytes:  # noqa: ARG002
        return self.clip_sounds[case, place]

    def hear_again(self, actor: Actor, case: str) -> str:
        file = self.files[case]
        if file.row.state is not CaseState.REVIEW:
            raise Refused(f"Case {case} is not in review.", "Only what waits for a person is heard again.", code="not_in_review")
        self.files[case] = msgspec.structs.replace(file, row=msgspec.structs.replace(file.row, state=CaseState.LISTENING))
        self.done.append((actor, f"hear_again {case}"))
        return str(CaseState.LISTENING)
