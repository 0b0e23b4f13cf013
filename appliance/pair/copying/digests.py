"""Now and then, and before a handover, both nodes count what they hold and compare: a disk may lie, and a program may err.

Both must count at the same entry. The leader opens a snapshot between two transactions and puts a marker into the stream there; the
standby opens its own when the marker comes. Then both read at leisure while entries go on. Where all is the same each signs the
other's end of the journal, so that neither can write the past anew by itself; where it is not, each examines itself.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.log import Log
from appliance.pair.copying.frames import Differs, DigestAt, DigestIs, Heads
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.line.wire import Line
from appliance.store.audit import Problem
from appliance.store.replication import OpenDigest
from appliance.store.shipment import SignedHead, TableDigest
from appliance.store.store import Store

log = Log("pair")

_T = TypeVar("_T")
JOURNAL = "journal"
"""Told as a table when the chains themselves say different things at one position."""


class Stream(Protocol):
    """A line to a standby, as far as comparing needs it."""

    over: bool

    def post(self, frame: DigestAt | Differs | Heads, position: int, *, exact: bool = False) -> None:
        """Send it once everything up to the position has been sent; ``exact``: before anything later, or not at all."""
        ...


class LeaderEvents(Protocol):
    """Who is told, on the thread that compares."""

    def same(self, position: int) -> None:
        """Both nodes hold the same."""
        ...

    def differs(self, tables: tuple[str, ...], position: int) -> None:
        """They do not, in these tables; the standby examines itself already."""
        ...


class Digests:
    """The leader's part. ``head_key`` gives the peer's public key for heads, in hexadecimal, as it was exchanged when pairing."""

    def __init__(
        self, store: Store, clock: Clock, on: LeaderEvents, head_key: Callable[[], str], *, limits: CopyLimits | None = None
    ) -> None:
        self._replication = store.replication
        self._clock = clock
        self._on = on
        self._head_key = head_key
        self._limits = limits or CopyLimits()
        self._asked = threading.Event()
        self._said: SimpleQueue[tuple[int, TableDigest | None]] = SimpleQueue()
        self._heads: SimpleQueue[Heads] = SimpleQueue()
        self._done = threading.Condition()
        self._rounds = 0
        self._number = 0
        self._last: bool | None = None

    def ask(self) -> None:
        """Have both compared soon; what comes of it is told to ``on``."""
        self._asked.set()

    def compare(self, seconds: float) -> bool | None:
        """Compare now: whether both hold the same; None when that could not be found out within the time."""
        with self._done:
            target = self._rounds + (2 if self._number > self._rounds else 1)  # one that is under way began before we asked
            self._asked.set()
            return self._last if self._done.wait_for(lambda: self._rounds >= target, seconds) else None

    def run(self, stream: Stream) -> None:
        """Compare each minute and when asked, until the line is over. On a thread of its own."""
        while not stream.over:
            self._clock.wait(self._asked, self._limits.digest_seconds)
            self._asked.clear()
            if not stream.over:
                self._round(stream)

    def wake(self) -> None:
        """The line is over."""
        self._said.put((0, None))
        self._asked.set()

    # What the line hears, and what becomes of a marker

    def hear(self, said: DigestIs) -> None:
        self._said.put((said.number, said.digest))

    def hear_heads(self, heads: Heads) -> None:
        self._heads.put(heads)

    def passed(self, marker: DigestAt) -> None:
        """The line had gone beyond the marker's place already: no comparison this time."""
        self._said.put((marker.number, None))

    # One comparison

    def _round(self, stream: Stream) -> None:
        self._number += 1
        same = None
        try:
            same = self._compare(stream)
        except TandemError as error:
            log.warning("comparison_failed", reason=error.message)
        except Exception as error:
            log.error("comparison_failed", error=error)
        with self._done:
            self._rounds, self._last = self._number, same
            self._done.notify_all()

    def _compare(self, stream: Stream) -> bool | None:
        number = self._number
        _drain(self._said)  # what is left of earlier comparisons and lines
        if stream.over:
            return None

        def mark(position: int) -> None:
            stream.post(DigestAt(number=number, position=position, turn=number), position, exact=True)

        opened = self._replication.digest_begin(number, lambda end: mark(end.position))
        mine = opened.compute()
        theirs = self._answer(number)
        if theirs is None:
            return None
        tables = differing(mine, theirs)
        if tables:
            log.error("nodes_differ", tables=",".join(tables), position=mine.position)
            stream.post(Differs(number=number, tables=tables), mine.position)
            self._on.differs(tables, mine.position)
            return False
        self._on.same(mine.position)
        self._countersign(stream)
        return True

    def _answer(self, number: int) -> TableDigest | None:
        while (said := _next(self._said, self._limits.answer_seconds)) is not None:
            if said[0] in (number, 0):
                return said[1]
        return None

    def _countersign(self, stream: Stream) -> None:
        """Each signs the end that the other says."""
        _drain(self._heads)
        head = self._replication.head()
        if head is None:
            return
        stream.post(Heads(mine=head), head.position)
        heads = _next(self._heads, self._limits.head_seconds)
        if heads is None or heads.mine is None:
            return
        key = self._head_key() or heads.mine.key
        self._replication.note_countersigned(head, key, heads.yours)
        if heads.mine.key == key:
            stream.post(Heads(yours=self._replication.countersign(heads.mine)), heads.mine.position)


class StandbyEvents(Protocol):
    """Who is told, on a thread of its own."""

    def examined(self, problems: tuple[Problem, ...]) -> None:
        """The leader counts something else, and this node has looked at itself: what is wrong here, nothing where all is whole."""
        ...


class Counting:
    """The standby's part."""

    def __init__(self, store: Store, on: StandbyEvents, head_key: Callable[[], str]) -> None:
        self._replication = store.replication
        self._on = on
        self._head_key = head_key
        self._counting = threading.Lock()
        self._examining = threading.Lock()
        self._mine: SignedHead | None = None
        self._theirs = ""

    def hear(self, line: Line, said: DigestAt | Differs | Heads) -> None:
        """On the follower's thread, with everything applied that came before. What goes wrong here ends neither it nor the line."""
        try:
            if isinstance(said, DigestAt):
                self._count(line, said)
            elif isinstance(said, Differs):
                if self._examining.acquire(blocking=False):
                    _aside(self._examine)
            else:
                self._sign(line, said)
        except TandemError as error:
            log.warning("comparison_failed", reason=error.message)

    def _count(self, line: Line, marker: DigestAt) -> None:
        opened = self._replication.digest_begin(marker.turn)
        if opened.end.position == marker.position and self._counting.acquire(blocking=False):
            _aside(lambda: self._answer(line, marker, opened))
        else:
            opened.close()
            line.send(DigestIs(number=marker.number))

    def _answer(self, line: Line, marker: DigestAt, opened: OpenDigest) -> None:
        digest = None
        try:
            digest = opened.compute()
        finally:
            self._counting.release()  # before it is said: the next marker may be the answer
            line.send(DigestIs(number=marker.number, digest=digest))

    def _examine(self) -> None:
        try:
            problems = self._replication.examine()
        finally:
            self._examining.release()
        self._on.examined(problems)

    def _sign(self, line: Line, heads: Heads) -> None:
        if heads.mine is not None:
            self._theirs = self._head_key() or heads.mine.key
            if heads.mine.key != self._theirs:
                log.warning("head_of_a_stranger", position=heads.mine.position)
                line.send(Heads())
                return
            signature = self._replication.countersign(heads.mine)
            self._mine = self._replication.head()
            line.send(Heads(mine=self._mine, yours=signature))
        elif self._mine is not None:
            head, self._mine = self._mine, None
            self._replication.note_countersigned(head, self._theirs, heads.yours)


def differing(mine: TableDigest, theirs: TableDigest) -> tuple[str, ...]:
    """In which tables two counts at one marker differ; the journal itself when their chains do. Other releases: what both have alike."""
    if (mine.position, mine.hash, mine.turn) != (theirs.position, theirs.hash, theirs.turn):
        return (JOURNAL,)
    return mine.differing(theirs)


def _aside(work: Callable[[], None]) -> None:
    """Do it on a thread of its own; what goes wrong there is said in the log."""

    def run() -> None:
        try:
            work()
        except TandemError as error:
            log.warning("comparison_failed", reason=error.message)
        except Exception as error:
            log.error("comparison_failed", error=error)

    threading.Thread(target=run, name="digest", daemon=True).start()


def _drain(queue: "SimpleQueue[_T]") -> None:
    while _next(queue, 0.0) is not None:
        pass


def _next(queue: "SimpleQueue[_T]", seconds: float) -> _T | None:
    try:
        return queue.get(timeout=seconds) if seconds else queue.get_nowait()
    except Empty:
        return None
