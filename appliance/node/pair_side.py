"""Everything that makes a node one of two: who it is paired with, the lines between them, the lease, and who does what.

    heartbeats ──▶ keeper (the lease) ──▶ office ──▶ store leads or follows ──▶ loops
    witness    ──▶

One listening port takes the peer's lines, each for one service: ``follow`` (the journal), ``seed`` (the whole database), ``files``
(settings, policy, knowledge), ``call`` (a command handed over), ``about`` (what pages show of the other machine), ``models`` (the files
of its models), ``engine`` (its engines, to be asked). This room builds them, starts and stops them, and does the housekeeping; what they
do stands in ``pair``.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from appliance import __version__
from appliance.care.models.place import shelf_of
from appliance.care.power import Awake
from appliance.ground.clock import Clock
from appliance.ground.errors import Refused, TandemError
from appliance.ground.ids import random_bytes
from appliance.ground.log import Log
from appliance.node import witnesses
from appliance.node.about import About, AboutPeer
from appliance.node.damage import Damage
from appliance.node.engines import Engines, hearing_seconds, their_seconds
from appliance.node.forward import Forward
from appliance.node.model_files import ModelFiles
from appliance.node.office import Office
from appliance.node.pair_faults import HALTED
from appliance.node.peer_engines import SERVICE, EngineService, OtherEngines
from appliance.node.roles import Paired
from appliance.node.shared_files import SharedFiles
from appliance.node.update_side import UpdateSide
from appliance.node.vitals import Server, Vitals
from appliance.node.watchdog import Part
from appliance.pair.copying import seeding
from appliance.pair.copying.digests import Counting, Digests
from appliance.pair.copying.following import Follower
from appliance.pair.copying.shipping import Shipper
from appliance.pair.discovery import Discovery
from appliance.pair.keeper import Keeper
from appliance.pair.line import certificate
from appliance.pair.line.datagrams import Datagrams
from appliance.pair.line.errors import LineError, LineLost
from appliance.pair.line.listener import Listener
from appliance.pair.line.wire import LEAST_PROTO, PROTO, Line, Open, dial
from appliance.pair.meeting.addresses import Address, AddressBook, as_text, from_text
from appliance.pair.meeting.announcement import Announcement, Found, pair_hash
from appliance.pair.meeting.kept import KeptFile
from appliance.pair.meeting.membership import Membership, folder, forget, save
from appliance.pair.messages import Ask, Beat, End, Kept, Own
from appliance.pair.standing import Standing, paced, peer_here, start, witness_seen
from appliance.pair.witness.asking import Asker
from appliance.settings.model import Settings
from appliance.store import divergent
from appliance.store.shipment import JournalEnd
from appliance.store.store import Store

if TYPE_CHECKING:
    from appliance.node.node import Node

log = Log("pair")

DIAL_SECONDS = 2.0
ASIDE_SECONDS = 3.0
LEAVE_SECONDS = 15.0
HOUSEKEEPING_SECONDS = 1.0
SEED_PAUSE_SECONDS, SEED_PAUSE_SECONDS_MOST = 1.0, 60.0
RARELY = 3  # every so many rounds, what asks the other node


class PairSide:
    """One node's side of its pair. Built before the node runs; ``start`` needs the node, for it wakes its loops and ends it."""

    def __init__(
        self, settings: Settings, membership: Membership, store: Store, clock: Clock, servers: tuple[Server, ...], engines: Engines
    ) -> None:
        self.settings = settings
        self.membership = membership
        self.store = store
        self.clock = clock
        self.home = settings.home
        self._node: Node | None = None
        self._stop = threading.Event()
        self._ending = False
        self._newest = (0, 0.0)
        self._pulled = ""
        self._compare_due = False
        self._repeated: set[str] = set()
        self._awake = Awake()
        self._turns = 0
        self._muted_until = 0.0
        self._leaving = False
        self._forgotten = False
        self._belonging = threading.Lock()
        self._kept = KeptFile(self.home)
        self.identity = certificate.load_or_make(folder(self.home), membership.me)
        self.witness, self.witness_why = witnesses.make(settings, membership, clock)
        self.keeper = Keeper(self._first_standing(), self, clock)
        self.book = AddressBook(self._configured(), from_text(membership.last_address, settings.pair.port))
        self.damage = Damage(store, self.keeper.leads, self._fetch_seed)
        self.digests = Digests(store, clock, self.damage, lambda: self.membership.key)
        counting = Counting(store, self.damage, lambda: self.membership.key)
        self.shipper = Shipper(
            store, clock, self.keeper.may_acknowledge, self.keeper.leads, self.keeper.changed, digests=self.digests,
            peer_joined=self._peer_joined,
        )  # fmt: skip
        self.follower = Follower(store, lambda: self.dial("follow"), clock, self, counting=counting)
        self.office = Office(membership.me, store, self.keeper, self.shipper, self.follower, clock)
        self.standing = Paired(self.keeper, self.office)
        self.vitals = Vitals(self.home, store, clock, servers, lambda: self.damage.reason or self._halted() or self._not_proven())
        self.forward = Forward(self._leads_here, self._wait, lambda: self.dial("call"))
        self.forward.now = clock.elapsed
        self.forward.sees_leader = self._sees_leader
        self.files = SharedFiles(settings, lambda: self.dial("files"))
        self.about = AboutPeer(lambda: self.dial("about", anyone=True), self._about_me)
        self.updates = UpdateSide(lambda: self._node, lambda: self.dial("update", anyone=True))
        engines.other = OtherEngines(lambda: self.dial(SERVICE, anyone=True), clock, their_seconds(settings), hearing_seconds(settings))
        self.models = ModelFiles(shelf_of(settings), lambda: self.dial("models", anyone=True), settings.models.peer)
        self.listener = Listener(
            settings.pair.listen,
            settings.pair.port,
            self.identity,
            trusted=lambda: (self.membership.peer_certificate,),
            services={
                "follow": self.shipper.serve,
                "seed": seeding.Seeds(store, folder(self.home)).serve,
                "files": self.files.serve,
                "call": self.forward.serve,
                "about": self.about.serve,
                "update": self.updates.serve,
                "models": self.models.serve,
                SERVICE: EngineService(lambda: engines.lent).serve,
            },
            judge=self._judge,
        )
        self.datagrams: Datagrams | None = None
        self.discovery: Discovery | None = None
        self.asker: Asker | None = None
        self._fetching = threading.Lock()
        self._seed_pause, self._seed_not_before = SEED_PAUSE_SECONDS, 0.0
        self.progress: dict[str, Any] | None = None
        self._housekeeping = threading.Thread(target=self._keep_house, name="pair-house", daemon=True)

    def _first_standing(self) -> Standing:
        kind = self.witness.kind if self.witness is not None else "none"
        pace, jitter = paced(self.settings.pair.lease_seconds), random_bytes(1)[0] / 255
        me, peer, now = self.membership.me, self.membership.peer, self.clock.elapsed()
        rules = witnesses.rules_of(self.settings, kind)
        return start(me, peer, kept=self._kept.load(), now=now, witness=kind, pace=pace, jitter=jitter, rules=rules)

    def _configured(self) -> tuple[Address, ...]:
        wished = from_text(self.settings.pair.static_peer, self.settings.pair.port)
        told = (from_text(text, self.settings.pair.port) for text in self.membership.peer_addresses)
        return tuple(address for address in (wished, *told) if address is not None)

    # Start and end

    def start(self, node: "Node") -> None:
        """Listen, say that this node is here, and begin to step."""
        self._node = node
        self.forward.commands = node.commands
        self.office.taken, self.office.left, self.office.broke = self._taken, self._left, node.broke
        self.keeper.heard = self._heard_leader
        self.listener.start()
        port = self.listener.port
        pair, secret = self.membership.pair, self.membership.secret
        self.datagrams = Datagrams(
            self.settings.pair.listen, port, secret=secret, pair=pair, me=self.membership.me, peer=self.membership.peer, hear=self._heard
        )
        self.datagrams.start()
        if self.witness is not None:
            self.asker = Asker(self.witness, self.keeper.hear_reply)
        self.discovery = Discovery(self._announcement(port), self._found, self._gone, clock=self.clock)
        self.discovery.start()
        self.vitals.look()
        self.keeper.start()
        self.office.start()
        self._housekeeping.start()
        log.info("pair_started", pair=pair, peer=self.membership.peer, port=port, witness=self.keeper.standing.witness)

    def step_aside(self, seconds: float = ASIDE_SECONDS) -> None:
        """The node is about to stop: hand over to the peer if it is able, and wait until it leads."""
        if self._leaving or not self.keeper.leads():
            return
        self.keeper.wish("handover")
        done = self.keeper.wait(_peer_leads, seconds)
        log.info("stepped_aside", handed_over=done)

    def close(self) -> None:
        """End everything of the pair. May be called twice."""
        if self._ending:
            return
        self._ending = True
        self._stop.set()
        self.office.stop()
        self.keeper.stop()
        self.follower.close()
        self.shipper.end()
        self.forward.close()
        self.about.close()
        self.listener.stop()
        for part in (self.datagrams, self.discovery, self.asker):
            if part is not None:
                part.stop()
        self._awake.off()
        self._remember_address()

    def mute(self, seconds: float) -> None:
        """For a drill: neither the peer nor the witness hears this node for so long, nor does it hear them. Lines that are open are cut."""
        self._muted_until = self.clock.elapsed() + seconds
        log.warning("pair_muted", seconds=seconds)
        self.listener.cut()
        self.about.close()
        self.forward.close()

    @property
    def muted(self) -> bool:
        return self.clock.elapsed() < self._muted_until

    def parts(self) -> list[Part]:
        """What the watchdog looks at."""
        return [Part("lease", None if self._stop.is_set() else self.keeper.turn)]

    # The world of the keeper

    def own(self, now: float) -> Own:
        term, position = self.store.end
        end = End(term=term, position=position)
        if not self.keeper.standing.kept.joined:  # what it wrote before it joined is no part of the pair's journal
            end = End()
        leads = self.office.term > 0 or self.keeper.leads()
        return Own(
            end=end,
            written=max(end.position, self.shipper.written) if leads else end.position,
            shipped=self.shipper.shipped if leads else 0,
            waiting_seconds=self.shipper.waiting_seconds(now) if leads else 0.0,
            drained=self.office.drained or not self.office.term,
            sending=self.standing.sending,
            healthy=self.vitals.well,
        )

    def keep(self, kept: Kept) -> None:
        self._kept.save(kept)

    def send(self, beat: Beat) -> None:
        if self.datagrams is not None and not self.muted and not self._leaving:
            self.datagrams.send(beat, self.book.beat_to(self.clock.elapsed()))

    def ask(self, question: Ask) -> None:
        if self.asker is not None and not self.muted:
            self.asker.ask(question)

    def end(self, reason: str) -> None:
        if self._node is not None:
            self._node.broke(TandemError(f"The lease cannot go on ({reason}).", "The node starts again by itself.", code=reason))

    # What it hears

    def _heard(self, beat: Beat, address: Address) -> None:
        if self.muted:
            return
        newest = (beat.boot, beat.sent_at)
        if newest <= self._newest:  # somebody repeats it: it says where that one is, and not that the peer still lives
            return
        self._newest = newest
        if self.book.seen(address, self.clock.elapsed()):
            self.follower.dial_now()
        self.keeper.hear_beat(beat)

    def _peer_joined(self) -> bool:
        beat = self.keeper.standing.beat
        return beat is None or beat.joined

    def _heard_leader(self, leads: bool) -> None:
        """The peer has begun to lead: dial it now, for it acknowledges nothing before this node holds it."""
        if leads:
            self.follower.dial_now()

    def _announcement(self, port: int) -> Announcement:
        return Announcement(
            node=self.membership.me,
            port=port,
            fingerprint=self.identity.fingerprint,
            version=__version__,
            proto=PROTO,
            least=LEAST_PROTO,
            pair=pair_hash(self.membership.pair),
            panel_port=self.settings.panel.port,
        )

    def _found(self, found: Found) -> None:
        if found.node == self.membership.peer and found.pair == pair_hash(self.membership.pair):
            self.book.discovered(found.addresses, self.clock.elapsed())
            self.follower.dial_now()

    def _gone(self, node: str) -> None:
        if node == self.membership.peer:
            self.book.withdrawn()

    def _judge(self, open_: Open) -> str:
        """Why this node will not talk to whoever dials; "" when it will."""
        if self.muted or self._leaving:
            return "busy"
        if open_.pair != self.membership.pair:
            return "wrong_pair"
        if open_.node == self.membership.me:
            return "twin"
        if open_.node != self.membership.peer:
            return "unknown_node"
        return "not_leading" if open_.service in ("follow", "call", "files") and not self.keeper.leads() else ""

    def _sees_leader(self) -> bool:
        standing = self.keeper.standing
        return standing.beat is not None and standing.beat.phase == "leader" and peer_here(standing, self.clock.elapsed())

    def dial(self, service: str, anyone: bool = False) -> Line:
        """A line to the peer for one service. Raises ``LineLost`` while it is not seen to lead (``anyone``: or not at all)."""
        if self.muted:
            raise LineLost("this node is cut off for a drill")
        if not anyone and not self._sees_leader():
            raise LineLost("the other node does not lead, as far as this one can see")
        open_ = Open(service=service, node=self.membership.me, pair=self.membership.pair, version=__version__)
        error: LineError = LineLost("it has no address yet")
        for address in self.book.all(self.clock.elapsed()):
            try:
                line, _ = dial(address, self.identity, fingerprint=self.membership.peer_fingerprint, open_=open_, seconds=DIAL_SECONDS)
            except LineError as failed:
                error = failed
                continue
            self.book.worked(line.address, self.clock.elapsed())
            return line
        raise error

    # The office

    def _taken(self, _term: int, _seconds: float) -> None:
        self._awake.on()
        self._compare_due = True
        if self._node is not None:
            self._node.wake()
        if self.discovery is not None:
            self.discovery.publish_leader(True)

    def _left(self, _term: int) -> None:
        self._awake.off()
        if self.discovery is not None:
            self.discovery.publish_leader(False)

    def _leads_here(self) -> bool:
        return self.office.term > 0 and not self.office.drained

    def _wait(self, seconds: float) -> None:
        with self.keeper.changed:
            self.keeper.changed.wait(seconds)

    def _halted(self) -> str:
        return HALTED if self.follower.halted is not None else ""

    def _not_proven(self) -> str:
        node = self._node
        return "not_ready" if node is not None and node.running and not node.ready and node.not_ready_because != "starting" else ""

    # What the follower tells

    def diverged(self, common: int) -> None:
        """This node wrote entries that the leader never had: they are put aside, and the leader's state is fetched."""
        aside = self.store.replication.keep_divergent(common) if self.keeper.standing.kept.joined else None
        log.warning("journal_diverged", common=common, position=self.store.position, kept=aside.name if aside else "")
        self.seed_needed("diverged")

    def seed_needed(self, reason: str) -> None:
        """Fetch it; where that fails, the follower waits with its next dial until it may be tried again."""
        if not self._fetch_seed(reason):
            self._stop.wait(max(SEED_PAUSE_SECONDS, self._seed_not_before - self.clock.elapsed()))

    def unknown_operation(self, error: TandemError) -> None:
        log.error("follower_stopped", error=error, remedy=error.remedy)

    def applied(self, end: JournalEnd) -> None:
        """Nothing beyond what the store tells its readers."""

    def _fetch_seed(self, reason: str) -> bool:
        """Fetch the files of the pair and the leader's whole state, then have the node built anew on them; False when that failed.

        The files come first: who holds everything may lead, and must not do so by other settings. After each failure the pause until
        the next try is longer, for the leader copies its whole database for each.
        """
        if self.clock.elapsed() < self._seed_not_before or not self._fetching.acquire(blocking=False):
            return False
        log.info("seed_wanted", reason=reason)

        def told(done: int, total: int) -> None:
            self.progress = {"step": "seeding", "done": done, "total": total}

        try:
            self.files.pull()
            seeding.fetch_seed(lambda: self.dial("seed"), folder(self.home), told)
        except TandemError as error:
            log.warning("seed_not_fetched", reason=error.message, again_seconds=self._seed_pause)
            self._seed_not_before = self.clock.elapsed() + self._seed_pause
            self._seed_pause = min(self._seed_pause * 2, SEED_PAUSE_SECONDS_MOST)
            return False
        else:
            self.follower.stop_following()
            self.rebuild()
            return True
        finally:
            self.progress = None
            self._fetching.release()

    def leave(self, seconds: float = LEAVE_SECONDS) -> None:
        """Be in no pair any more. The peer must not lead by itself afterwards: the witness is told first that it lacks something.

        For that the peer is spoken to no more, as if it were lost. Raises ``Refused`` when the witness cannot be told in time.
        """
        alone = self.never_in_step
        self._leaving = True
        self.listener.cut()
        if not alone and not (self.keeper.wait(_leads_alone, seconds) and _leads_alone(self.keeper.standing)):
            self._leaving = False
            raise Refused(
                "The witness could not be told that this machine leaves, so the other one would lead beside it.",
                "See on the page Pair why the witness is not reached; or switch the other machine off, and take the witness away.",
                code="witness_not_told",
            )
        with self._belonging:
            forget(self.home)
            self._forgotten = True
        self.rebuild()

    @property
    def never_in_step(self) -> bool:
        """Whether this node has the data, and the witness says that the pair has come to nothing yet: by its word nobody ever leads then.

        Such a node leads only once the other one holds everything. Where that one never comes, leaving is the way out.
        """
        standing = self.keeper.standing
        record, beat = standing.record, standing.beat
        empty = record is not None and record.term == 0 and witness_seen(standing, self.clock.elapsed())
        return empty and standing.kept.joined and (beat is None or not beat.joined)

    def rebuild(self) -> None:
        """Have the node built anew on what its home has become."""
        node = self._node
        if node is not None:
            node.again = True
            node.ended.set()

    # Housekeeping

    def _keep_house(self) -> None:
        while not self._stop.wait(HOUSEKEEPING_SECONDS):
            self._turns += 1
            rare = (self._compare_once, self.damage.mend, self.about.look, self._pull_files, self._repeat_erasures, self._remember_address)
            for chore in (self.vitals.look, *(rare if self._turns % RARELY == 0 else ())):
                self._do(chore)

    def _do(self, chore: Callable[[], object]) -> None:
        try:
            chore()
        except LineError as error:
            log.debug("pair_house", chore=chore.__name__, reason=error.message)
        except TandemError as error:
            log.warning("pair_house", chore=chore.__name__, reason=error.message)
        except Exception as error:
            log.error("pair_house_failed", error=error, chore=chore.__name__)

    def _pull_files(self) -> None:
        """Only when the leader says that its files are others than those that were pulled last."""
        about = self.about.peer
        if self.standing.role != "standby" or not self.follower.line_is_up or about is None or about.files == self._pulled:
            return
        changed = self.files.pull()
        self._pulled = about.files
        if changed and self.files.settings_changed:
            log.info("settings_taken_over")
            self.rebuild()

    def _compare_once(self) -> None:
        """After each change of lead, once the other node follows: do both hold the same? What comes of it is told to ``damage``."""
        if self._compare_due and self._leads_here() and self.shipper.has_follower:
            self._compare_due = False
            self.digests.ask()

    def _repeat_erasures(self) -> None:
        """Whom this node erased while it led alone is erased again where that part of its journal did not come to count."""
        node = self._node
        if node is None or not (self.follower.line_is_up or self._leads_here()):
            return
        for name in divergent.names(self.home):
            if name not in self._repeated:
                for customer in divergent.erasures(self.home, name):
                    node.commands.erase_again(customer)
                self._repeated.add(name)

    def _remember_address(self) -> None:
        """Where the peer answered last is where it is looked for first after a restart."""
        with self._belonging:
            if not self._forgotten:
                self.membership = remember_last(self.home, self.membership, self.book.last)

    def _about_me(self) -> About:
        panel = self.settings.panel
        node = self._node
        return About(
            version=__version__,
            role=self.standing.role,
            position=self.store.position,
            term=self.standing.term,
            well=self.vitals.well,
            because=self.vitals.reasons,
            ready=bool(node is not None and node.ready),
            panel_host=panel.host,
            panel_port=panel.port,
            public_url=panel.public_url,
            files=self.files.digest if self.office.term else "",
        )

    # For pages

    @property
    def address(self) -> str:
        """The port that this node listens on for the other, with the host where one is configured."""
        return as_text((self.settings.pair.listen or "*", self.listener.port or self.settings.pair.port))

    @property
    def peer_address(self) -> str:
        """Where the other node answered last."""
        return as_text(self.book.last) if self.book.last is not None else self.membership.last_address


def _leads_alone(standing: Standing) -> bool:
    """It leads, and the peer would not take over by itself if it fell silent."""
    return standing.phase == "leader" and (standing.witness == "none" or (standing.mode == "solo" and standing.noted is False))


def _peer_leads(standing: Standing) -> bool:
    """This node leads no more and the peer does: before that, the peer still needs its voice."""
    return standing.phase != "leader" and standing.beat is not None and standing.beat.phase == "leader"


def remember_last(home: Path, membership: Membership, last: Address | None) -> Membership:
    """The membership with where the peer answered last; written down when that has changed."""
    if last is None or as_text(last) == membership.last_address:
        return membership
    changed = replace(membership, last_address=as_text(last))
    save(home, changed)
    return changed
