"""Pushes to the CRM: what a person keeps for it, tries again, removes, and reads about."""

from typing import Any

from appliance.ground.errors import Refused
from appliance.node.control import command
from appliance.node.forward import leads, shown_by_leader
from appliance.node.push_document import document, stamp
from appliance.node.topic import Topic
from appliance.records.person import Actor
from appliance.records.push import KEPT_BEFORE, Push, PushCounts, PushState
from appliance.reports import crm as reporting
from appliance.settings.network import host_of

RETRIED_MOST = 500


class PushCommands(Topic):
    """The commands about the CRM."""

    # Doing

    @command
    @leads
    def push_call(self, actor: Actor, case: str, demo: bool = False) -> str:
        """Keep the case as it stands for the CRM; the push's id. It leaves as soon as the CRM takes it. ``demo``: made up, for showing."""
        self._allow(actor, "push_case")
        node = self._node
        file = node.store.file(case)
        if file is None:
            raise Refused(f"There is no case {case}.", "tandem cases list shows them.")
        told = document(file, node.store.clips.of_case(case), node.store.calls.state(case), demo=demo, now=node.clock.now())
        push = node.store.pushes.queue(case, told, actor.name, demo=demo, term=node.term)
        self._tell("queued", push)
        return push

    @command
    @leads
    def retry_push(self, actor: Actor, push: str) -> None:
        """Try a push again now, with a new round of tries."""
        self._allow(actor, "push_case")
        self._node.store.pushes.retry(push, actor.name, term=self._node.term)
        if self._node.pusher is not None:
            self._node.pusher.try_now()
        self._tell("retried", push)

    @command
    @leads
    def retry_pushes(self, actor: Actor) -> int:
        """Try every push that was given up again, at most 500; how many."""
        self._allow(actor, "push_case")
        given_up = [one for one in self._node.store.pushes.rows(PushState.DEAD, RETRIED_MOST) if not one.scrubbed_at]
        for one in reversed(given_up):
            self.retry_push(actor, one.id)
        return len(given_up)

    @command
    @leads
    def scrub_pushes(self, actor: Actor, case: str = "") -> int:
        """Remove the documents of pushes that do not wait any more, of one case or of all; how many. Codes and numbers stay."""
        self._allow(actor, "scrub_pushes")
        scrubbed = self._node.store.pushes.scrub(case, actor.name, term=self._node.term)
        self._tell("scrubbed", count=scrubbed)
        return scrubbed

    @command
    @leads
    def reset_demo(self, actor: Actor, keep_demo: bool = False) -> int:
        """Remove the pushes of demonstrations, or keep them as if they had never been tried; how many."""
        self._allow(actor, "scrub_pushes")
        reset = self._node.store.pushes.reset_demo(keep_demo, actor.name, term=self._node.term)
        self._tell("reset", count=reset)
        return reset

    def _tell(self, event: str, push: str = "", count: int = 0) -> None:
        pushes = self._node.store.pushes
        self._node.ops.write(event, self._node.clock.now(), pushes.counts(), pushes.find(push) if push else None, count)

    # Looking

    @command
    def pushes(self, actor: Actor, case: str) -> list[Push]:
        """The last push of a case and the five before it, newest first, each with its document while that is kept."""
        self._allow(actor, "see_cases")
        return list(self._node.store.pushes.of_case(case))

    @command
    def push_rows(self, actor: Actor, state: str = "", limit: int = 100) -> list[Push]:
        """The newest pushes, without their documents: ``queued``, ``sending``, ``synced``, ``dead``, ``withdrawn`` or all."""
        self._allow(actor, "see_cases")
        if state and state not in tuple(PushState):
            raise Refused(f"There is no state {state}.", f"The states are {', '.join(PushState)}.")
        return list(self._node.store.pushes.rows(PushState(state) if state else None, limit))

    @command
    def push_payloads(self, actor: Actor, case: str) -> dict[str, Any]:
        """A snapshot to archive: the last document of a case, the five before it, and how the transcription did. Customers' words."""
        self._allow(actor, "see_cases")
        found = [_as_kept(one) for one in self._node.store.pushes.of_case(case, KEPT_BEFORE + 1)]
        clips = [_heard(clip) for clip in self._node.store.clips.of_case(case)]
        return {"case": case, "last_payload": found[0] if found else None, "history": found[1:], "transcription": clips}

    @command
    def push_counts(self) -> PushCounts:
        """How many pushes stand where, since when the oldest waits, when the last one went through, what failed last."""
        return self._node.store.pushes.counts()

    @command
    @shown_by_leader
    def push_status(self) -> dict[str, Any]:
        """``enabled``, ``where`` (the CRM's host), ``attempts_most``, ``held`` while the lever is closed, ``trouble`` of the last try."""
        crm, fault = self._node.settings.crm, self._node.crm_fault()
        told = {"code": fault.code, "reason": fault.message, "remedy": fault.remedy} if fault is not None else None
        held = not self._node.switches().outbound_enabled
        return {"enabled": crm.enabled, "where": host_of(crm.url), "attempts_most": crm.attempts_most, "held": held, "trouble": told}

    @command
    @shown_by_leader
    def push_report(self) -> dict[str, Any]:
        """The ops log as a report: ``markdown`` and its ``warnings``. The log lies with the node that led."""
        node, counts, now = self._node, self._node.store.pushes.counts(), self._node.clock.now()
        lines, unreadable = node.ops.read()
        told = list(reporting.warnings(lines, counts, now, node.settings.crm.enabled, unreadable))
        success = stamp(counts.last_success_at)
        markdown = reporting.report(
            lines, counts, now, at=stamp(now), last_success=success, enabled=node.settings.crm.enabled, unreadable=unreadable
        )
        return {"markdown": markdown, "warnings": told, "lines": len(lines)}


def _as_kept(push: Push) -> dict[str, Any]:
    import json  # late: only who archives needs it

    return {
        "push": push.id,
        "badge": str(push.badge or ""),
        "attempts": push.attempts,
        "queued_at": stamp(push.queued_at),
        "response_code": push.response_code,
        "error": push.reason,
        "payload": json.loads(push.payload) if push.payload else None,
    }


def _heard(clip: Any) -> dict[str, Any]:
    stands = clip.transcript or clip.first
    return {
        "clip": clip.name,
        "state": clip.state,
        "seconds": clip.seconds,
        "confidence": stands.confidence if stands is not None else None,
        "took_seconds": stands.took_seconds if stands is not None else 0.0,
        "ear": stands.ear if stands is not None else "",
        "trouble": clip.trouble,
    }
