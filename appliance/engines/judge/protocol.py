"""What a judge is asked and what it says."""

from collections.abc import Sequence
from typing import Protocol

from appliance.records.base import Record
from appliance.records.knowledge import Passage
from appliance.records.language import Code


class Support(Record):
    """How far a sentence is borne out. ``score`` is 0 to 1; the rest says what is not, in the draft's own words: for the eye of
    a person, never for the journal."""

    score: float
    numbers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Judge(Protocol):
    """Holds a sentence against passages."""

    name: str
    version: str

    def support(self, sentence: str, passages: Sequence[Passage], language: Code) -> Support:
        """How far the passages bear the sentence out."""
        ...
