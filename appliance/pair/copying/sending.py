"""One line to one standby, from the greeting to its end.

Two threads: the sender waits for something to send and sends it; the reader hears what was flushed. They share one lock with the
store's writer (``Shipper.news``), and the sender is woken, never polls.
"""

import threading
from collections import deque
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from appliance.ground.errors import TandemError
from appliance.ground.log import Log
from appliance.pair.copying.agreeing import find_common
from appliance.pair.copying.backlog import weight
from appliance.pair.copying.errors import CopyError
from appliance.pair.copying.frames import (
    PART_BYTES,
    Agreed,
    Differs,
    DigestAt,
    DigestIs,
    Diverged,
    Entries,
    Flushed,
    Follow,
    FromFollower,
    HashAt,
    Heads,
    Part,
    Ping,
    Probe,
    SeedNeeded,
)
from appliance.pair.line.wire import Line
from appliance.store.shipment import Shipment
from appliance.store.store import Store

if TYPE_CHECKING:
    from appliance.pair.copying.digests import Digests
    from appliance.pair.copying.shipping import Shipper

log = Log("pair")

_SLOT = 32
_LOOK_SECONDS = 0.1
_ENCODER = msgspec.msgpack.Encoder()
Posted = DigestAt | Differs | Heads


class Sending:
    """``agreed`` once entries flow. ``reason`` is a code that says why the line ended."""

    def __init__(self, shipper: "Shipper", store: Store, line: Line, digests: "Digests | None") -> None:
        self._shipper = shipper
        self._replication = store.replication
        self._line = line
        self._digests = digests
        self._limits = shipper.limits
        self._sent = 0
        self._slots = 0
        self._flights: deque[tuple[int, int]] = deque()
        self._in_flight = 0
        self._posted: deque[tuple[int, bool, Posted]] = deque()
        self.over = False
        self.agreed = False
        self.reason = ""

    def run(self) -> None:
        """Until the line is over. Whatever the standby does wrong ends the line and nothing else."""
        helpers: list[threading.Thread] = []
        try:
            if self._greet():
                helpers = self._helpers()
                self._send_on()
            else:
                self._line.let_go()
        except (TandemError, OSError) as error:
            self.close(type(error).__name__)
        finally:
            self.close("over")
            for helper in helpers:
                helper.join()

    def _helpers(self) -> list[threading.Thread]:
        helpers = [threading.Thread(target=self._listen, name="follow-reader", daemon=True)]
        if self._digests is not None:
            helpers.append(threading.Thread(target=self._digests.run, args=(self,), name="follow-digests", daemon=True))
        for helper in helpers:
            helper.start()
        return helpers

    def close(self, reason: str) -> None:
        """End the line; its threads end by themselves. May be called twice."""
        with self._shipper.news:
            self.reason = self.reason or reason
            self.over = True
            self._shipper.news.notify_all()
        self._line.close()
        if self._digests is not None:
            self._digests.wake()

    def waits_for(self, position: int) -> bool:
        """Whether the sender can do something with an entry that has just been flushed here. Asked under the lock."""
        return self._sent < position

    def post(self, frame: Posted, position: int, *, exact: bool = False) -> None:
        """Send it once everything up to the position has been sent; ``exact``: before anything later, or not at all."""
        with self._shipper.news:
            self._posted.append((position, exact, frame))
            self._shipper.news.notify_all()

    # The greeting

    def _greet(self) -> bool:
        """Agree on where to go on from; False when there is nothing to go on from."""
        follow = self._line.receive(Follow, self._limits.leader_silent_seconds)
        if follow.position == 0:
            return self._seed("empty")
        if not self._shipper.peer_joined() and self._replication.hash_at(follow.position) != follow.hash:
            return self._seed("not_joined")
        here = self._here(follow.position)
        end = self._replication.end()
        if follow.term > end.term:
            raise CopyError(f"The standby's journal has term {follow.term}, and this node's only {end.term}.", "This node must not lead.")
        if not here or self._replication.hash_at(follow.position) != follow.hash:
            return self._apart(follow)
        if end.position - follow.position > self._limits.seed_beyond:
            return self._seed("far_behind")
        self._agree(follow)
        return True

    def _here(self, position: int) -> bool:
        """Whether this disk has an entry there. A standby may have flushed what this disk is still at: then it is waited for."""
        tries = int(self._limits.commit_seconds / _LOOK_SECONDS)
        for _ in range(tries):
            if self._replication.end().position >= position:
                return True
            with self._shipper.news:
                if self.over or self._shipper.written < position:
                    return False
                self._shipper.news.wait(_LOOK_SECONDS)
        raise CopyError(f"Entry {position} was shipped and is not on this disk yet.", "The standby dials again by itself.")

    def _agree(self, follow: Follow) -> None:
        self._sent, self._slots = follow.position, follow.slots
        self._shipper.on_disk(self._replication.end().position)
        self.agreed = True
        self._shipper.follower_holds(self, follow.position, anew=True)
        self._line.send(Agreed(position=follow.position))
        log.info("follower_here", position=follow.position, behind=self._shipper.lag)

    def _apart(self, follow: Follow) -> bool:
        upper = min(follow.position, self._replication.end().position)
        common = find_common(self._same, upper)
        end = self._replication.end()
        log.warning("follower_diverged", common=common, position=follow.position, term=follow.term)
        self._shipper.follower_holds(self, common, anew=True)
        self._line.send(Diverged(common=common, position=end.position, term=end.term))
        return False

    def _same(self, position: int) -> bool:
        self._line.send(Probe(position=position))
        told = self._line.receive(HashAt, self._limits.leader_silent_seconds)
        if told.position != position:
            raise CopyError(f"The standby was asked for entry {position} and spoke of {told.position}.", "Look at its log.")
        ours = self._replication.hash_at(position)
        return ours is not None and ours == told.hash

    def _seed(self, reason: str) -> bool:
        log.info("follower_needs_seed", reason=reason)
        self._shipper.follower_holds(self, 0, anew=True)
        self._line.send(SeedNeeded(reason=reason))
        return False

    # The sender

    def _send_on(self) -> None:
        while not self.over:
            with self._shipper.news:
                what = self._wait()
            if self.over or not self._shipper.is_current(self):
                return
            if isinstance(what, list):
                self._send_entries(what or self._from_disk())
                continue
            self._line.send(what)
            if isinstance(what, Ping):  # not every transaction is confirmed, so what was not kept may lie on disk unannounced
                self._shipper.on_disk(self._replication.end().position)

    def _wait(self) -> list[Shipment] | Posted | Ping:
        """Under the lock: the next thing to send. An empty list says that it lies on disk."""
        while not self.over:
            if (posted := self._due()) is not None:
                return posted
            if self._in_flight < self._limits.window_bytes:
                until = self._posted[0][0] if self._posted else None
                if live := self._shipper.backlog.take(self._sent, self._limits.frame_bytes, until):
                    return live
                if self._sent < self._shipper.committed:
                    return []
            if not self._shipper.news.wait(self._limits.ping_seconds):
                return Ping()
        return Ping()

    def _due(self) -> Posted | None:
        """What was posted for a place that is reached."""
        while self._posted and self._posted[0][0] <= self._sent:
            position, exact, frame = self._posted.popleft()
            if not exact or position == self._sent:
                return frame
            if self._digests is not None and isinstance(frame, DigestAt):
                self._digests.passed(frame)
        return None

    def _from_disk(self) -> list[Shipment]:
        found = self._replication.read(self._sent, self._limits.frame_bytes)
        return [found] if found.entries else []

    def _send_entries(self, found: list[Shipment]) -> None:
        """Slots that the standby lacks go first: a key is on its disk before anything that was sealed with it."""
        if not found:
            return
        shipments = [*self._missing_slots(), *map(_without_slots, found)]
        frame = Entries(shipments=tuple(shipments))
        heavy = sum(map(weight, shipments))
        last = found[-1].last
        with self._shipper.news:
            self._sent = last
            self._flights.append((last, heavy))
            self._in_flight += heavy
        if heavy <= PART_BYTES * 4:
            self._line.send(frame)
        else:
            self._send_in_parts(_ENCODER.encode(frame))

    def _send_in_parts(self, data: bytes) -> None:
        for start in range(0, len(data), PART_BYTES):
            self._line.send(Part(data=data[start : start + PART_BYTES], last=start + PART_BYTES >= len(data)))

    def _missing_slots(self) -> list[Shipment]:
        missing = self._replication.slots_after(self._slots)
        if not missing:
            return []
        start, self._slots = self._slots, self._slots + len(missing) // _SLOT
        return [Shipment(entries=(), bodies=(), slots_from=start, slots=missing)]

    # The reader

    def _listen(self) -> None:
        try:
            while not self.over:
                self._hear(self._line.receive(FromFollower, self._limits.follower_silent_seconds))
        except (TandemError, OSError) as error:
            self.close(type(error).__name__)
        except Exception as error:
            log.error("follow_reader_failed", error=error)
            self.close("failed")

    def _hear(self, said: FromFollower) -> None:
        if isinstance(said, Flushed):
            self._flushed(said.position)
        elif isinstance(said, DigestIs):
            if self._digests is not None:
                self._digests.hear(said)
        elif self._digests is not None:
            self._digests.hear_heads(said)

    def _flushed(self, position: int) -> None:
        if position > self._sent:
            raise CopyError(f"The standby confirmed entry {position}, and was sent {self._sent}.", "Look at its log.")
        with self._shipper.news:
            full = self._in_flight >= self._limits.window_bytes
            while self._flights and self._flights[0][0] <= position:
                self._in_flight -= self._flights.popleft()[1]
            if full:
                self._shipper.news.notify_all()
        self._shipper.follower_holds(self, position)


def _without_slots(shipment: Shipment) -> Shipment:
    return replace(shipment, slots_from=0, slots=b"") if shipment.slots else shipment
