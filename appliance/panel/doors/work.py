"""What people do with a case besides deciding it."""

from typing import Literal, Protocol

from appliance.records.person import Actor
from appliance.records.work import Correction, File, Macro, Note


class WorkDoor(Protocol):
    """Working on cases. People are named as the journal names them: a person's id, a key's name."""

    def undo(self, actor: Actor, case: str) -> str:
        """Take the last decision back; the state it came to. Refused once its time is over."""
        ...

    def undo_until(self, case: str) -> float:
        """Until when the last decision can be taken back, in Unix seconds; 0.0 when it cannot."""
        ...

    def reopen(self, actor: Actor, case: str) -> str: ...

    def assign(self, actor: Actor, case: str, person: str) -> str:
        """``person`` takes care of the case; "": nobody in particular."""
        ...

    def editing(self, actor: Actor, case: str, what: Literal["editing", "looking", "gone"] = "editing") -> dict[str, list[str]]:
        """This person is at the case; who else is editing it, by the case."""
        ...

    def presence(self, what: Literal["editing", "looking", "gone"] = "editing") -> dict[str, list[str]]: ...

    def note(self, actor: Actor, case: str, text: str) -> Note: ...

    def notes(self, actor: Actor, case: str) -> list[Note]: ...

    def macros(self, actor: Actor, case: str, language: str = "") -> list[Macro]: ...

    def attachment(self, actor: Actor, case: str, index: int) -> File:
        """``index`` is its place in the message's list of attachments, from 0."""
        ...

    def corrections(self, actor: Actor, limit: int = 100) -> list[Correction]: ...
