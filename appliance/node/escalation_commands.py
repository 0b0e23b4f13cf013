"""Escalations: what somebody higher up must know of, and who looks after it."""

from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.node.control import command
from appliance.node.forward import leads
from appliance.node.topic import Topic
from appliance.policy.escalation import Standing, due
from appliance.records.escalation import BY_HAND, Escalation
from appliance.records.person import Actor
from appliance.store.errors import WrongState

if TYPE_CHECKING:
    from appliance.node.node import Node


def sweep(node: "Node") -> None:
    """Raise every case that the policy's criteria say should be."""
    criteria, now, escalations = node.policy().escalation, node.clock.now(), node.store.escalations
    for one in escalations.candidates() if node.standing.may_act() else ():
        standing = Standing(tier=one.tier, reason=one.reason, waited_seconds=now - one.since)
        raised = due(standing, criteria, one.level)
        if raised is not None:
            with suppress(WrongState):  # it has ended since it was looked at
                escalations.escalate(one.case, raised.level, raised.code, "policy", term=node.term)


class EscalationCommands(Topic):
    """The commands about escalations."""

    @command
    def escalations(self, actor: Actor) -> list[Escalation]:
        """Those of cases that have not ended: first what nobody has seen, the highest level first."""
        self._allow(actor, "see_cases")
        return self._node.store.escalations.open()

    def unseen_escalations(self) -> dict[int, tuple[int, float]]:
        """By level: how many nobody has seen, and since when the oldest of them."""
        return self._node.store.escalations.unseen()

    @command
    @leads
    def escalate(self, actor: Actor, case: str, level: int, note: str = "") -> int:
        """Raise a case to level 1, 2 or 3, with a note for whoever sees it; the level at which it stands, which is never lowered."""
        self._allow(actor, "escalate_case")
        store, term = self._node.store, self._node.term
        stands = store.escalations.escalate(case, level, BY_HAND, actor.name, term=term)
        if note.strip():
            store.work.note(case, note.strip(), actor.name, term=term)
        return stands

    @command
    @leads
    def see_escalation(self, actor: Actor, case: str) -> None:
        """Say that one looks after it."""
        self._allow(actor, "see_escalation")
        self._node.store.escalations.seen(case, actor.name, term=self._node.term)
