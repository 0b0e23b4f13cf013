"""A node that lives in memory, for tests of the panel: the commands of ``appliance.panel.door``, with cases that are there from the start.

It keeps what it is told and refuses what a node refuses. It has no desk, no journal and no mail: where those would speak, it
says a fixed sentence.
"""

import threading
from dataclasses import dataclass, field
from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.policy import roles
from appliance.records.answer import Draft
from appliance.records.case import CaseFile, CaseRow, CaseState, HistoryLine
from appliance.records.knowledge import Found, Passage, SourceState
from appliance.records.language import Code
from appliance.records.message import Address, Message
from appliance.records.person import Actor, Approval, Role
from appliance.records.policy import SWITCH_NAMES, SwitchState
from tests.support.twin_call import TwinCall, TwinSound
from tests.support.twin_chat import TwinChat
from tests.support.twin_diagnostics import TwinDiagnostics
from tests.support.twin_escalations import TwinEscalations
from tests.support.twin_knowledge import TwinKnowledge
from tests.support.twin_models import TwinModels
from tests.support.twin_numbers import TwinNumbers
from tests.support.twin_pair import TwinPair
from tests.support.twin_people import KEYS, PeopleTwin
from tests.support.twin_pushes import TwinPushes
from tests.support.twin_setup import TwinSetup
from tests.support.twin_shadow import TwinShadow
from tests.support.twin_v1 import TwinV1
from tests.support.twin_voice import TwinVoice
from tests.support.twin_work import TwinWork

TEAMS: dict[str, dict[str, str]] = {
    "service": {"fi": "Huolto", "sv": "Service", "en": "Service"},
    "billing": {"fi": "Laskutus", "sv": "Fakturering", "en": "Billing"},
}


@dataclass
class PanelTwin(
    TwinNumbers,
    TwinVoice,
    TwinWork,
    PeopleTwin,
    TwinChat,
    TwinEscalations,
    TwinKnowledge,
    TwinSetup,
    TwinDiagnostics,
    TwinPair,
    TwinV1,
    TwinShadow,
    TwinPushes,
    TwinModels,
    TwinCall,
    TwinSound,
):
    """One node. ``tokens`` are one-time tokens still unused; ``done`` is what people told it to do, in order."""

    clock: Clock
    files: dict[str, CaseFile] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)
    source_states: tuple[SourceState, ...] = ()
    tokens: dict[str, Actor] = field(default_factory=lambda: {"one-time": Actor(name="owner", role=Role.ADMIN)})
    keys_in_use: dict[str, Actor] = field(default_factory=lambda: dict(KEYS))
    levers: dict[str, SwitchState] = field(default_factory=dict)
    dependencies: list[dict[str, Any]] = field(default_factory=lambda: [{"name": "store", "connected": True, "reason": "", "remedy": ""}])
    tally: dict[str, Any] = field(default_factory=dict)
    done: list[Any] = field(default_factory=list)
    position: int = 1

    def __post_init__(self) -> None:
        self.start_people()
        self.start_voice()
        self.start_calls()
        self.start_knowledge()
        self.start_pair()
        self.start_pushes()
        self.start_models()
        self.start_door()
        TwinWork.__init__(self)
        TwinEscalations.__init__(self)
        careful = {"safe_mode": False, "automation_enabled": True, "outbound_enabled": True, "intake_enabled": True}
        for name in SWITCH_NAMES:
            self.levers.setdefault(name, SwitchState(name=name, on=careful[name], by="setup", at=self.clock.now() - 86_400 * 3))

    # What is going on

    def status(self) -> dict[str, Any]:
        counts = self.counts()
        return {
            "node": "Kallio",
            "version": "0.1.0",
            "position": self.position,
            "may_send": True,
            "running": True,
            "ready": True,
            **self.pair_in_status(),
            "queue": {
                "waiting": counts["waiting"],
                "review": counts["review"] + counts["uncertain"],
                "dead": counts["dead"],
                "oldest_seconds": 40.0,
            },
            "switches": {name: state.on for name, state in self.levers.items()},
            "healthy": all(row["connected"] for row in self.dependencies),
        }

    def wait_for_change(self, position: int, seconds: float) -> int:
        pause = threading.Event()
        for _ in range(int(seconds / 0.005) + 1):
            if self.position != position:
                break
            pause.wait(0.005)
        return self.position

    def health(self) -> dict[str, Any]:
        fine = all(row["connected"] for row in self.dependencies)
        return {"status": "ok" if fine else "degraded", "dependencies": self.dependencies}

    def counts(self) -> dict[str, int]:
        counts = {str(state): 0 for state in CaseState}
        for file in self.files.values():
            counts[str(file.row.state)] += 1
        return counts

    def today(self) -> dict[str, Any]:
        return {"since": 0.0, "arrived": 0, "answered": 0, "held": 0, "routed": 0, "closed": 0, "dead": 0, "hours": [], **self.tally}

    # Cases

    def rows(
        self,
        states: tuple[CaseState, ...] | None = None,
        limit: int = 50,
        before: str | None = None,
        text: str = "",
        oldest_first: bool = False,
        archived: bool = False,  # noqa: ARG002
        assigned: str | None = None,
    ) -> list[CaseRow]:
        rows = [file.row for file in self.files.values() if states is None or file.row.state in states]
        rows = [row for row in rows if text.lower() in f"{row.subject} {row.sender}".lower()]
        rows = [row for row in rows if assigned in (None, row.assigned)]
        rows.sort(key=lambda row: (row.received_at, row.id), reverse=not oldest_first)
        if before in self.files:
            rows = rows[[row.id for row in rows].index(before) + 1 :] if before in {row.id for row in rows} else rows
        return rows[:limit]

    def file(self, case: str) -> CaseFile | None:
        return self.files.get(case)

    def explain(self, case: str, language: Code = "en") -> list[str]:
        return [f"Decided about {case}.", f"({language})"]

    def teams(self, language: Code = "en") -> dict[str, str]:
        return {team: names[language] for team, names in TEAMS.items()}

    def decide(self, actor: Actor, approval: Approval) -> str:
        file = self._in_state(approval.case, CaseState.REVIEW)
        self.remember(file)
        state = {"approve": CaseState.REPLYING, "reject": CaseState.CLOSED, "route": CaseState.ROUTED}[approval.decision]
        draft = file.draft
        if approval.text is not None:
            draft = msgspec.structs.replace(draft or Draft(language="en", subject="", text=""), text=approval.text)
        return self._change(actor, approval, file, state, draft)

    def resolve(self, actor: Actor, case: str, decision: str) -> str:
        file = self._in_state(case, CaseState.UNCERTAIN)
        state = {"sent": CaseState.REPLIED, "resend": CaseState.REPLYING, "drop": CaseState.CLOSED}[decision]
        return self._change(actor, decision, file, state, file.draft)

    def _in_state(self, case: str, state: CaseState) -> CaseFile:
        file = self.files.get(case)
        if file is None or file.row.state is not state:
            raise Refused(f"The case {case} is not in {state}.", "Look at it again.")
        return file

    def _change(self, actor: Actor, what: Any, file: CaseFile, state: CaseState, draft: Draft | None) -> str:
        self.done.append((actor, what))
        self.position += 1
        row = msgspec.structs.replace(file.row, state=state, changed_at=self.clock.now())
        self.files[row.id] = msgspec.structs.replace(file, row=row, draft=draft)
        return str(state)

    # Levers, keys, knowledge, erasure

    def set_switch(self, actor: Actor, name: str, on: bool) -> None:
        if not roles.may(actor.role, roles.lever_action(name, on)):
            raise Refused("Your role does not allow this.", "Ask an operator.")
        self.position += 1
        self.levers[name] = SwitchState(name=name, on=on, by=actor.name, at=self.clock.now())

    def switch_states(self) -> tuple[SwitchState, ...]:
        return tuple(self.levers[name] for name in SWITCH_NAMES)

    def search(self, text: str, language: Code, limit: int = 8) -> tuple[Found, ...]:
        words = text.lower().split()
        hits = [passage for passage in self.passages.values() if passage.language == language]
        scored = [Found(passage=row, score=sum(word in row.text.lower() for word in words) / max(1, len(words))) for row in hits]
        return tuple(sorted((row for row in scored if row.score), key=lambda row: -row.score)[:limit])

    def passage(self, passage: str) -> Passage | None:
        return self.passages.get(passage)

    def sources(self) -> tuple[SourceState, ...]:
        return self.source_states

    def ask(self, text: str, language: str = "") -> dict[str, Any]:
        return {
            "outcome": "review",
            "reason": "twin",
            "language": language or "en",
            "tier": 3,
            "answer": "",
            "citations": [],
            "question": len(text),
        }

    def erase(self, actor: Actor, address: str) -> dict[str, Any]:
        self.done.append((actor, f"erase {address}"))
        outside = {"step": "outside", "status": "by_hand", "places": ["mailbox support: INBOX and Sent on imap.example.fi"]}
        steps = [{"step": "key", "status": "done"}, {"step": "bodies", "status": "done", "count": 2}, outside]
        return {"known": not address.startswith("nobody"), "steps": steps}

    # For tests

    def add(self, file: CaseFile) -> CaseFile:
        self.files[file.row.id] = file
        self.position += 1
        return file


def a_case(
    number: int,
    clock: Clock,
    *,
    state: CaseState = CaseState.REVIEW,
    minutes: float = 14,
    subject: str = "Opening hours",
    name: str = "Anna Virtanen",
    address: str = "anna.virtanen@example.fi",
    text: str = "When are you open on Saturdays?",
    html: str = "",
    full_text: str = "",
    draft: Draft | None = None,
    reason: str = "low_score",
    language: Code = "en",
) -> CaseFile:
    """A case as the store would open it."""
    at = clock.now() - 60 * minutes
    row = CaseRow(
        id=f"c-{number:018d}",
        channel="mail",
        mailbox="support",
        state=state,
        received_at=at,
        changed_at=at + 2,
        language=language,
        tier=3,
        reason=reason,
        score=0.62,
        sender=f"{name} <{address}>",
        subject=subject,
    )
    message = Message(
        channel="mail",
        message_id=f"<{number}@example.fi>",
        sender=Address(name=name, address=address),
        subject=subject,
        text=text,
        full_text=full_text or text,
        html=html,
        sent_at=at - 30,
    )
    lines = (
        HistoryLine(position=10 * number, at=at, kind="message_received", by="intake", facts={}),
        HistoryLine(position=10 * number + 1, at=at + 1, kind="case_claimed", by="desk", facts={}),
        HistoryLine(position=10 * number + 2, at=at + 2, kind="case_settled", by="desk", facts={"decision": "review", "reason": reason}),
    )
    return CaseFile(row=row, message=message, draft=draft, lines=lines)


def with_state(file: CaseFile, state: CaseState) -> CaseFile:
    """The same case in another state."""
    return msgspec.structs.replace(file, row=msgspec.structs.replace(file.row, state=state))
