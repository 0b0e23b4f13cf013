"""The one thread that writes. Callers hand in a job and wait; concurrent jobs share one transaction and one flush.

A job is a function of the books that either returns or raises, and may be run twice: it decides from what it finds, and changes
nothing but through the books. When a job fails after it has written, the transaction is undone and the others run again,
each behind a savepoint of its own; that costs the innocent nothing in the usual case, where nobody fails.

While a flush runs, further jobs gather; that is most of the grouping. Beyond it the writer lingers, at most a small share of what
a flush takes and only while there are fewer jobs than last time, since whoever came then is likely about to come back.

In a pair the writer of the node that leads hands each transaction to a replica *before* its commit, so that both disks flush at
once, and lets its callers go on only when the replica has confirmed it. The writer of the other node refuses callers, and takes the
leader's entries in transactions of their own. Which of the two it is may change at any time, between two transactions.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from appliance.ground.clock import Clock
from appliance.ground.errors import StoreError
from appliance.ground.faults import reach
from appliance.ground.log import Log
from appliance.store import sqlite
from appliance.store.books import Books
from appliance.store.errors import StoreBusy, StoreClosed, Unconfirmed
from appliance.store.shipment import Replica, Writes
from appliance.store.tickets import Job, Kind, Result, Ticket, not_leading, torn, unconfirmed

log = Log("store")

__all__ = ["Job", "Kind", "Result", "Ticket", "Writer"]

_NEVER = 1 << 60
_FLUSH_MEMORY = 0.8  # how much of the running flush time stays at each new one


class Writer:
    """Runs jobs in batches.

    ``after_commit`` is told the kinds of events of a batch before any of its callers goes on, ``after_batch`` is called once they
    all may; ``idle`` when there is nothing to do, and it says in how many seconds it wants to be called again.
    """

    def __init__(self, books: Books, clock: Clock, explain: Callable[[BaseException], StoreError]) -> None:
        self._books = books
        self._clock = clock
        self._explain = explain
        self._limits = books.limits
        self._queue: SimpleQueue[Ticket[Any] | None] = SimpleQueue()
        self._closing = False
        self._flush_seconds = 0.0
        self._last_batch = 0
        self._set_aside: Ticket[Any] | None = None
        self._enough = threading.Event()
        self._wanted = _NEVER
        self._turns = 0
        self._resting = True
        self._replica: Replica | None = None
        self._shipped = False
        self._confirmed = 0
        self._switches = 0
        self._switching = threading.Lock()
        self._disk_since: float | None = None
        self._last_seconds = 0.0
        self.following = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self.broken: StoreError | None = None
        self.after_commit: Callable[[set[Any]], None] = lambda _: None
        self.after_batch: Callable[[], None] = lambda: None
        self.idle: Callable[[], float | None] = lambda: None

    @property
    def flush_seconds(self) -> float:
        """The running time of a commit."""
        return self._flush_seconds

    @property
    def turn(self) -> int | None:
        """Which round it is in, None while it waits for work: for whoever watches that it gets anywhere."""
        return None if self._resting and self._queue.empty() else self._turns

    @property
    def writes(self) -> Writes:
        """How the disk does: commits, and what tidies up between them."""
        since = self._disk_since
        return Writes(self._last_seconds, 0.0 if since is None else max(0.0, self._clock.elapsed() - since))

    @property
    def takes_entries(self) -> bool:
        """Whether it follows, and does not just begin to lead."""
        return self.following and self._replica is None

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Run what is queued, then end. May be called twice."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def run(self, job: Job[Result]) -> Result:
        """Run a job and wait until its effects are on disk."""
        return self.submit(job).wait()

    def submit(self, job: Job[Result], kind: Kind = Kind.SHARED) -> Ticket[Result]:
        """Queue a job. Refused at once when the store is broken or closed, and a caller's when it follows or the queue is full."""
        if self.broken is not None:
            raise self.broken
        if self._closing:
            raise StoreClosed("The store is closed.", "The node is stopping.")
        if kind is Kind.SHARED:
            if self.following:
                raise not_leading()
            if self._queue.qsize() >= self._limits.queue_jobs:
                reason = f"{self._limits.queue_jobs} changes wait for the disk already."
                raise StoreBusy(reason, "Try again shortly; see how busy the disk is.")
        ticket = Ticket(job, kind)
        self._queue.put(ticket)
        if self._queue.qsize() >= self._wanted:
            self._enough.set()
        return ticket

    def between(self, work: Callable[[], object]) -> None:
        """Have something done on the writer's thread between two transactions, and wait for it."""
        self.submit(lambda _: work(), Kind.ASIDE).wait()

    def sole(self, job: Job[Result]) -> Result:
        """Run a job in a transaction of its own, on a node that follows too, and wait until its effects are on disk here."""
        return self.submit(job, Kind.SOLE).wait()

    # Leading and following

    def lead(self, first: Job[Result], replica: Replica) -> Result:
        """Take callers' jobs from now on and hand each transaction to the replica; ``first`` is the first of them.

        When that fails, the writer follows. Told to ``follow`` in the meantime, it does not begin to lead.
        """
        with self._switching:
            self._switches += 1
            mine, self.following = self._switches, True

        def begin(books: Books) -> Result:
            if mine != self._switches:
                raise not_leading()
            return first(books)

        self.between(lambda: self._install(replica, mine))
        try:
            result = self.sole(begin)
        except BaseException:
            self._let_go(mine)
            raise
        with self._switching:
            if mine == self._switches:
                self.following = False
        return result

    def follow(self) -> None:
        """Refuse callers' jobs from now on, also those that wait; does not wait itself. A commit that is under way may still end well."""
        with self._switching:
            self._switches += 1
            mine, self.following = self._switches, True
        self._let_go(mine)

    def _let_go(self, mine: int) -> None:
        if self.broken is None and not self._closing:
            self.submit(lambda _: self._install(None, mine), Kind.ASIDE)

    def _install(self, replica: Replica | None, mine: int) -> None:
        """On the writer's thread. Whoever was told later decides."""
        if mine == self._switches:
            self._replica, self._confirmed = replica, 0
            self._books.keep(replica is not None)

    # The thread

    def _run(self) -> None:
        pause: float | None = self._limits.idle_seconds
        open_ = True
        while open_:
            self._turns += 1
            try:
                first = self._next(pause)
            except Empty:
                pause = self._idle()
                continue
            if first is None:
                break
            open_ = self._aside(first) if first.kind is Kind.ASIDE else self._batch(first)
            pause = self._limits.idle_seconds
        self._refuse_rest()
        self._resting = True

    def _next(self, pause: float | None) -> Ticket[Any] | None:
        """The ticket that ended the last batch, or the next one to come within the pause."""
        waiting, self._set_aside = self._set_aside, None
        if waiting is not None:
            return waiting
        self._resting = True
        try:
            return self._queue.get(timeout=pause)
        finally:
            self._resting = False

    def _idle(self) -> float | None:
        if self.broken is not None:
            return None
        self._disk_since = self._clock.elapsed()
        try:
            return self.idle()
        except Exception as error:
            log.warning("store_upkeep_failed", reason=str(error))
            return self._limits.idle_seconds * 100
        finally:
            self._disk_since = None

    def _aside(self, ticket: Ticket[Any]) -> bool:
        """Work that must not be in a transaction."""
        try:
            ticket.result = ticket.job(self._books)
        except Exception as error:
            ticket.error = self._explain(error) if isinstance(error, sqlite.Error) else error
        ticket.finish()
        return True

    def _batch(self, first: Ticket[Any]) -> bool:
        """One transaction; False when the writer is to end."""
        batch: list[Ticket[Any]] = []
        open_ = True
        try:
            if self.broken is not None:
                raise self.broken
            self._books.connection.execute("BEGIN IMMEDIATE")
            open_ = self._gather(first, batch) if first.kind is Kind.SHARED else self._by_itself(first, batch)
            self._commit(batch)
        except BaseException as error:
            self._undo(batch or [first], error)
        for ticket in batch or [first]:
            ticket.finish()
        if self.broken is None:
            self._disk_since = self._clock.elapsed()
            self._quietly(self.after_batch)
            self._disk_since = None
        return open_

    def _quietly(self, work: Callable[[], None]) -> None:
        """What fails here must not be taken for a failed transaction."""
        try:
            work()
        except Exception as error:
            log.warning("store_upkeep_failed", reason=str(error))

    def _by_itself(self, ticket: Ticket[Any], batch: list[Ticket[Any]]) -> bool:
        """Run a job in a transaction of its own; one that fails leaves nothing behind."""
        batch.append(ticket)
        self._attempt(ticket)
        if ticket.error is not None:
            raise ticket.error
        return True

    def _gather(self, first: Ticket[Any], batch: list[Ticket[Any]]) -> bool:
        """Run the jobs that are there, until there are no more, or enough."""
        self._linger()
        ticket: Ticket[Any] | None = first
        while ticket is not None:
            batch.append(ticket)
            if not self._attempt(ticket):
                self._run_again(batch)
            if len(batch) >= self._limits.batch_jobs:
                return True
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                return True
            if ticket is not None and ticket.kind is not Kind.SHARED:
                self._set_aside = ticket
                return True
        return False

    def _linger(self) -> None:
        """Wait until as many jobs are there as last time, but only for a small share of what a flush takes.

        Before the first job, not between them: while callers are about to come back, each statement would hand the interpreter to
        one of them and wait to get it again. And the writer is woken once, when all are there, not for each.
        """
        missing = self._last_batch - 1
        if self._queue.qsize() >= missing:
            return
        self._enough.clear()
        self._wanted = missing
        if self._queue.qsize() < missing:
            self._enough.wait(self._flush_seconds * self._limits.linger_share)
        self._wanted = _NEVER

    def _attempt(self, ticket: Ticket[Any]) -> bool:
        """Run a job; False when it failed after it had written, so that the transaction is not clean any more."""
        books = self._books
        if self.following and ticket.kind is Kind.SHARED:
            ticket.error = not_leading()
            return True
        before = (books.position, books.connection.total_changes)
        books.relied = False
        try:
            ticket.result = ticket.job(books)
            ticket.vouches = books.relied or books.position != before[0]
        except Exception as error:
            if not books.connection.in_transaction:
                raise  # the library gave the whole transaction up: no room, a broken disk
            ticket.error = self._explain(error) if isinstance(error, sqlite.Error) else error
            return (books.position, books.connection.total_changes) == before
        return True

    def _run_again(self, batch: list[Ticket[Any]]) -> None:
        """Undo everything and run the jobs that did not fail once more, each behind a savepoint."""
        connection = self._books.connection
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        self._books.reload()
        for ticket in batch:
            if ticket.error is not None:
                continue
            mark = self._books.mark()
            connection.execute("SAVEPOINT job")
            if not self._attempt(ticket):
                connection.execute("ROLLBACK TO job")
                self._books.back_to(mark)
            connection.execute("RELEASE job")

    def _commit(self, batch: list[Ticket[Any]]) -> None:
        books = self._books
        books.write_out()
        if books.position - books.head >= self._limits.head_entries:
            books.sign_head(self._clock.now())
        reach("store.before_commit")
        self._ship(batch)
        started = self._disk_since = self._clock.elapsed()
        try:
            books.connection.execute("COMMIT")
        finally:
            self._disk_since = None
        self._shipped = False
        took = self._last_seconds = self._clock.elapsed() - started
        reach("store.after_commit")
        self._flush_seconds = took if not self._flush_seconds else _FLUSH_MEMORY * self._flush_seconds + (1 - _FLUSH_MEMORY) * took
        self._last_batch = len(batch)
        self._quietly(lambda: self.after_commit(books.committed()))
        if self._replica is not None:
            self._confirm(self._replica, batch)

    def _ship(self, batch: list[Ticket[Any]]) -> None:
        """Hand the transaction to the replica, so that both disks flush at the same time."""
        books = self._books
        if self.following and batch[0].kind is Kind.SHARED and books.position != books.on_disk.position:
            raise not_leading()  # told in the midst of this batch
        shipment = books.shipment() if self._replica is not None else None
        if shipment is not None and self._replica is not None:
            self._shipped = True
            self._replica.ship(shipment)
            reach("store.after_ship")

    def _confirm(self, replica: Replica, batch: list[Ticket[Any]]) -> None:
        """Nobody is told that something is safe before the other node has it, or need not have it."""
        position = self._books.on_disk.position
        told = [ticket for ticket in batch if ticket.vouches and ticket.error is None and ticket.kind is Kind.SHARED]
        if not told or position <= self._confirmed:
            return
        reach("store.before_confirm")
        try:
            replica.confirm(position)
            self._confirmed = position
        except Exception as error:
            if not isinstance(error, Unconfirmed):
                log.error("store_confirmation_failed", error=error, position=position)
                error = unconfirmed()
            for ticket in told:
                ticket.error = error

    def _undo(self, batch: list[Ticket[Any]], error: BaseException) -> None:
        """The transaction did not come to be: every caller is told, and the chain goes on from where it was.

        Unless the other node may have it already: then nothing may be written in its place, and the store breaks.
        """
        told = error if isinstance(error, StoreError) else self._explain(error)
        if self._shipped:
            told = torn(told)
        if sqlite.is_fatal(told):
            self._break(told)
        try:
            if self._books.connection.in_transaction:
                self._books.connection.execute("ROLLBACK")
            self._books.reload()
        except Exception as second:
            self._break(self._explain(second))
        for ticket in batch:
            ticket.error = ticket.error or told

    # Ends

    def _break(self, error: StoreError) -> None:
        if self.broken is None:
            self.broken = error
            log.error("store_broken", error=error, reason=error.message, remedy=error.remedy)

    def _refuse_rest(self) -> None:
        """Nobody waits for a writer that has ended."""
        while True:
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                return
            if ticket is not None:
                ticket.error = self.broken or StoreClosed("The store was closed before this was written.", "The node is stopping.")
                ticket.finish()
