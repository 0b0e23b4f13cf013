"""One machine, put together: what is built from the settings, and what it does between start and stop.

A node can be *opened* (store, knowledge and desk, no loops: what a command needs when no daemon runs) or *run* (loops,
schedule and the control socket as well). Building is in ``build.py``; what people tell it is in ``commands.py``.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from appliance import __version__
from appliance.channels.mail.by_hand import FilesInbox
from appliance.channels.protocol import Inbox, Outbox, OwnFolders
from appliance.channels.voice.arrivals import MAILBOX as VOICE
from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.engines.ear.protocol import Ear
from appliance.ground.clock import Clock
from appliance.ground.errors import Refused, SettingsError, TandemError
from appliance.ground.log import Log
from appliance.knowledge.accounts import Accounts
from appliance.knowledge.library import Library, SourceChange
from appliance.knowledge.staging import Staging
from appliance.node import account_watch, health, loops, proof
from appliance.node.accounts import reader_of
from appliance.node.broken_since import BrokenSince
from appliance.node.call_desk import CallDesk
from appliance.node.clip_pieces import Pieces
from appliance.node.commands import Commands
from appliance.node.control import ControlServer
from appliance.node.diagnostics import Started
from appliance.node.drills import Drills
from appliance.node.engines import Engines, writing_seconds
from appliance.node.escalation_commands import sweep
from appliance.node.macros import LiveMacros
from appliance.node.mailbox_watch import MailboxWatch
from appliance.node.model_desk import ModelDesk
from appliance.node.ops_log import OpsLog
from appliance.node.pairing_desk import PairingDesk
from appliance.node.patience import SignInPatience
from appliance.node.pipeline_log import PipelineLog
from appliance.node.policies import LivePolicy
from appliance.node.presence import Presence
from appliance.node.pushing import Pusher, make_crm
from appliance.node.reference import ReferenceDesk
from appliance.node.renewing import LOOK_SECONDS as RENEW_SECONDS
from appliance.node.renewing import Renewals
from appliance.node.retention import LOOK_SECONDS, Retention
from appliance.node.roles import Alone, Standing
from appliance.node.schedule import Schedule
from appliance.node.shadow import Shadow
from appliance.node.sign_ins import SignIns
from appliance.node.tokens import Tokens
from appliance.node.transcribing import ClipIntake, Transcribing
from appliance.node.trials import Trials
from appliance.node.visits import Visits
from appliance.node.watchdog import Part
from appliance.policy.model import Limits
from appliance.records.answer import Decision, Outcome
from appliance.records.case import Case, CaseState
from appliance.records.events import SourceFailed, SourceRefreshed
from appliance.records.policy import Reason, Switches
from appliance.settings.model import MailboxSettings, Settings
from appliance.settings.network import host_of
from appliance.store.errors import NotLeading
from appliance.store.store import Store

if TYPE_CHECKING:
    from appliance.node.pair_side import PairSide

log = Log("node")

FINISH_SECONDS = 4.0  # what is under way when the node stops may be finished in this time; then its engine is taken away
STOP_SECONDS = 8.0
KNOWLEDGE_SECONDS = 2.0  # an edit is live within 10 s; a look that finds nothing new costs a stat per source
SETTLE_SECONDS = 1.0  # a file that is still being copied is left for the next look
HEADS_SECONDS = 60.0
ESCALATION_SECONDS = 15.0
HEALTH_SECONDS = 10.0  # nobody may be looking when something breaks, and its time must still be known
ANSWER_WORKERS = 2


@dataclass
class Node:
    """Everything one machine is made of. ``desk`` and ``policy`` are callables, for both change while the node runs.

    ``pair`` is what it needs to be one of two, None for a node alone. ``again``: it ends to be built anew at once, since its home has
    become another one (it was paired, or was given the other node's state). ``cut_short``: the engines were taken away from whoever was at
    work when it stopped.
    """

    settings: Settings
    clock: Clock
    store: Store
    library: Library
    accounts: Accounts
    engines: Engines
    desk: Callable[[], Desk]
    policy: LivePolicy
    inboxes: tuple[Inbox, ...]
    outboxes: dict[str, Outbox]
    own_folders: dict[str, OwnFolders]
    standing: Standing
    name: str
    pair: "PairSide | None" = None
    again: bool = False
    supervised: bool = False
    version: str = __version__
    running: bool = False
    ready: bool = False
    not_ready_because: str = "starting"
    broken: TandemError | None = None
    started: Started | None = None
    verified: dict[str, Any] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    cut_short: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.clock)
        self.visits = Visits(self.clock)
        self.patience = SignInPatience(self.clock)
        self.presence = Presence(self.clock)
        self.broken_since = BrokenSince()
        self.macros = LiveMacros(self.settings.macros.path)
        self.call_desk = CallDesk(self.settings, self.clock)
        self.reference = self._reference()
        self.staging = Staging(self.home, self.library, self.clock)
        self.pairing = PairingDesk(self)
        self.drills = Drills(self)
        self.models = ModelDesk(self)
        self.commands = Commands(self)
        self.sign_ins = SignIns(self.settings, self.clock, self.stop)
        self.setup_sign_ins: tuple[tuple[MailboxSettings, ...], SignIns] | None = None
        self.trials = Trials(self.home, self.clock)
        self.watches = {mailbox: self._watch(folders) for mailbox, folders in self.own_folders.items()}
        self.shadow = self._shadow()
        self.renewals = Renewals(self.clock, loops.CLAIM_SECONDS, self._renew)
        self.ops = OpsLog(self.settings.crm.ops_log_path if self.settings.crm.enabled else None, self.settings.crm.ops_log_bytes)
        self.pusher: Pusher | None = None
        self.clip_pieces = Pieces(self.clock)
        self.transcribing = self._transcriber()
        self.loops: list[loops.Loop] = []
        self._wakes: list[threading.Event] = []
        self.intakes: dict[str, loops.Intake] = {}
        self._schedule: Schedule | None = None
        self._control: ControlServer | None = None

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def term(self) -> int:
        return self.standing.term

    def prepare(self) -> None:
        """What a home needs before anything else: a term, levers in their first position, its knowledge on the shelf.

        One of a pair writes nothing by itself: what the leader wrote comes to it.
        """
        if isinstance(self.standing, Alone):
            self._first_term(self.standing)
        self.refresh_knowledge()
        self.refresh_accounts()

    def _first_term(self, standing: Alone) -> None:
        if standing.term == 0:
            standing.term = self.store.begin_term(self.name)
        wanted = self.settings.policy
        self.store.first_switches(
            safe_mode=wanted.safe_mode,
            automation_enabled=wanted.automation_enabled,
            outbound_enabled=wanted.outbound_enabled,
            intake_enabled=True,
            term=standing.term,
        )

    # Running

    def start(self) -> None:
        """Start the loops, the schedule, the control socket and, in a pair, the way to the other node.

        The loops of a node alone work at once, in a new term; those of a pair wait until it leads.
        """
        self.running = True
        self.started = Started(self.clock.now(), self.clock.elapsed())
        if isinstance(self.standing, Alone):
            self.standing.term = self.store.begin_term(self.name)
        self.loops = self._make_loops()
        for loop in self.loops:
            loop.start()
        self._control = ControlServer(self.home, self.commands)
        self._control.start()
        if self.pair is not None:
            self.pair.start(self)
        self.drills.start()
        self._schedule = Schedule()
        self._schedule.every(KNOWLEDGE_SECONDS, "knowledge", lambda: self.refresh_knowledge(SETTLE_SECONDS))
        self._schedule.every(KNOWLEDGE_SECONDS, "accounts", lambda: self.refresh_accounts(SETTLE_SECONDS))
        self._schedule.every(KNOWLEDGE_SECONDS, "policy", self.policy.look)
        self._schedule.every(HEADS_SECONDS, "heads", self.store.sign_head)
        self._schedule.every(HEALTH_SECONDS, "health", self.health)
        self._schedule.every(ESCALATION_SECONDS, "escalations", lambda: sweep(self))
        self._schedule.every(RENEW_SECONDS, "claims", self.renewals.look)
        self._schedule.every(RENEW_SECONDS, "clips", self._look_at_clips)
        retention = Retention(self.store, self.standing, self.clock, self.settings.store.retention_days)
        self._schedule.every(LOOK_SECONDS, "retention", retention.look)
        self._schedule.start()
        self._prove()
        self.engines.prepare()
        log.info("node_started", node=self.name, term=self.term, mailboxes=len(self.inboxes), ready=self.ready)

    def _make_loops(self) -> list[loops.Loop]:
        make = self._loop
        intake = [
            make(f"intake:{inbox.mailbox}", self._intake(inbox), waits_seconds=self._poll_seconds(inbox.mailbox)) for inbox in self.inboxes
        ]
        answering = [
            make(f"answer-{number}", self._answering(f"{self.name}-{number}"), self.store.wake_cases, writing_seconds(self.settings))
            for number in range(1, ANSWER_WORKERS + 1)
        ]
        delivering = [make(name, step, self.store.wake_deliveries) for name, step in self._deliverers()]
        delivering += [make("push", step, self.store.wake_pushes) for step in self._pushing()]
        hearing = []
        if self.settings.voice.enabled:
            step, seconds = self.transcribing.step, self.transcribing.step_seconds
            hearing.append(make("transcribe", step, self.store.clips.wake, waits_seconds=seconds))
        if self.shadow is not None:
            hearing.append(make("shadow", self.shadow.step, self.shadow.wake, waits_seconds=writing_seconds(self.settings)))
        watching = [make(f"sent:{name}", self._watching(watch)) for name, watch in self.watches.items()]
        return [*intake, *answering, *hearing, *delivering, *watching]

    def _loop(self, name: str, step: Callable[[], bool], wake: threading.Event | None = None, waits_seconds: float = 0.0) -> loops.Loop:
        return loops.Loop(name, step, self.stop, self.clock, self.broke, wake, waits_seconds=waits_seconds)

    def parts(self) -> list[Part]:
        """What the watchdog looks at: everything that works in turns."""
        pair = self.pair.parts() if self.pair is not None else []
        return [Part("store writer", self.store.writer_turn), *pair, *(loop.part for loop in self.loops)]

    def wake(self) -> None:
        """Have every loop look at once: this node leads from now on, or is about to end."""
        for event in self._wakes:
            event.set()
        self.store.wake_cases.set()
        self.store.wake_deliveries.set()
        self.store.wake_pushes.set()
        self.store.clips.wake.set()

    def _poll_seconds(self, mailbox: str) -> float:
        return next((box.imap.poll_seconds for box in self.settings.mailbox if box.id == mailbox), 2)

    def _intake(self, inbox: Inbox) -> Callable[[], bool]:
        seconds = self._poll_seconds(inbox.mailbox)
        wake = threading.Event()
        self._wakes.append(wake)
        kind = ClipIntake if inbox.mailbox == VOICE else loops.Intake
        intake = kind(inbox, self.store, self.standing, self.clock, self.stop, wake, seconds, self._sender(inbox.mailbox))
        if isinstance(intake, ClipIntake):
            intake.listens = lambda: self.settings.voice.enabled
        self.intakes[inbox.mailbox] = intake
        return intake.step

    # The voice

    def _transcriber(self) -> Transcribing:
        settings = self.settings
        spoken = tuple(settings.company.languages)
        return Transcribing(self.name, self.store, self.ear, settings.voice, spoken, self.standing, self.clock, self.stop)

    def ear(self) -> Ear | None:
        """What hears clips here; None when nothing is set up."""
        return self.engines.ear

    def ear_fault(self) -> TandemError | None:
        """Why clips are not heard at the moment; None when nothing is known to stand in the way."""
        return (self.transcribing.pulse.last_error or self.engines.ear_fault()) if self.settings.voice.enabled else None

    def _look_at_clips(self) -> None:
        """The claim on the clip that is being heard goes on. Where nothing hears, what waits for it goes to people."""
        self.transcribing.renew()
        if not self.settings.voice.enabled and self.standing.may_act() and self.store.counts().get(CaseState.LISTENING):
            with suppress(NotLeading):
                self.store.clips.leave_to_people(term=self.term)

    def _watch(self, folders: OwnFolders) -> MailboxWatch:
        seconds = next(box.imap.poll_seconds for box in self.settings.mailbox if box.id == folders.mailbox)
        return MailboxWatch(folders, self.store, self.standing, self.clock, seconds, self.settings.review.undo_seconds)

    def _watching(self, watch: MailboxWatch) -> Callable[[], bool]:
        return lambda: watch.step(self.stop)

    def _sender(self, mailbox: str) -> str:
        return next((box.sender for box in self.settings.mailbox if box.id == mailbox), "")

    def _answering(self, agent: str) -> Callable[[], bool]:
        pipeline = PipelineLog(self.settings.log.pipeline_path)

        def settled(case: Case, outcome: Outcome, decision: Decision) -> None:
            pipeline.write(case.id, agent, decision, outcome, self.clock.now())
            told = {"reason": outcome.reason.code, "language": outcome.language.code, "tier": int(outcome.tier)}
            log.info("case_settled", case=case.id, decision=decision, **told)
            if self.shadow is not None:
                self.shadow.settled(case, outcome)

        return lambda: loops.answer_step(
            agent, self.store, self.desk, self._limits, self.standing, settled, self.renewals.holding, self.cut_short.is_set
        )

    def _limits(self) -> Limits:
        return self.policy().limits

    def _deliverers(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """A deliver loop for each mailbox that has a way out, and one for what is left over."""
        for mailbox, outbox in self.outboxes.items():
            watch = self.watches.get(mailbox)
            deliverer = loops.Deliverer(self.name, self.store, self.standing, loops.Breaker(self.clock), outbox, watch)
            yield f"deliver:{mailbox}", deliverer.step
        rest = loops.Deliverer(self.name, self.store, self.standing, loops.Breaker(self.clock), others=tuple(self.outboxes))
        yield "deliver", rest.step

    def _pushing(self) -> Iterator[Callable[[], bool]]:
        """The loop that tells the CRM, where there is one."""
        settings = self.settings.crm
        crm = make_crm(settings, self.clock, self.version)
        if crm is not None:
            self.pusher = Pusher(self.name, self.store, self.standing, loops.Breaker(self.clock), crm, settings, self.ops)
            yield self.pusher.step

    def crm_fault(self) -> TandemError | None:
        """Why the last try to tell the CRM failed; None when it went well, or none was made."""
        return self.pusher.fault if self.pusher is not None else None

    def _prove(self) -> None:
        try:
            self.not_ready_because = proof.prove(self.desk(), self.library.passages(), self.clock.now())
        except Exception as error:  # a proof that cannot be made is a failed proof; the node goes on, for people can work
            log.error("proof_failed", error=error)
            self.not_ready_because = f"the proof failed ({type(error).__name__})"
        self.ready = not self.not_ready_because
        if not self.ready:
            log.warning("node_not_ready", reason=self.not_ready_because)

    def broke(self, error: TandemError) -> None:
        """It cannot be relied on any more: the node ends, and its supervisor starts it again."""
        self.broken = self.broken or error
        log.error("node_broken", error=error)
        self.stop.set()
        self.ended.set()

    def close(self) -> None:
        """Hand over, stop taking, finish what is under way, close every channel and the store. May be called twice."""
        if self.pair is not None and self.running:
            self.pair.step_aside()
        self.pairing.cancel()
        self.models.close()
        self.running = False
        self.stop.set()
        if self._control is not None:
            self._control.stop()
        if self._schedule is not None:
            self._schedule.stop()
        self.wake()
        self._end_loops()
        self.drills.stop()
        self.standing.resign()
        if self.pair is not None:
            self.pair.close()
        self.engines.close()
        for inbox in self.inboxes:
            inbox.close()
        for outbox in self.outboxes.values():
            outbox.close()
        for folders in self.own_folders.values():
            folders.close()
        self.store.close()
        self.ended.set()
        log.info("node_stopped", node=self.name)

    def _end_loops(self) -> None:
        """Whoever waits for an engine is not waited for as long as that may take: its case goes on after the next start, or over there."""
        began = self.clock.elapsed()
        if self._late(began + FINISH_SECONDS):
            self.cut_short.set()
            self.engines.close()
        if late := self._late(began + STOP_SECONDS):
            log.warning("loops_late", loops=", ".join(late))

    def _late(self, until: float) -> list[str]:
        """The loops that have not ended by then."""
        return [loop.name for loop in self.loops if not loop.join(max(0.0, until - self.clock.elapsed()))]

    # What commands need

    def think(self, case: Case, language: str = "") -> Outcome:
        """The desk's opinion of a case that is in no store; levers open, for nothing can leave."""
        return (
            answer(case, self.desk(), proof.LEVERS_FOR_PROOF, language) if language else answer(case, self.desk(), proof.LEVERS_FOR_PROOF)
        )

    def _reference(self) -> ReferenceDesk:
        call, engines = self.settings.call, self.engines
        return ReferenceDesk(
            self.home / "reference", self.library, self.call_desk.playbook, lambda: engines.embedder, self.clock,
            mode=call.reference, private=call.privacy,
        )  # fmt: skip

    def switches(self) -> Switches:
        return self.store.switches()

    def _shadow(self) -> Shadow | None:
        candidate, settings = self.engines.candidate, self.settings
        if candidate is None:
            return None
        zone = settings.panel.time_zone
        return Shadow(candidate, self.desk, self.store, self.standing, self.clock, settings.shadow.per_day, zone)

    def _renew(self, case: Case) -> bool:
        return self.store.renew_claim(case, term=self.term, seconds=loops.CLAIM_SECONDS)

    def refresh_accounts(self, settle_seconds: float = 0.0) -> None:
        """Read the account sheet when it has changed and has not been written to for so long."""
        with suppress(NotLeading):  # a standby reads the sheet all the same; the leader says so in the journal
            account_watch.refresh(self.accounts, self.store, self.clock, self.term, settle_seconds)

    def refresh_knowledge(self, settle_seconds: float = 0.0, by: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Read the sources that changed and have not been written to for so long; put what changed into the journal, and say it.

        ``by``: who has changed which source, where it was somebody in the panel.
        """
        changes = self.library.refresh(settle_seconds)
        for change in changes:
            with suppress(NotLeading):  # a standby keeps its index warm; what changed is told by who leads
                self.store.record(_event_of(change, self.clock.now(), (by or {}).get(change.source, "knowledge")), term=self.term)
            log.info("source_changed", source=change.source, passages=change.passages, trouble=change.trouble)
        if changes and self.running:
            self._prove()
        return [_as_mapping(change) for change in changes]

    def take_files(self, files: list[str], mailbox: str) -> dict[str, Any]:
        """Take mail files in by hand, through the same steps as any channel; "" means the first mailbox.

        ``taken`` counts the messages, ``refused`` names the files that are none or cannot be read, with reason and remedy. Raises
        ``SettingsError`` for a mailbox that is not configured: a reply could never leave.
        """
        inbox, sender = self._by_hand(files, mailbox)
        taken = 0
        while (batch := inbox.take(None)).arrivals:
            loops.take_in(inbox, batch, self.store, self.standing, sender)
            taken += len(batch.arrivals)
        return {"taken": taken, "refused": [msgspec.to_builtins(refused) for refused in inbox.refused]}

    def count_messages(self, files: list[str], mailbox: str) -> int:
        """How many messages ``take_files`` would take in. Raises ``Refused`` when one of the files could not be taken."""
        inbox, _ = self._by_hand(files, mailbox)
        count = 0
        while (batch := inbox.take(None)).arrivals:
            count += len(batch.arrivals)
        if inbox.refused:
            raise Refused(f"{inbox.refused[0].reason} Nothing was taken in or changed.", inbox.refused[0].remedy)
        return count

    def _by_hand(self, files: list[str], mailbox: str) -> tuple[FilesInbox, str]:
        """The files as an inbox of a mailbox, and the address that this one answers from."""
        boxes = {box.id: box for box in self.settings.mailbox}
        box = boxes.get(mailbox) if mailbox else next(iter(boxes.values()), None)
        if box is None:
            known = ", ".join(boxes) or "none"
            raise SettingsError(
                f"There is no mailbox {mailbox or 'yet'}; configured: {known}.", "Name one, or add a [[mailbox]] to tandem.toml."
            )
        return FilesInbox(box.id, [Path(name) for name in files], self.clock, reader_of(box, self.settings)), box.sender

    def places_outside(self) -> list[str]:
        """Where mails lie that are not the appliance's own: an erasure cannot reach them, and names them for a person."""
        servers = [(box.id, box.imap) for box in self.settings.mailbox if box.imap.host]
        places = [f"mailbox {mailbox}: {imap.folder}, Drafts and Sent on {imap.host}" for mailbox, imap in servers]
        folders = [folder for box in self.settings.mailbox for folder in (box.folder.inbox, box.folder.outbox, box.folder.archive)]
        sheet = [f"account sheet {state.path}"] if (state := self.accounts.state()).read_at else []
        clips = [self.settings.voice.watch_folder, self.settings.voice.archive]
        crm = [f"CRM at {host_of(self.settings.crm.url)}"] if self.settings.crm.url else []
        return [*places, *(str(folder) for folder in (*folders, *clips) if folder is not None), *sheet, *crm]

    def health(self) -> list[dict[str, Any]]:
        """One row a dependency."""
        return self.broken_since.noted(health.rows(self), self.clock.now())


def _event_of(change: SourceChange, now: float, by: str) -> SourceRefreshed | SourceFailed:
    if change.trouble:
        return SourceFailed(at=now, by=by, source=change.source, reason=Reason(code="source_unreadable"))
    return SourceRefreshed(
        at=now,
        by=by,
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
