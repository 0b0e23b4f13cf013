"""One machine, put together: what is built from the settings, and what it does between start and stop.

A node can be *opened* (store, knowledge and desk, no loops: what a command needs when no daemon runs) or *run* (loops,
schedule and the control socket as well). Building is in ``build.py``; what people tell it is in ``commands.py``.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance import __version__
from appliance.channels.mail.by_hand import FilesInbox
from appliance.channels.protocol import Inbox, Outbox
from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.ground.clock import Clock
from appliance.ground.errors import SettingsError, TandemError
from appliance.ground.log import Log
from appliance.knowledge.library import Library, SourceChange
from appliance.node import loops, proof
from appliance.node.accounts import reader_of
from appliance.node.commands import Commands
from appliance.node.control import ControlServer
from appliance.node.pipeline_log import PipelineLog
from appliance.node.policies import LivePolicy
from appliance.node.roles import Alone
from appliance.node.schedule import Schedule
from appliance.node.tokens import Tokens
from appliance.records.answer import Decision, Outcome
from appliance.records.case import Case
from appliance.records.events import SourceFailed, SourceRefreshed
from appliance.records.policy import Reason, Switches
from appliance.settings.model import Settings
from appliance.store.store import Store

log = Log("node")

STOP_SECONDS = 10.0
KNOWLEDGE_SECONDS = 2.0  # an edit is live within 10 s; a look that finds nothing new costs a stat per source
SETTLE_SECONDS = 1.0  # a file that is still being copied is left for the next look
HEADS_SECONDS = 60.0
ANSWER_WORKERS = 2


@dataclass
class Node:
    """Everything one machine is made of. ``desk`` and ``policy`` are callables, for both change while the node runs."""

    settings: Settings
    clock: Clock
    store: Store
    library: Library
    desk: Callable[[], Desk]
    policy: LivePolicy
    inboxes: tuple[Inbox, ...]
    outboxes: dict[str, Outbox]
    standing: Alone
    name: str
    version: str = __version__
    running: bool = False
    ready: bool = False
    not_ready_because: str = "starting"
    broken: TandemError | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.clock)
        self.commands = Commands(self)
        self.loops: list[loops.Loop] = []
        self._schedule: Schedule | None = None
        self._control: ControlServer | None = None

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def term(self) -> int:
        return self.standing.term

    def prepare(self) -> None:
        """What a home needs before anything else: a term, levers in their first position, its knowledge on the shelf."""
        if self.term == 0:
            self._begin_term()
        wanted = self.settings.policy
        self.store.first_switches(
            safe_mode=wanted.safe_mode,
            automation_enabled=wanted.automation_enabled,
            outbound_enabled=wanted.outbound_enabled,
            intake_enabled=True,
            term=self.term,
        )
        self.refresh_knowledge()

    def _begin_term(self) -> None:
        self.standing.term = self.store.begin_term(self.name)

    # Running

    def start(self) -> None:
        """Begin to lead: recover what was under way, then start the loops, the schedule and the control socket."""
        self.running = True
        self._begin_term()
        loops.recover_deliveries(self.store, self.outboxes, self.standing)
        self.loops = self._make_loops()
        for loop in self.loops:
            loop.start()
        self._control = ControlServer(self.home, self.commands)
        self._control.start()
        self._schedule = Schedule()
        self._schedule.every(KNOWLEDGE_SECONDS, "knowledge", lambda: self.refresh_knowledge(SETTLE_SECONDS))
        self._schedule.every(KNOWLEDGE_SECONDS, "policy", self.policy.look)
        self._schedule.every(HEADS_SECONDS, "heads", self.store.sign_head)
        self._schedule.start()
        self._prove()
        log.info("node_started", node=self.name, term=self.term, mailboxes=len(self.inboxes), ready=self.ready)

    def _make_loops(self) -> list[loops.Loop]:
        make = self._loop
        intake = [make(f"intake:{inbox.mailbox}", self._intake(inbox)) for inbox in self.inboxes]
        answering = [
            make(f"answer-{number}", self._answering(f"{self.name}-{number}"), self.store.wake_cases)
            for number in range(1, ANSWER_WORKERS + 1)
        ]
        return [*intake, *answering, *(make(name, step, self.store.wake_deliveries) for name, step in self._deliverers())]

    def _loop(self, name: str, step: Callable[[], bool], wake: threading.Event | None = None) -> loops.Loop:
        return loops.Loop(name, step, self.stop, self.clock, self._broke, wake)

    def _intake(self, inbox: Inbox) -> Callable[[], bool]:
        seconds = next((box.imap.poll_seconds for box in self.settings.mailbox if box.id == inbox.mailbox), 2)
        return lambda: loops.intake_step(inbox, self.store, self.standing, seconds, self.stop, self._sender(inbox.mailbox))

    def _sender(self, mailbox: str) -> str:
        return next((box.sender for box in self.settings.mailbox if box.id == mailbox), "")

    def _answering(self, agent: str) -> Callable[[], bool]:
        pipeline = PipelineLog(self.settings.log.pipeline_path)

        def settled(case: Case, outcome: Outcome, decision: Decision) -> None:
            pipeline.write(case.id, agent, decision, outcome, self.clock.now())
            told = {"reason": outcome.reason.code, "language": outcome.language.code, "tier": int(outcome.tier)}
            log.info("case_settled", case=case.id, decision=decision, **told)

        return lambda: loops.answer_step(agent, self.store, self.desk, lambda: self.policy().limits, self.standing, settled)

    def _deliverers(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """A deliver loop for each mailbox that has a way out, and one for what is left over."""
        for mailbox, outbox in self.outboxes.items():
            deliverer = loops.Deliverer(self.name, self.store, self.standing, loops.Breaker(self.clock), outbox)
            yield f"deliver:{mailbox}", deliverer.step
        rest = loops.Deliverer(self.name, self.store, self.standing, loops.Breaker(self.clock), others=tuple(self.outboxes))
        yield "deliver", rest.step

    def _prove(self) -> None:
        try:
            self.not_ready_because = proof.prove(self.desk(), self.library.passages(), self.clock.now())
        except Exception as error:  # a proof that cannot be made is a failed proof; the node goes on, for people can work
            log.error("proof_failed", error=error)
            self.not_ready_because = f"the proof failed ({type(error).__name__})"
        self.ready = not self.not_ready_because
        if not self.ready:
            log.warning("node_not_ready", reason=self.not_ready_because)

    def _broke(self, error: TandemError) -> None:
        """The store cannot be relied on any more: the node ends, and its supervisor starts it again."""
        self.broken = error
        log.error("node_broken", error=error)
        self.stop.set()
        self.ended.set()

    def close(self) -> None:
        """Stop taking, finish what is under way, close every channel and the store. May be called twice."""
        self.running = False
        self.stop.set()
        if self._control is not None:
            self._control.stop()
        if self._schedule is not None:
            self._schedule.stop()
        self.store.wake_cases.set()
        self.store.wake_deliveries.set()
        late = [loop.name for loop in self.loops if not loop.join(STOP_SECONDS)]
        if late:
            log.warning("loops_late", loops=", ".join(late))
        self.standing.resign()
        for inbox in self.inboxes:
            inbox.close()
        for outbox in self.outboxes.values():
            outbox.close()
        self.store.close()
        self.ended.set()
        log.info("node_stopped", node=self.name)

    # What commands need

    def think(self, case: Case, language: str = "") -> Outcome:
        """The desk's opinion of a case that is in no store; levers open, for nothing can leave."""
        return (
            answer(case, self.desk(), proof.LEVERS_FOR_PROOF, language) if language else answer(case, self.desk(), proof.LEVERS_FOR_PROOF)
        )

    def switches(self) -> Switches:
        return self.store.switches()

    def refresh_knowledge(self, settle_seconds: float = 0.0) -> list[dict[str, Any]]:
        """Read the sources that changed and have not been written to for so long; put what changed into the journal, and say it."""
        changes = self.library.refresh(settle_seconds)
        for change in changes:
            self.store.record(_event_of(change, self.clock.now()), term=self.term)
            log.info("source_changed", source=change.source, passages=change.passages, trouble=change.trouble)
        if changes and self.running:
            self._prove()
        return [_as_mapping(change) for change in changes]

    def take_files(self, files: list[str], mailbox: str) -> dict[str, Any]:
        """Take mail files in by hand, through the same steps as any channel; "" means the first mailbox.

        Raises ``SettingsError`` for a mailbox that is not configured: a reply could never leave.
        """
        boxes = {box.id: box for box in self.settings.mailbox}
        box = boxes.get(mailbox) if mailbox else next(iter(boxes.values()), None)
        if box is None:
            known = ", ".join(boxes) or "none"
            raise SettingsError(
                f"There is no mailbox {mailbox or 'yet'}; configured: {known}.", "Name one, or add a [[mailbox]] to tandem.toml."
            )
        inbox = FilesInbox(box.id, [Path(name) for name in files], self.clock, reader_of(box, self.settings))
        taken = 0
        while (batch := inbox.take(None)).arrivals:
            loops.take_in(inbox, batch, self.store, self.standing, box.sender)
            taken += len(batch.arrivals)
        return {"taken": taken}

    def places_outside(self) -> list[str]:
        """Where mails lie that are not the appliance's own: an erasure cannot reach them, and names them for a person."""
        places = [f"mailbox {box.id}: {box.imap.folder} and Sent on {box.imap.host}" for box in self.settings.mailbox if box.imap.host]
        folders = [folder for box in self.settings.mailbox for folder in (box.folder.inbox, box.folder.outbox, box.folder.archive)]
        return [*places, *(str(folder) for folder in folders if folder is not None)]

    def health(self) -> list[dict[str, Any]]:
        """One row a dependency."""
        rows = [_health_row("store", "" if self.broken is None else self.broken.message, "" if self.broken is None else self.broken.remedy)]
        rows.append(_health_row("levers", "" if self.switches().readable else "they cannot be read; everything is held", "tandem verify"))
        rows.append(_health_row("policy", self.policy.trouble.reason, "Mend policy.toml; the last good one stays in force."))
        rows += [_health_row(f"knowledge:{source.name}", source.trouble, source.remedy) for source in self.library.states()]
        rows += [_health_row(loop.name, loop.trouble.reason, loop.remedy) for loop in self.loops]
        rows += [_health_row(f"outbox:{name}", outbox.trouble, "Mail waits meanwhile.") for name, outbox in self.outboxes.items()]
        rows.append(_health_row(f"writer:{self.desk().writer.name}", "", ""))
        return rows


def _health_row(name: str, trouble: str, remedy: str) -> dict[str, Any]:
    return {"name": name, "connected": not trouble, "reason": trouble, "remedy": remedy if trouble else ""}


def _event_of(change: SourceChange, now: float) -> SourceRefreshed | SourceFailed:
    if change.trouble:
        return SourceFailed(at=now, by="knowledge", source=change.source, reason=Reason(code="source_unreadable"))
    return SourceRefreshed(
        at=now,
        by="knowledge",
        source=change.source,
        digest=change.digest,
        passages=change.passages,
        added=len(change.added),
        changed=len(change.changed),
        removed=len(change.removed),
    )


def _as_mapping(change: SourceChange) -> dict[str, Any]:
    return {
        "source": change.source,
        "passages": change.passages,
        "added": list(change.added),
        "changed": list(change.changed),
        "removed": list(change.removed),
        "trouble": change.trouble,
    }
