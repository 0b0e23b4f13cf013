"""The standby's side: dial the leader, write down what it sends, and say so.

One thread, which no broken line, no frame and no failed disk ends. It dials while it is told to follow, with pauses in between that
grow to a second. A node that is about to lead calls ``stop_following`` first: when that returns no entry of the old leader is
being written, and none will be.
"""

import threading
from collections.abc import Callable
from typing import Protocol

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.faults import reach
from appliance.ground.log import Log, Trouble
from appliance.pair.copying.digests import Counting
from appliance.pair.copying.errors import CopyError, StillApplying
from appliance.pair.copying.frames import (
    Agreed,
    Differs,
    DigestAt,
    Diverged,
    Entries,
    Flushed,
    Follow,
    FromLeader,
    Greeting,
    HashAt,
    Heads,
    Part,
    Probe,
    SeedNeeded,
)
from appliance.pair.copying.limits import CopyLimits
from appliance.pair.line.wire import Line
from appliance.store.errors import UnknownOperation
from appliance.store.shipment import JournalEnd, Shipment
from appliance.store.store import Store

log = Log("pair")

_DECODER = msgspec.msgpack.Decoder(Entries)


class FollowerEvents(Protocol):
    """Who is told; on the follower's thread. What takes long or fails there delays the next dial and nothing else."""

    def diverged(self, common: int) -> None:
        """The journals part after this position, and the leader's is the one that counts."""
        ...

    def seed_needed(self, reason: str) -> None:
        """The whole database must be fetched; a code says why."""
        ...

    def unknown_operation(self, error: TandemError) -> None:
        """The leader's program is newer. Nothing is followed any more until this process starts anew."""
        ...

    def applied(self, end: JournalEnd) -> None:
        """Entries up to here are on disk."""
        ...


class Follower:
    """``end`` of its journal is the store's. ``line_is_up``: the leader and this node agreed on where to go on from."""

    def __init__(
        self,
        store: Store,
        dial: Callable[[], Line],
        clock: Clock,
        on: FollowerEvents,
        *,
        limits: CopyLimits | None = None,
        counting: Counting | None = None,
    ) -> None:
        self.limits = limits or CopyLimits()
        self._replication = store.replication
        self._dial = dial
        self._clock = clock
        self._on = on
        self._counting = counting
        self._trouble = Trouble(log, "following")
        self._wake = threading.Event()
        self._wanted = threading.Condition()
        self._applying = threading.Lock()
        self._told = False
        self._closed = False
        self._round = 0
        self._line: Line | None = None
        self._parts = bytearray()
        self._progress = False
        self.halted: TandemError | None = None
        self.line_is_up = False
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    # What others ask

    @property
    def trouble(self) -> str:
        """Why it does not follow though it is told to, or an empty string."""
        if self.halted is not None:
            return self.halted.message
        return self._trouble.reason if self._told else ""

    @property
    def error(self) -> TandemError | None:
        """The same as an error with its remedy, where there is one."""
        return self.halted or (self._trouble.error if self._told else None)

    def start_following(self) -> None:
        """Dial the leader from now on. May be called again and again."""
        with self._wanted:
            if not self._told and self.halted is None:
                self._told = True
                self._round += 1
                self._wake.set()
                self._wanted.notify_all()

    def stop_following(self) -> None:
        """Return when nothing is being applied any more, and nothing will be. Raises ``StillApplying`` when that takes too long."""
        with self._wanted:
            self._told = False
            self._round += 1
            line = self._line
        self._wake.set()
        if line is not None:
            line.close()
        if threading.current_thread() is self._thread:
            return
        if not self._applying.acquire(timeout=self.limits.stop_seconds):
            raise StillApplying(
                f"The entries that came last were not written within {self.limits.stop_seconds:g} s.",
                "See how busy the disk is; this node takes over when they are written.",
            )
        self._applying.release()

    def dial_now(self) -> None:
        """An address changed: do not wait for the end of the pause."""
        self._wake.set()

    def close(self) -> None:
        """Stop, and end the thread. May be called twice."""
        with self._wanted:
            self._closed = True
            self._wanted.notify_all()
        self.stop_following()
        if threading.current_thread() is not self._thread:
            self._thread.join(self.limits.stop_seconds)

    # The thread

    def _run(self) -> None:
        pause = self.limits.dial_seconds_least
        while (round_ := self._next_round()) is not None:
            self._wake.clear()
            went_well = self._try(round_)
            pause = self.limits.dial_seconds_least if went_well else min(pause * 2, self.limits.dial_seconds_most)
            if self._goes_on(round_) and self._clock.wait(self._wake, pause):
                pause = self.limits.dial_seconds_least

    def _next_round(self) -> int | None:
        """Wait until it is told to follow; None when it is closed."""
        with self._wanted:
            self._wanted.wait_for(lambda: self._told or self._closed)
            return None if self._closed else self._round

    def _goes_on(self, round_: int) -> bool:
        return self._told and not self._closed and self._round == round_

    def _try(self, round_: int) -> bool:
        """One line, from dialling to its end; whether it was good for anything."""
        self._progress = False
        try:
            line = self._dial()
            try:
                self._hold(line, round_)
                self._follow(line, round_)
            finally:
                self._hold(None, round_)
                line.close()
        except UnknownOperation as error:
            self._halt(error)
        except (TandemError, OSError) as error:
            self._broke(error, round_)
        except Exception as error:
            log.error("follower_failed", error=error)
            self._trouble.broke(type(error).__name__)
        self.line_is_up = False
        return self._progress

    def _hold(self, line: Line | None, round_: int) -> None:
        """Have the line closed by whoever stops the following."""
        with self._wanted:
            self._line = line
            if line is not None and not self._goes_on(round_):
                raise CopyError("Nothing is followed any more.", "")

    def _broke(self, error: TandemError | OSError, round_: int) -> None:
        if not self._goes_on(round_):
            return
        if isinstance(error, TandemError):
            self._trouble.broke(error.message, error=error)
        else:
            self._trouble.broke(error.strerror or type(error).__name__)

    def _halt(self, error: UnknownOperation) -> None:
        with self._wanted:
            self._told = False
            self.halted = error
        log.error("operation_unknown", error=error)
        try:
            self._on.unknown_operation(error)
        except Exception as failed:
            log.error("follower_failed", error=failed)

    # One line

    def _follow(self, line: Line, round_: int) -> None:
        end = self._replication.apply(())  # an erased customer's key that is still here goes before anything is called held
        line.send(Follow(position=end.position, term=end.term, hash=end.hash, slots=self._replication.slots()))
        greeting = self._greet(line)
        if isinstance(greeting, SeedNeeded):
            self._on.seed_needed(greeting.reason)
        elif isinstance(greeting, Diverged):
            self._diverged(greeting, end)
        elif greeting.position != end.position:
            raise CopyError(f"The leader goes on from entry {greeting.position}; this journal ends at {end.position}.", "Look at its log.")
        else:
            self._agreed()
            while True:
                self._hear(line, line.receive(FromLeader, self.limits.leader_silent_seconds), round_)

    def _agreed(self) -> None:
        self._parts.clear()
        self.line_is_up = True
        self._trouble.healed()

    def _greet(self, line: Line) -> Agreed | Diverged | SeedNeeded:
        """Answer the leader's questions until it has said where to go on from."""
        for _ in range(self.limits.probes):
            said: Greeting = line.receive(Greeting, self.limits.greeting_seconds)
            if not isinstance(said, Probe):
                return said
            line.send(HashAt(position=said.position, hash=self._replication.hash_at(said.position) or b""))
        raise CopyError(f"The leader asked for more than {self.limits.probes} hashes.", "Look at its log.")

    def _diverged(self, said: Diverged, end: JournalEnd) -> None:
        """Only a longer journal may take the place of this one: the later term, or more entries in the same."""
        if (said.term, said.position) <= (end.term, end.position) or said.common > end.position:
            raise CopyError(
                f"The other journal ends at entry {said.position} of term {said.term} and wants to replace one that ends at "
                f"{end.position} of term {end.term}.",
                "Nothing: the node with the longer journal will lead.",
            )
        self._trouble.broke("diverged", common=said.common)
        self._on.diverged(said.common)

    def _hear(self, line: Line, said: FromLeader, round_: int) -> None:
        if isinstance(said, Entries):
            self._apply(line, said.shipments, round_)
        elif isinstance(said, Part):
            self._collect(line, said, round_)
        elif isinstance(said, DigestAt | Differs | Heads):
            if self._counting is not None:
                self._counting.hear(line, said)
        else:
            self._progress = True
            line.send(Flushed(position=self._replication.end().position))

    def _collect(self, line: Line, part: Part, round_: int) -> None:
        """Entries that are too large for one frame."""
        if len(self._parts) + len(part.data) > self.limits.whole_bytes:
            raise CopyError(f"The leader sends more than {self.limits.whole_bytes} bytes as one transaction.", "Look at its log.")
        self._parts += part.data
        if not part.last:
            return
        whole, self._parts = bytes(self._parts), bytearray()
        try:
            entries = _DECODER.decode(whole)
        except msgspec.MsgspecError as error:
            raise CopyError(f"What the leader sent in parts cannot be read: {error}.", "Look at its log.") from error
        self._apply(line, entries.shipments, round_)

    def _apply(self, line: Line, shipments: tuple[Shipment, ...], round_: int) -> None:
        with self._applying:
            if not self._goes_on(round_):
                raise CopyError("Nothing is followed any more.", "")
            reach("follow.before_apply")
            end = self._replication.apply(shipments)
            reach("follow.after_apply")
        self._progress = True
        line.send(Flushed(position=end.position))
        self._on.applied(end)
