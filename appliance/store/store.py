"""The store's door: everything the other rooms may ask for.

Whatever changes the state returns when it is on disk. ``term`` is the caller's: a lower one than the journal's is refused with
``StaleTerm``. Any method may be called from any thread; concurrent changes share a flush.
"""

import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.errors import StoreError
from appliance.ground.files import exclusive_lock
from appliance.records.answer import Decision, Outcome
from appliance.records.case import Case, CaseState
from appliance.records.delivery import Delivery, DeliveryResult, DeliveryState
from appliance.records.events import (
    CaseReleased,
    CaseSettled,
    ClipHeard,
    ClipReleased,
    DeliveryPutOff,
    DemoPushesReset,
    Event,
    IntakeAcknowledged,
    PushQueued,
    PushRetried,
    ReviewDecided,
    SourceFailed,
    SourceRefreshed,
    SwitchSet,
    TermBegan,
    UncertaintyResolved,
)
from appliance.records.message import Arrival, Cursor, Origin, Receipt
from appliance.records.person import Approval, Role
from appliance.records.policy import Reason, Switches
from appliance.store import (
    audit,
    cases,
    claims,
    divergent,
    erasure,
    expiry,
    intake,
    journal,
    levers,
    mailing,
    outbox,
    replay,
    review,
    schema,
    sqlite,
)
from appliance.store.books import TAKES_BODIES, TAKES_WORDS, Books
from appliance.store.calls import Calls
from appliance.store.candidates import Candidates
from appliance.store.chats import Chats
from appliance.store.clips import Clips
from appliance.store.drills import Drills
from appliance.store.elsewhere import Elsewhere
from appliance.store.errors import StaleTerm, StoreLocked, WrongState
from appliance.store.escalations import Escalations
from appliance.store.keyring import Keyring
from appliance.store.limits import SendLimits, StoreLimits
from appliance.store.looking import Looking
from appliance.store.mailing import Directory
from appliance.store.people import People
from appliance.store.pushes import Pushes
from appliance.store.reading import Readers
from appliance.store.replication import Replication
from appliance.store.searching import CaseSearch
from appliance.store.shipment import Replica, Writes
from appliance.store.upkeep import Upkeep
from appliance.store.work import Work
from appliance.store.writer import Job, Result, Writer

_MAKES_CASES_WAIT: frozenset[type[Event]] = frozenset({IntakeAcknowledged, CaseReleased, ClipHeard, ClipReleased, TermBegan})
_MAKES_DELIVERIES_DUE: frozenset[type[Event]] = frozenset({CaseSettled, ReviewDecided, UncertaintyResolved, SwitchSet, DeliveryPutOff})
_MAKES_PUSHES_DUE: frozenset[type[Event]] = frozenset({PushQueued, PushRetried, DemoPushesReset, SwitchSet, TermBegan})
_RECORDED: tuple[type[Event], ...] = (SourceRefreshed, SourceFailed)


class Store(Looking):
    """One home's state. Made by ``Store.open``.

    ``wake_cases`` and ``wake_deliveries`` are set when something may have become due. A loop clears its event *before* it looks,
    and waits for it with a timeout, for claims end and pauses pass without anybody writing.
    """

    def __init__(self, home: Path, clock: Clock, directory: Directory, limits: StoreLimits) -> None:
        self.home = home
        self.path = home / "tandem.db"
        self.clock = clock
        self.limits = limits
        self.wake_cases = threading.Event()
        self.wake_deliveries = threading.Event()
        self.wake_pushes = threading.Event()
        self._grown = threading.Condition()
        self._directory = directory
        self._switches = Switches()
        self._closed = False
        self._next_look_for_orphans = clock.elapsed() + self.limits.orphan_seconds  # time for each mailbox to offer its mail again
        self._stack = ExitStack()

    @classmethod
    def open(
        cls, home: Path, clock: Clock, *, directory: Directory | None = None, limits: StoreLimits | None = None, following: bool = False
    ) -> "Store":
        """Open the home's state, making it when there is none. Fails with what is wrong and what to do about it.

        ``following``: one node of a pair, which changes nothing of its own before it is told to ``lead``.
        """
        store = cls(home, clock, directory or Directory(), limits or StoreLimits())
        try:
            store._open(following)
        except sqlite.Error as error:
            store._stack.close()
            raise sqlite.explain(error, store.path) from error
        except BaseException:
            store._stack.close()
            raise
        return store

    def _open(self, following: bool) -> None:
        _make_home(self.home)
        self._lock()
        fresh = not self.path.exists()
        self._keyring = Keyring.open(self.home / "keyring", may_create=fresh, reserve=self.limits.slots_reserved)
        connection = sqlite.open_writer(self.path)
        self._stack.callback(connection.close)
        self.path.chmod(0o600)
        schema.bring_up_to_date(connection, self.path)
        erasure.finish_erasures(connection, self._keyring)
        divergent.forget_all(self.home, connection)
        self._books = Books(connection, self._keyring, self.limits)
        self._books.check_keyring()
        self._bodies = self._books.bodies
        self._prints = self._books.prints
        self._readers = Readers(self.path)
        self._search = CaseSearch(self._bodies, self.limits)
        self._stack.callback(self._readers.close)
        self.chats = Chats(self._run, self._readers, self._books, self.clock)
        self._upkeep = Upkeep(self._books, self.home / "anchor", self.clock)
        self._writer = Writer(self._books, self.clock, lambda error: sqlite.explain(error, self.path))
        self._writer.following = following
        self.replication = Replication(
            self._books, self._writer, self._readers, self._upkeep, self.home, self.clock, lambda: self.verify(tables=True)
        )
        self.work = Work(self._run, self._readers, self._bodies, self.clock)
        self.escalations = Escalations(self._run, self._readers, self._bodies, self.clock)
        self.calls = Calls(self._run, self._readers, self._bodies, self.clock)
        self.people = People(self._run, self._readers, self._prints, self.clock)
        self.elsewhere = Elsewhere(self._run, self._readers, self._prints, self.clock)
        self.drills = Drills(self._run, self._readers, self._books.signer, self.clock)
        self.pushes = Pushes(
            self._run, self._readers, self._bodies, self.clock, self.limits, self.switches,
            lambda: self._writer.between(self._upkeep.empty_log),
        )  # fmt: skip
        self.clips = Clips(self._run, self._readers, self._books, self.clock)
        self.candidates = Candidates(self._run, self._readers, self._bodies, self.clock)
        self._writer.after_commit = self._committed
        self._writer.after_batch = self._upkeep.after_batch
        self._writer.idle = self._upkeep.idle
        self._writer.start()
        self._read_switches(connection)

    def _lock(self) -> None:
        path = self.home / "run" / "store.lock"
        if self._stack.enter_context(exclusive_lock(path)) is None:
            holder = path.read_text(encoding="ascii").strip() or "unknown"
            raise StoreLocked(
                f"Another process (pid {holder}) has {self.home} open.",
                "Stop it first, or talk to it: commands reach a running appliance by themselves.",
            )

    def close(self) -> None:
        """Write what is queued, sign and anchor the journal's end, let go of everything. May be called twice."""
        if self._closed:
            return
        self._closed = True
        with self._grown:
            self._grown.notify_all()
        self._writer.close()
        if self._writer.broken is None:
            try:
                self._upkeep.close()
            except (sqlite.Error, StoreError, OSError) as error:
                self._upkeep.trouble.broke(str(error))
        self._stack.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _committed(self, kinds: set[type[Event]]) -> None:
        """On the writer's thread, before any caller goes on."""
        self.people.committed(kinds)
        self.drills.committed(kinds)
        self.clips.committed(kinds)
        if SwitchSet in kinds:
            self._read_switches(self._books.connection)
        if kinds & TAKES_WORDS:
            self._search.forget()
        if kinds & TAKES_BODIES:
            self._upkeep.words_went()
        if kinds & _MAKES_CASES_WAIT:
            self.wake_cases.set()
        if kinds & _MAKES_DELIVERIES_DUE:
            self.wake_deliveries.set()
        if kinds & _MAKES_PUSHES_DUE:
            self.wake_pushes.set()
        self.chats.news.tell(kinds)
        with self._grown:
            self._grown.notify_all()

    def _run(self, job: Job[Result]) -> Result:
        return self._writer.run(job)

    # The journal

    @property
    def position(self) -> int:
        """The position of the newest entry."""
        return self._books.on_disk.position

    @property
    def end(self) -> tuple[int, int]:
        """Term and position of the newest entry on disk, both of one moment; costs nothing."""
        end = self._books.on_disk
        return end.term, end.position

    @property
    def term(self) -> int:
        """The term of the newest entry."""
        return self._books.on_disk.term

    @property
    def broken(self) -> StoreError | None:
        """Why nothing can be written any more; None while all is well."""
        return self._writer.broken

    @property
    def writer_turn(self) -> int | None:
        """Which round the writer is in, None while it waits for work."""
        return self._writer.turn

    def begin_term(self, node: str) -> int:
        """Take the next term: from now on every lower one is refused. Claims made before are free again.

        An erasure that was cut short after its key was destroyed is finished here, for only a leader may write its entry.
        """
        now = self.clock.now()
        return self._run(lambda books: _begin(books, node, books.term + 1, now))

    # The pair

    def lead(self, node: str, term: int, replica: Replica, how: str = "") -> None:
        """Lead the pair in this term: callers' changes are taken from now on, and each transaction is handed to the replica.

        The first entry says so, and is on this disk when this returns; the other node need not have it. Raises ``StaleTerm`` for a term
        that is not above the journal's; after any error the store follows.
        """
        now = self.clock.now()
        self._next_look_for_orphans = self.clock.elapsed() + self.limits.orphan_seconds
        self._writer.lead(lambda books: _begin(books, node, term, now, how), replica)

    def resume(self, term: int, replica: Replica) -> None:
        """Lead on in a term that this node began: a hand-over was called off. Raises ``StaleTerm`` when another term has begun since."""

        def still_ours(books: Books) -> None:
            if books.term != term:
                raise StaleTerm(f"Term {term} is over: the journal is in term {books.term}.", "Another node leads; this one follows it.")

        self._writer.lead(still_ours, replica)

    def follow(self) -> None:
        """Follow the other node: callers' changes, also those that wait, are refused with ``NotLeading``. Does not wait for anything.

        Reading goes on, and so do ``replication`` and the upkeep of this node's own file. A commit that is under way may still end
        well: whoever hands over waits with ``come_to_rest`` before looking where the journal ends.
        """
        self._writer.follow()

    def come_to_rest(self) -> None:
        """Return when every change that was handed in before has ended, one way or the other."""
        self._writer.between(lambda: None)

    @property
    def following(self) -> bool:
        """Whether callers' changes are refused because the other node leads, or may lead."""
        return self._writer.following

    def healthy_writes(self) -> Writes:
        """How the disk does, for whoever watches that it is not too slow to lead."""
        return self._writer.writes

    def record(self, event: Event, *, term: int) -> int:
        """Journal something that happened elsewhere (a source was read); its position."""
        if not isinstance(event, _RECORDED):
            raise WrongState(f"{type(event).__name__} is not recorded this way.", "Use the method that decides it.")
        return self._run(lambda books: books.append(event, term=term))

    def last_entries(self, most: int) -> list[journal.Entry]:
        """The newest entries of the journal, the oldest of them first."""
        return self._readers.ask(lambda connection: list(journal.read(connection, max(0, self.position - most))))

    def wait_for_change(self, position: int, seconds: float) -> int:
        """Return when the journal has grown beyond a position, or after so many seconds; where it ends now."""
        with self._grown:
            self._grown.wait_for(lambda: self._closed or self.position != position, seconds)
        return self.position

    def sign_head(self) -> None:
        """Sign the journal's end and anchor it outside the database now; it also happens by itself, from idle time and at close."""
        self._writer.between(self._upkeep.anchor)

    def tidy(self) -> None:
        """Bring the write-ahead log home now; it also happens by itself, from idle time."""
        self._writer.between(self._upkeep.tidy)

    def verify(self, *, tables: bool = False) -> audit.Verification:
        """Walk the whole chain and the bodies; with ``tables`` also replay the journal and compare. Reads everything once."""
        self.come_to_rest()  # what was confirmed before is on disk and visible
        return self._readers.ask(lambda connection: self._verify(connection, tables))

    def _verify(self, connection: sqlite.Connection, tables: bool) -> audit.Verification:
        damage = audit.check_integrity(connection)
        if damage:
            problems = tuple(audit.Problem(0, "damaged", line) for line in damage)
            return audit.Verification(ok=False, entries=0, position=self.position, problems=problems)
        return audit.verify(
            connection,
            self._books.chain,
            self._books.signer.public_key(),
            audit.read_anchor(self.home / "anchor"),
            self.limits.problems,
            (lambda: replay.differing_tables(connection)) if tables else None,
        )

    # Intake

    def receive(self, arrivals: Sequence[Arrival], *, term: int) -> tuple[Receipt, ...]:
        """Make arrivals safe: each is journalled and its words sealed before this returns. A known one adds nothing."""
        prepared = [intake.prepare(arrival, self._prints, self.limits) for arrival in arrivals]
        now, most = self.clock.now(), self.limits.arrivals_per_entry_batch
        if len(prepared) <= most:
            return tuple(self._run(lambda books: intake.receive(books, prepared, term, now)))
        receipts: list[Receipt] = []
        for start in range(0, len(prepared), most):
            lot = prepared[start : start + most]
            receipts += self._run(lambda books, lot=lot: intake.receive(books, lot, term, now))  # type: ignore[misc]
        return tuple(receipts)

    def acknowledge(
        self, receipts: Iterable[Receipt], cursor: Cursor | None, *, claimed_elsewhere: Iterable[Origin] = (), term: int
    ) -> None:
        """The channel was told that these are safe: they wait for the desk from now on, and the cursor moves."""
        told, lost, now = tuple(receipts), tuple(claimed_elsewhere), self.clock.now()
        self._run(lambda books: intake.acknowledge(books, told, cursor, lost, term, now))

    # The desk

    def claim(self, agent: str, *, term: int, seconds: float) -> Case | None:
        """The oldest case that nobody has, for so many seconds; None when there is none. ``agent`` names the worker."""
        now = self.clock.now()
        self._adopt_orphans(term, now)
        claimed = self._run(lambda books: claims.claim(books, agent, term, seconds, now))
        if claimed is None:
            return None
        kept, history = claimed
        return self._readers.ask(lambda connection: cases.build(connection, self._bodies, kept, history, self.limits))

    def _adopt_orphans(self, term: int, now: float) -> None:
        """Now and then: cases that no mailbox was told of, and that none has offered again since we started, go to a person."""
        if self.clock.elapsed() < self._next_look_for_orphans:
            return
        self._next_look_for_orphans = self.clock.elapsed() + self.limits.orphan_look_seconds
        found = self._readers.ask(lambda connection: claims.orphans(connection, self.limits, now))
        if found:
            self._run(lambda books: claims.adopt(books, found, term, now))

    def release(self, case: str, reason: Reason, *, term: int, claim: int = 0) -> CaseState:
        """Give a claim back without an outcome. Reason ``stopping`` is no failed try; after too many a person gets the case.

        ``claim`` says which one (``Case.claim``): when somebody else has the case by now, nothing happens. 0: whichever there is.
        """
        now = self.clock.now()
        return self._run(lambda books: claims.release(books, case, reason, term, now, claim))

    def renew_claim(self, case: Case, *, term: int, seconds: float) -> bool:
        """Whoever has this case goes on having it for so long from now; False when somebody else has it by now, or nobody."""
        now = self.clock.now()
        return self._run(lambda books: claims.renew(books, case, term, seconds, now))

    def settle(self, case: Case, outcome: Outcome, limits: SendLimits, *, term: int) -> Decision:
        """Put down what the desk decided; what it came to, which may be narrower: a limit, a lever, a newer message.

        Raises ``ClaimLost`` when somebody else has the case by now.
        """
        now = self.clock.now()
        return self._run(lambda books: claims.settle(books, case, outcome, limits, self._switches, self._directory, term, now))

    # The outbox

    def next_delivery(self, agent: str, *, term: int, only: str = "", but: tuple[str, ...] = ()) -> Delivery | None:
        """Start the delivery that has been due longest and that the levers allow now; None when there is none.

        ``only`` names a mailbox whose deliveries alone are meant, ``but`` mailboxes whose deliveries are not.
        """
        now = self.clock.now()
        if not self._may_be_due(now):
            return None
        wanted = outbox.Wanted(only, but)
        return self._run(lambda books: outbox.start_next(books, agent, self._switches, self._directory, term, now, wanted))

    def _may_be_due(self, now: float) -> bool:
        """Looks without a transaction, since a loop asks often and mostly there is nothing."""
        sql = "SELECT 1 FROM deliveries WHERE state = 'queued' AND lever IN (0, 1) AND not_before BETWEEN ? AND ? LIMIT 1"
        due = any(self._readers.one(sql, span) is not None for span in outbox.due_when(self.limits, now))
        return due and bool(outbox.levers_allow(self._switches))

    def delivered(self, delivery: Delivery, result: DeliveryResult, *, term: int) -> DeliveryState:
        """What became of a try; the state the delivery came to."""
        now = self.clock.now()
        return self._run(lambda books: outbox.finish(books, delivery, result, term, now))

    def unfinished_deliveries(self) -> tuple[Delivery, ...]:
        """After a start: deliveries that were under way. Each is to be looked for, and ``found`` told."""

        def open_all(books: Books) -> tuple[Delivery, ...]:
            queued = outbox.under_way(books.connection, self.limits.recovered_deliveries)
            built = (mailing.delivery_of(books, one, self._directory) or outbox.bare(books, one) for one in queued)
            return tuple(built)

        return self._run(open_all)

    def found(self, delivery: Delivery, was_found: bool, *, term: int) -> DeliveryState:
        """Whether an unfinished delivery was found where a sent mail leaves a trace; if not, a person finds out."""
        now = self.clock.now()
        return self._run(lambda books: outbox.finish_found(books, delivery, was_found, term, now))

    # People

    def decide_review(self, approval: Approval, *, term: int, undo_seconds: float = 0.0, chat_seconds: float = 0.0) -> CaseState:
        """A person approves, rejects or routes a case in review, with a team, or dead; the state it came to.

        Nothing leaves by it for ``undo_seconds``, in which it can be undone (``work.undo``), and nothing into a conversation that
        began more than ``chat_seconds`` ago (0: whenever that was).
        """
        now = self.clock.now()
        return self._run(lambda books: review.decide(books, approval, self._directory, term, now, undo_seconds, chat_seconds))

    def resolve_uncertain(self, case: str, decision: str, by: str, *, term: int) -> CaseState:
        """A person found out: ``sent``, ``resend`` or ``drop``; the state the case came to. Of a dead letter: the latter two."""
        now = self.clock.now()
        return self._run(lambda books: review.resolve(books, case, decision, by, self._directory, term, now))

    def erase_customer(self, address: str, by: str, *, term: int) -> dict[str, Any]:
        """Destroy a customer's key and every word of theirs; the steps. May be repeated; numbers and decisions stay."""
        return self._erase(self._prints.customer(address), by, term)

    def erase_again(self, customer: str, by: str, *, term: int) -> bool:
        """Repeat an erasure that was written in a tail that lost, by the pseudonym; whether there was anything left to erase."""
        pseudonym = bytes.fromhex(customer)
        known = self._readers.ask(lambda connection: erasure.slot_of(connection, pseudonym)) >= 0
        if known:
            self._erase(pseudonym, by, term)
        return known

    def _erase(self, customer: bytes, by: str, term: int) -> dict[str, Any]:
        now, position = self.clock.now(), self.position
        seen = self._readers.ask(lambda connection: erasure.cases_of(connection, erasure.slot_of(connection, customer), 0))
        try:
            return self._run(lambda books: erasure.erase(books, customer, seen, position, by, term, now))
        finally:  # written here it is, even when the other node has not confirmed it
            self._readers.ask(lambda connection: divergent.forget_all(self.home, connection))

    # Words that are kept no longer

    def expire_words(self, days: int, by: str, *, term: int) -> int:
        """Remove the words of cases that ended more than so many days ago, in lots of one transaction each; of how many cases.

        Nothing of what is under way or waits for a decision is touched. Afterwards neither the file nor its log holds the words.
        """
        removed, before = 0, self.clock.now() - days * cases.DAY_SECONDS
        while lot := self._readers.ask(lambda connection: expiry.due(connection, before)):
            written = self._expire(lot, days, by, term)
            removed += written
            if not written:
                break  # each of them has changed in between: they are not due any more, or the next time finds them
        self._writer.between(self._upkeep.empty_log)
        return removed

    def archive(self, seen: Iterable[tuple[str, float]], by: str, *, term: int) -> int:
        """Remove the words of those of these cases that have ended, and take them out of the ordinary lists; how many.

        ``seen`` says of each case when it had last changed: one that has changed since is left.
        """
        archived = 0
        for lot in expiry.seen_from(seen):
            ready = self._readers.ask(lambda connection, lot=lot: expiry.to_archive(connection, lot))  # type: ignore[misc]
            archived += self._expire(ready, 0, by, term)
        self._writer.between(self._upkeep.empty_log)
        return archived

    def _expire(self, lot: Sequence[cases.Kept], days: int, by: str, term: int) -> int:
        now = self.clock.now()
        return self._run(lambda books: expiry.expire(books, lot, days, by, term, now))

    def replace_waiting(self, seen: Iterable[tuple[str, float]], folder: str, by: str, *, term: int) -> int:
        """Close those of these cases that still wait for the desk or a person; how many. What came by ``folder`` may come again."""
        now, closed = self.clock.now(), 0
        for lot in expiry.seen_from(seen):
            closed += self._run(lambda books, lot=lot: expiry.replace(books, lot, folder, by, term, now))  # type: ignore[misc]
        return closed

    # Levers and keys

    def first_switches(self, *, term: int, **wanted: bool) -> None:
        """Positions for levers that nobody ever pulled: the settings speak once, later the levers rule."""
        now = self.clock.now()
        self._run(lambda books: levers.set_first(books, wanted, term, now))

    def set_switch(self, name: str, on: bool, by: str, *, term: int) -> None:
        """Pull a lever; it holds for everything that starts after this returns."""
        now = self.clock.now()
        self._run(lambda books: levers.set_switch(books, name, on, by, term, now))

    def switches(self) -> Switches:
        """The levers as they stand. Never raises: what cannot be read counts as closed."""
        return self._switches if self._writer.broken is None else Switches()

    def _read_switches(self, connection: sqlite.Connection) -> None:
        try:
            self._switches = levers.switches(connection)
        except Exception:
            self._switches = Switches()

    def issue_key(self, name: str, role: Role | int, by: str, *, term: int) -> tuple[str, str]:
        """A new API key: its id and its secret, which is told this once."""
        now = self.clock.now()
        return self._run(lambda books: levers.issue_key(books, name, Role(role), by, term, now))

    def revoke_key(self, key: str, by: str, *, term: int) -> None:
        """The key opens nothing any more."""
        now = self.clock.now()
        self._run(lambda books: levers.revoke_key(books, key, by, term, now))


def _begin(books: Books, node: str, term: int, now: float, how: str = "") -> int:
    """The entry by which a node begins to lead, and those of erasures that were cut short."""
    if term <= books.term:
        raise StaleTerm(f"Term {term} cannot begin: the journal is in term {books.term}.", "Take a higher one.")
    books.append(TermBegan(at=now, by=node, term=term, node=node, how=how), term=term)
    erasure.finish_entries(books, node, term, now)
    return term


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)  # what is made on the way there is left to the umask
        (home / "run").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"The home folder {home} cannot be made: {error.strerror}.", "Check its place and rights.") from error
