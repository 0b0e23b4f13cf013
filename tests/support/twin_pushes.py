"""Pushes to the CRM of a node that lives in memory: it says what a node says, and sends nothing."""

import json
from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.records.case import CaseFile
from appliance.records.person import Actor
from appliance.records.push import KEPT_BEFORE, Push, PushCounts, PushState


class TwinPushes:
    clock: Clock
    files: dict[str, CaseFile]
    done: list[Any]

    def start_pushes(self) -> None:
        self.kept_pushes: list[Push] = []
        self.crm: dict[str, Any] = {"enabled": True, "where": "crm.example.com", "attempts_most": 15, "held": False, "trouble": None}

    def push_call(self, actor: Actor, case: str, demo: bool = False) -> str:
        file, now = self.files[case], self.clock.now()
        message = file.message.text if file.message else ""
        told = json.dumps({"type": "case.saved", "data": {"case": case, "message": message, "final_transcript": "Kaksi pumppua."}})
        push = Push(id=f"w-{len(self.kept_pushes) + 1}", case=case, state=PushState.QUEUED, demo=demo, queued_at=now, changed_at=now,
                    not_before=now, by=actor.name, payload=told)  # fmt: skip
        self.kept_pushes.insert(0, push)
        self.done.append((actor, f"push {case}"))
        return push.id

    def change_push(self, push: str, **fields: Any) -> None:
        """How a push stands from now on."""
        self.kept_pushes = [msgspec.structs.replace(one, **fields) if one.id == push else one for one in self.kept_pushes]

    def retry_push(self, actor: Actor, push: str) -> None:
        found = next((one for one in self.kept_pushes if one.id == push), None)
        if found is None or found.state not in (PushState.QUEUED, PushState.DEAD):
            raise Refused("It does not wait.", "Push the case anew.", code="push_not_waiting")
        self.change_push(push, state=PushState.QUEUED, not_before=self.clock.now())
        self.done.append((actor, f"retry {push}"))

    def retry_pushes(self, actor: Actor) -> int:
        dead = [one.id for one in self.kept_pushes if one.state is PushState.DEAD]
        for push in dead:
            self.retry_push(actor, push)
        return len(dead)

    def scrub_pushes(self, actor: Actor, case: str = "") -> int:
        chosen = [one.id for one in self.kept_pushes if case in ("", one.case) and one.state is PushState.SYNCED and one.payload]
        for push in chosen:
            self.change_push(push, payload="", scrubbed_at=self.clock.now())
        self.done.append((actor, f"scrub {case}"))
        return len(chosen)

    def reset_demo(self, actor: Actor, keep_demo: bool = False) -> int:
        demo = [one for one in self.kept_pushes if one.demo]
        self.kept_pushes = [one for one in self.kept_pushes if keep_demo or not one.demo]
        self.done.append((actor, f"reset {keep_demo}"))
        return len(demo)

    def pushes(self, actor: Actor, case: str) -> list[Push]:  # noqa: ARG002
        return [one for one in self.kept_pushes if one.case == case][: KEPT_BEFORE + 1]

    def push_rows(self, actor: Actor, state: str = "", limit: int = 100) -> list[Push]:  # noqa: ARG002
        rows = [one for one in self.kept_pushes if state in ("", one.state)][:limit]
        return [msgspec.structs.replace(one, payload="", subject=self.files[one.case].row.subject) for one in rows]

    def push_counts(self) -> PushCounts:
        number = {state: sum(one.state is state for one in self.kept_pushes) for state in PushState}
        return PushCounts(
            cached=number[PushState.QUEUED],
            synced=number[PushState.SYNCED],
            failed=number[PushState.DEAD],
            depth=number[PushState.QUEUED] + number[PushState.SENDING],
            demo=sum(one.demo for one in self.kept_pushes),
        )

    def push_status(self) -> dict[str, Any]:
        return self.crm

    def push_report(self) -> dict[str, Any]:
        return {"markdown": "# CRM pushes\n", "warnings": [], "lines": 0}
