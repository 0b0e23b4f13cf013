"""The twin's side of working on cases: in memory, refusing what a node refuses."""

from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.records.case import CaseFile, CaseState
from appliance.records.person import Actor
from appliance.records.work import Correction, File, Macro, Note

UNDO_SECONDS = 10.0


class TwinWork:
    """Undo, assignment, presence, notes, macros, attachments. ``before`` is how a case stood before it was decided."""

    clock: Clock
    files: dict[str, CaseFile]
    done: list[Any]

    def __init__(self) -> None:
        self.before: dict[str, tuple[CaseFile, float]] = {}
        self.at_cases: dict[str, dict[str, str]] = {}
        self.written: dict[str, list[Note]] = {}
        self.kept: dict[tuple[str, int], File] = {}

    def remember(self, file: CaseFile) -> None:
        """A decision about this case is being made."""
        self.before[file.row.id] = (file, self.clock.now() + UNDO_SECONDS)

    def undo_until(self, case: str) -> float:
        _, until = self.before.get(case, (None, 0.0))
        return until if self.clock.now() < until else 0.0

    def undo(self, actor: Actor, case: str) -> str:
        if not self.undo_until(case):
            raise Refused(f"The decision about case {case} cannot be undone: its time is over.", "Look at it again.", code="undo_over")
        self.files[case], _ = self.before.pop(case)
        self.done.append((actor, f"undo {case}"))
        return CaseState.REVIEW

    def reopen(self, actor: Actor, case: str) -> str:
        file = self.files[case]
        if file.row.state not in (CaseState.CLOSED, CaseState.REPLIED):
            raise Refused(f"Case {case} has not ended.", "Only a case that was closed or answered can be opened again.", code="not_ended")
        self._row(case, state=CaseState.REVIEW, reason="reopened")
        self.done.append((actor, f"reopen {case}"))
        return CaseState.REVIEW

    def assign(self, actor: Actor, case: str, person: str) -> str:
        self._row(case, assigned=person)
        self.done.append((actor, f"assign {case} {person}"))
        return person

    def _row(self, case: str, **changes: Any) -> None:
        file = self.files[case]
        self.files[case] = msgspec.structs.replace(file, row=msgspec.structs.replace(file.row, **changes))

    def editing(self, actor: Actor, case: str, what: str = "editing") -> dict[str, list[str]]:
        there = self.at_cases.setdefault(case, {})
        there.pop(actor.name, None)
        if what != "gone":
            there[actor.name] = what
        return {case: [name for name in self.presence("editing").get(case, []) if name != actor.name]}

    def presence(self, what: str = "editing") -> dict[str, list[str]]:
        found = {case: sorted(name for name, doing in there.items() if doing == what) for case, there in self.at_cases.items()}
        return {case: names for case, names in found.items() if names}

    def note(self, actor: Actor, case: str, text: str) -> Note:
        note = Note(case=case, at=self.clock.now(), by=actor.name, text=text)
        self.written.setdefault(case, []).append(note)
        return note

    def notes(self, actor: Actor, case: str) -> list[Note]:  # noqa: ARG002
        return list(self.written.get(case, []))

    def macros(self, actor: Actor, case: str, language: str = "") -> list[Macro]:
        spoken = language or self.files[case].row.language
        return [Macro(id="thanks", title=f"Thanks ({spoken})", text=f"Thank you for waiting.\n\n{actor.name}", tags=("courtesy",))]

    def attachment(self, actor: Actor, case: str, index: int) -> File:  # noqa: ARG002
        file = self.kept.get((case, index))
        if file is None:
            raise Refused(f"Attachment {index} of case {case} was not kept.", "The mail in the mailbox has them all.")
        return file

    def corrections(self, actor: Actor, limit: int = 100) -> list[Correction]:  # noqa: ARG002
        return []
