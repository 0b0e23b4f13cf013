"""The door's part of the panel twin: a desk that says fixed things, an ear and an embedder that work by rule."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from appliance.engines.errors import ClipUnreadable, EngineMissing
from appliance.ground.errors import Refused, TandemError
from appliance.policy import roles
from appliance.records.answer import Check, Decision, Draft, DraftSentence, Outcome, Usage
from appliance.records.asking import Embedded, EngineNames, Turn
from appliance.records.knowledge import Citation
from appliance.records.language import Code, Language
from appliance.records.person import Actor
from appliance.records.policy import Reason, Tier
from appliance.records.voice import Segment, Transcript, Word

STATES = ("reading", "searching", "writing", "checking")
OPEN = "The shop is open Monday to Friday 9-17."
HELD_DRAFT = "Your refund of 900 € is approved."
HEARD = Transcript(
    text="When are you open? On Saturdays?",
    language="en",
    segments=(
        Segment(
            text=" When are you open?",
            starts=0.0,
            ends=1.5,
            confidence=0.9,
            words=(Word(text=" When", starts=0.0, ends=0.4), Word(text=" are", starts=0.4, ends=0.6)),
        ),
        Segment(
            text=" On Saturdays?",
            starts=1.5,
            ends=2.25,
            confidence=0.8,
            words=(Word(text=" On", starts=1.5, ends=1.7), Word(text=" Saturdays?", starts=1.7, ends=2.25)),
        ),
    ),
    seconds=2.5,
    confidence=0.85,
)


class TwinV1:
    """``held_up`` makes the desk write until it is set; ``gave_up`` is set when a question was given up on the way."""

    engines_known = EngineNames(raw="", embedder="twin-embed", ear="twin-ear")
    raw: Any = None

    def start_door(self) -> None:
        self.asked_turns: list[tuple[Turn, ...]] = []
        self.heard_wishes: list[dict[str, Any]] = []
        self.held_up: threading.Event | None = None
        self.gave_up = threading.Event()
        self.trouble: TandemError | None = None

    def ask_conversation(self, turns: Sequence[Turn], language: str = "", on_state: Callable[[str], None] | None = None) -> Outcome:
        self._may_fail()
        self.asked_turns.append(tuple(turns))
        for state in STATES:
            self._tell(on_state, state)
            while state == "writing" and self.held_up is not None and not self.held_up.wait(0.01):
                self._tell(on_state, state)
        code: Code = {"fi": "fi", "sv": "sv"}.get(language, "en")  # type: ignore[assignment]
        if "open" in turns[-1].text:
            return _answered(code)
        return _held(code)

    def _tell(self, on_state: Callable[[str], None] | None, state: str) -> None:
        try:
            if on_state is not None:
                on_state(state)
        except Exception:
            self.gave_up.set()
            raise

    def engine_names(self) -> EngineNames:
        return self.engines_known

    def embed(self, texts: Sequence[str]) -> Embedded:
        self._may_fail()
        if not self.engines_known.embedder:
            raise EngineMissing("This node has no embedder.", "Set one.")
        return Embedded(model="twin-embed", vectors=[[float(len(text)), 0.5, -1.0] for text in texts], tokens=sum(map(len, texts)))

    def raw_model(self, actor: Actor) -> Any:
        if not roles.may(actor.role, "use_raw_model"):
            raise Refused("Your role does not allow this.", "Ask an administrator.")
        return self.raw

    def hear(
        self,
        actor: Actor,  # noqa: ARG002
        data: bytes,
        name: str = "",
        language: str = "",
        words: bool = False,
        quick: bool = False,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        self._may_fail()
        self.heard_wishes.append({"name": name, "language": language, "words": words, "quick": quick})
        if not data.startswith(b"RIFF"):
            raise ClipUnreadable("The clip is no sound that can be read.", "Send a wav or an mp3.")
        for segment in HEARD.segments:
            if on_segment is not None:
                on_segment(segment)
        return HEARD

    def _may_fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble


def _answered(code: Code) -> Outcome:
    sentences = (
        DraftSentence(text="Hello,", courtesy=True),
        DraftSentence(text=OPEN, passages=("p3",)),
        DraftSentence(text="You can return a pump in 30 days.", passages=("p1",)),
        DraftSentence(text="Kind regards", courtesy=True),
    )
    text = f"Hello,\n\n{OPEN} You can return a pump in 30 days.\n\nKind regards"
    citations = (Citation(source="en.xlsx", passage="p3", score=0.91234), Citation(source="fi.xlsx", passage="p1", score=0.8))
    draft = Draft(language=code, subject="", text=text, sentences=sentences, citations=citations, writer="twin 1")
    return Outcome(
        decision=Decision.SEND, reason=Reason(code="answered"), language=Language(code=code, source="text", confidence=1.0),
        tier=Tier.GROUNDED, draft=draft, checks=(Check(name="grounded", passed=True, score=1.0),), citations=citations,
        usage=Usage(engine="twin", prompt_tokens=40, cached_tokens=30, completion_tokens=12),
    )  # fmt: skip


def _held(code: Code) -> Outcome:
    draft = Draft(language=code, subject="", text=HELD_DRAFT, sentences=(DraftSentence(text=HELD_DRAFT),))
    return Outcome(
        decision=Decision.REVIEW, reason=Reason(code="unsupported_number"), language=Language(code=code, source="text", confidence=1.0),
        tier=Tier.GROUNDED, draft=draft, checks=(Check(name="grounded", passed=False, score=0.2),),
    )  # fmt: skip
