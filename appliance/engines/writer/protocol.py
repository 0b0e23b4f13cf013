"""What a writer is given and what it gives back."""

from typing import Protocol

from appliance.records.answer import DraftSentence, Usage
from appliance.records.base import Record
from appliance.records.knowledge import Found
from appliance.records.language import Code


class Part(Record):
    """One thing the customer asks. ``found`` is best first; ``keys`` are the facts it asks for by name. ``asks`` is False for
    what is no question: a request to do something, or only a story."""

    text: str
    found: tuple[Found, ...] = ()
    keys: tuple[str, ...] = ()
    asks: bool = True


class Courtesy(Record):
    """The sentences of courtesy, ready in the customer's language: the company's own templates and nothing else."""

    greeting: str = ""
    closing: str = ""


class WritingRequest(Record):
    """Everything a writer may know. ``minimum`` is the score below which a passage is no answer; ``longest`` in characters."""

    parts: tuple[Part, ...]
    language: Code
    subject: str = ""
    company: str = ""
    courtesy: Courtesy = Courtesy()
    minimum: float = 0.55
    longest: int = 4000


class Refusal(Record):
    """Why there is no whole reply. ``unanswered`` are places in the request's parts, ``passages`` those that disagree."""

    reason: str  # a reason code: unanswered_part, passages_disagree, writer_refused
    unanswered: tuple[int, ...] = ()
    passages: tuple[str, ...] = ()


class Written(Record):
    """A draft's sentences, each with the ids of the passages it rests on. With a refusal they are a start for a person."""

    sentences: tuple[DraftSentence, ...] = ()
    refusal: Refusal | None = None
    usage: Usage = Usage()


class Writer(Protocol):
    """Writes a draft. It may be wrong, slow or hostile: nothing it gives back is believed."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def prompt(self) -> str:
        """The version of the prompt it works from; "" when it has none."""
        ...

    def write(self, request: WritingRequest) -> Written:
        """The draft. Raises :class:`appliance.ground.errors.EngineError` when the engine cannot work."""
        ...
