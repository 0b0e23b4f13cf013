"""What people and programs may tell a node to do: the same list for the panel, the API, the command line and the socket.

Every method takes plain values and gives back records or plain mappings, so that it can be called over the control socket.
Whoever acts is named by an ``Actor``; what its role does not allow is refused here, whatever door it came through.
"""

from typing import Any

import msgspec

from appliance.desk.explain import explain
from appliance.desk.replay import replay
from appliance.ground.errors import Refused
from appliance.node import days
from appliance.node.call_commands import CallCommands
from appliance.node.chat_commands import ChatCommands
from appliance.node.control import command
from appliance.node.diagnostics_commands import DiagnosticsCommands
from appliance.node.door_commands import DoorCommands
from appliance.node.drill_commands import DrillCommands
from appliance.node.engine_commands import EngineCommands
from appliance.node.escalation_commands import EscalationCommands
from appliance.node.forward import leads
from appliance.node.keeping_commands import KeepingCommands
from appliance.node.knowledge_commands import KnowledgeCommands
from appliance.node.mailbox_commands import MailboxCommands
from appliance.node.model_commands import ModelCommands
from appliance.node.numbers_commands import NumbersCommands
from appliance.node.pair_commands import PairCommands
from appliance.node.people_commands import PeopleCommands
from appliance.node.push_commands import PushCommands
from appliance.node.setup_commands import SetupCommands
from appliance.node.shadow_commands import ShadowCommands
from appliance.node.update_commands import UpdateCommands
from appliance.node.voice_commands import VoiceCommands
from appliance.node.work_commands import WorkCommands
from appliance.policy import roles
from appliance.records.answer import Check, Outcome
from appliance.records.case import Case, CaseFile, CaseRow, CaseState
from appliance.records.knowledge import Found, Passage, SourceState
from appliance.records.language import Code
from appliance.records.message import Address, Message
from appliance.records.person import Actor, Approval, is_person_id
from appliance.records.policy import SWITCH_NAMES, SwitchState
from appliance.store.sessions import OWNER

ROWS_MOST = 500
WAIT_SECONDS_MOST = 30.0
PASSAGES_MOST = 50


class Commands(
    NumbersCommands,
    KeepingCommands,
    PeopleCommands,
    ChatCommands,
    WorkCommands,
    MailboxCommands,
    KnowledgeCommands,
    EscalationCommands,
    SetupCommands,
    DiagnosticsCommands,
    PairCommands,
    DrillCommands,
    UpdateCommands,
    ModelCommands,
    CallCommands,
    VoiceCommands,
    ShadowCommands,
    EngineCommands,
    DoorCommands,
    PushCommands,
):
    """The commands of one node."""

    # What is going on

    @command
    def status(self) -> dict[str, Any]:
        """The node at a glance: role, term, queue, levers, health."""
        node, store = self._node, self._node.store
        counts = store.counts()
        switches = store.switches()
        targets = self._targets()
        return {
            "node": node.name,
            "version": node.version,
            "role": node.standing.role,
            "term": store.term,
            "position": store.position,
            "may_send": node.running and node.standing.may_act() and switches.outbound_enabled,
            "reason": node.standing.reason if node.running else "not_running",
            "running": node.running,
            "ready": node.ready,
            **self._pair_at_a_glance(),
            "queue": {
                "leaving": counts.get(CaseState.REPLYING, 0),
                "waiting": sum(counts.get(state, 0) for state in (CaseState.WAITING, CaseState.ARRIVED, CaseState.CLAIMED)),
                "listening": counts.get(CaseState.LISTENING, 0),
                "review": counts.get(CaseState.REVIEW, 0) + counts.get(CaseState.UNCERTAIN, 0),
                "dead": counts.get(CaseState.DEAD, 0),
                "oldest_seconds": targets["answer"]["oldest_seconds"],
                "targets": targets,
                "late": sum(target["late"] for target in targets.values()),
                "lost_drafts": store.lost_drafts(),
                "in_mailboxes": {mailbox: intake.left for mailbox, intake in node.intakes.items() if intake.left},
            },
            "switches": {name: getattr(switches, name) for name in SWITCH_NAMES},
            "healthy": all(row["connected"] for row in self.health()["dependencies"]),
        }

    def _pair_at_a_glance(self) -> dict[str, Any]:
        told = self.pair()
        glance = {name: told[name] for name in ("mode", "paired", "peer", "witness")}
        return {**glance, "drill_overdue_days": told["drills"]["every_days"] if told["drills"]["overdue"] else 0}

    def _targets(self) -> dict[str, dict[str, Any]]:
        """What was promised for the desk and for a person, in minutes, how long the oldest has waited, and how many are late."""
        store, promised, now = self._node.store, self._node.settings.targets, self._node.clock.now()
        waiting = {
            "answer": (promised.answer_minutes, store.waiting_for_desk(now, 60.0 * promised.answer_minutes)),
            "review": (promised.review_minutes, store.waiting_for_person(now, 60.0 * promised.review_minutes)),
        }
        return {
            name: {"minutes": minutes, "oldest_seconds": found.oldest_seconds, "late": found.late}
            for name, (minutes, found) in waiting.items()
        }

    def wait_for_change(self, position: int, seconds: float) -> int:
        """Return when the journal has grown beyond a position, or after so many seconds; where it ends now."""
        return self._node.store.wait_for_change(position, min(seconds, WAIT_SECONDS_MOST))

    @command
    def health(self) -> dict[str, Any]:
        """Every dependency by name, with ``connected`` and, where it is not, the reason and the remedy."""
        rows = self._node.health()
        return {"status": "ok" if all(row["connected"] for row in rows) else "degraded", "dependencies": rows}

    @command
    def counts(self) -> dict[str, int]:
        """How many cases are in each state."""
        return {str(state): number for state, number in self._node.store.counts().items()}

    @command
    def today(self) -> dict[str, Any]:
        """Since midnight in the company's time zone: ``arrived, answered, held, routed, closed, dead``, and ``hours`` with the same."""
        node = self._node
        start = days.midnight(node.clock.now(), node.settings.panel.time_zone)
        return {"since": start, **node.store.tally(start)}

    # Cases

    @command
    def rows(
        self,
        states: tuple[CaseState, ...] | None = None,
        limit: int = 50,
        before: str | None = None,
        text: str = "",
        oldest_first: bool = False,
        archived: bool = False,
        assigned: str | None = None,
    ) -> list[CaseRow]:
        """Cases, newest first or ``oldest_first``, beyond the case ``before``; at most 500 at a time. ``text``: with all its words.

        Those that a person archived only with ``archived``. ``assigned``: those of one person, "" those of nobody.
        """
        return self._node.store.rows(states, min(max(limit, 1), ROWS_MOST), before, text, oldest_first, archived, assigned)

    @command
    def file(self, case: str) -> CaseFile | None:
        """One case opened up, or None when there is none of that id."""
        return self._node.store.file(case)

    @command
    def raw(self, actor: Actor, case: str) -> bytes | None:
        """The mail as it came, where it was kept: with ``intake.retain_raw``, or because it could not be read whole."""
        self._allow(actor, "see_cases")
        return self._node.store.raw(case)

    @command
    def explain(self, case: str, language: Code = "en") -> list[str]:
        """Why the case stands where it stands, one sentence a line."""
        return explain(self._opened(case), language)

    @command
    def replay(self, case: str) -> dict[str, Any]:
        """Decide the case again from its recorded draft."""
        return replay(self._opened(case), self._node.desk(), self._node.store.switches())

    def _opened(self, case: str) -> CaseFile:
        found = self._node.store.file(case)
        if found is None:
            raise Refused(f"There is no case {case}.", "tandem cases list shows them.")
        return found

    @command
    @leads
    def decide(self, actor: Actor, approval: Approval) -> str:
        """A person approves, rejects or routes a case in review. Returns the state it came to.

        Nothing leaves by it for ``review.undo_seconds``, in which ``undo`` takes it back.
        """
        self._allow(actor, f"{approval.decision}_case")
        spans = {"undo_seconds": self._node.settings.review.undo_seconds, "chat_seconds": self._chat_limits().session_seconds}
        return self._node.store.decide_review(approval, term=self._node.term, **spans)

    @command
    @leads
    def resolve(self, actor: Actor, case: str, decision: str) -> str:
        """A person found out what became of an uncertain delivery: ``sent``, ``resend`` or ``drop``."""
        self._allow(actor, "resolve_uncertain")
        return self._node.store.resolve_uncertain(case, decision, actor.name, term=self._node.term)

    @command
    def teams(self, language: Code = "en") -> dict[str, str]:
        """The teams that a case can be routed to: their ids, and their names in this language."""
        policy = self._node.policy()
        return {team: policy.team_name(team, language) for team in policy.teams}

    # Levers and keys

    @command
    @leads
    def set_switch(self, actor: Actor, name: str, on: bool) -> None:
        """Pull a lever; it holds at once and over a restart."""
        if name not in SWITCH_NAMES:
            raise Refused(f"There is no lever {name}.", f"The levers are {', '.join(SWITCH_NAMES)}.")
        self._allow(actor, roles.lever_action(name, on))
        self._node.store.set_switch(name, on, actor.name, term=self._node.term)

    @command
    def switch_states(self) -> tuple[SwitchState, ...]:
        """Each lever, who pulled it and when."""
        return self._node.store.switch_states()

    @command
    @leads
    def issue_key(self, actor: Actor, name: str, role: int) -> dict[str, str]:
        """A new API key; its secret is told this once."""
        self._allow(actor, "manage_keys")
        if is_person_id(name) or name == OWNER:  # a key called so would pass for them, and could sign them out
            raise Refused("A key may not be called like a person's id, nor like the owner.", "Name it after the program that holds it.")
        key, secret = self._node.store.issue_key(name, role, actor.name, term=self._node.term)
        return {"key": key, "secret": secret}

    @command
    @leads
    def revoke_key(self, actor: Actor, key: str) -> None:
        self._allow(actor, "manage_keys")
        self._node.store.revoke_key(key, actor.name, term=self._node.term)

    @command
    def keys(self) -> list[dict[str, Any]]:
        """The API keys, without their secrets."""
        return self._node.store.keys()

    @command
    def new_token(self) -> str:
        """A one-time token that signs a browser in; good for two minutes."""
        return self._node.tokens.issue()

    def actor_of(self, secret: str) -> Actor | None:
        """Whose API key this is."""
        return self._node.store.actor_of(secret)

    # Knowledge and questions

    @command
    def search(self, text: str, language: Code, limit: int = 8) -> tuple[Found, ...]:
        """Passages that speak of the text, best first."""
        return self._node.library.search(text, language, limit=min(max(limit, 1), PASSAGES_MOST))

    @command
    def passage(self, passage: str) -> Passage | None:
        """One passage by its id."""
        return self._node.library.passage(passage)

    @command
    def sources(self) -> tuple[SourceState, ...]:
        """Every source of knowledge as it stands."""
        return self._node.library.states()

    @command
    @leads
    def refresh(self) -> list[dict[str, Any]]:
        """Look at every source now; what changed, as counts and keys."""
        return self._node.refresh_knowledge()

    @command
    def ask(self, text: str, language: str = "") -> dict[str, Any]:
        """What the desk would do with this question, were it a mail of a trusted customer. Nothing is stored or sent."""
        started = self._node.clock.elapsed()
        outcome = self._node.think(_question(text, self._node.clock.now()), language)
        return {**_as_answer(outcome), "milliseconds": {**outcome.milliseconds, "total": 1000 * (self._node.clock.elapsed() - started)}}

    # The journal and the person's rights

    @command
    def verify(self) -> dict[str, Any]:
        """Walk the whole chain: what was edited, deleted, swapped or cut off, and where."""
        return self._node.store.verify().as_dict()

    @command
    @leads
    def erase(self, actor: Actor, address: str) -> dict[str, Any]:
        """Destroy a customer's key and with it every word of theirs; the steps, one by one."""
        self._allow(actor, "erase_customer")
        erased = self._node.store.erase_customer(address, actor.name, term=self._node.term)
        outside = {"step": "outside", "status": "by_hand", "places": self._node.places_outside()}
        return {**erased, "steps": [*erased["steps"], outside]}

    @command
    @leads
    def take_files(self, actor: Actor, files: list[str], mailbox: str = "") -> dict[str, Any]:
        """Take mail files in as if they had come by a mailbox; paths as the daemon sees them."""
        self._allow(actor, "change_configuration")
        return self._node.take_files(files, mailbox)


def _question(text: str, now: float) -> Case:
    message = Message(channel="chat", sender=Address(address="asker@localhost"), subject="", text=text, full_text=text, sent_at=now)
    return Case(id="c-ask", channel="chat", mailbox="ask", state=CaseState.CLAIMED, received_at=now, message=message)


def _as_answer(outcome: Outcome) -> dict[str, Any]:
    """``stood_in_because``: the code of why another writer than the first one wrote; "" when none did."""
    return {
        "outcome": str(outcome.decision),
        "reason": outcome.reason.code,
        "because": msgspec.to_builtins(outcome.reason),
        "language": outcome.language.code,
        "tier": int(outcome.tier),
        "answer": outcome.draft.text if outcome.draft else "",
        "citations": [{"source": c.source, "passage": c.passage, "score": round(c.score, 3)} for c in outcome.citations],
        "checks": {check.name: _as_check(check) for check in outcome.checks},
        "score": outcome.score,
        "writer": outcome.draft.writer if outcome.draft else "",
        "stood_in_because": outcome.usage.cause,
    }


def _as_check(check: Check) -> dict[str, Any]:
    """``because`` is there when the check says why."""
    because = {"because": msgspec.to_builtins(check.reason)} if check.reason else {}
    return {"passed": check.passed, "score": check.score, **because}
