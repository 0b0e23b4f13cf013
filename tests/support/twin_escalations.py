"""Escalations of a node that lives in memory."""

from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.records.case import CaseFile
from appliance.records.escalation import Escalation
from appliance.records.person import Actor


class TwinEscalations:
    clock: Clock
    files: dict[str, CaseFile]
    done: list[Any]

    def __init__(self) -> None:
        self.raised: dict[str, Escalation] = {}

    def escalations(self, actor: Actor) -> list[Escalation]:  # noqa: ARG002
        return sorted(self.raised.values(), key=lambda one: (one.seen_at > 0, -one.level, one.raised_at))

    def unseen_escalations(self) -> dict[int, tuple[int, float]]:
        unseen = [one for one in self.raised.values() if not one.seen_at]
        levels = {one.level for one in unseen}
        return {
            level: (sum(one.level == level for one in unseen), min(one.raised_at for one in unseen if one.level == level))
            for level in levels
        }

    def escalate(self, actor: Actor, case: str, level: int, note: str = "", code: str = "person") -> int:  # noqa: ARG002
        row = self.files[case].row
        self.raised[case] = Escalation(
            id=len(self.raised) + 1, case=case, level=level, code=code, by=actor.name, raised_at=self.clock.now(),
            received_at=row.received_at, state=row.state, subject=row.subject, sender=row.sender_name or row.sender,
        )  # fmt: skip
        self.files[case] = msgspec.structs.replace(self.files[case], row=msgspec.structs.replace(row, escalated=level))
        self.done.append((actor, f"escalate {case} {level}"))
        return level

    def see_escalation(self, actor: Actor, case: str) -> None:
        if case not in self.raised:
            return
        self.raised[case] = msgspec.structs.replace(self.raised[case], seen_at=self.clock.now(), seen_by=actor.name)
        self.done.append((actor, f"seen {case}"))
