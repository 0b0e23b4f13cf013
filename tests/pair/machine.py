"""One node in the world: the real step and permissions, on a faked clock, disk and journal."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance.pair.messages import Action, AskWitness, Beat, End, Heard, Keep, Kept, Own, Reply, Send, Stop, Wish, WitnessKind
from appliance.pair.permission import Claim, Turn
from appliance.pair.standing import Standing, lease_end
from tests.pair.rules import PACE

if TYPE_CHECKING:
    from tests.pair.world import World

Entry = tuple[int, int, tuple[str, int]]
"""Term, position, and what happened: a message came, its reply is being sent, is sent; outbound was switched."""

TICK = 0.15
WORK_SECONDS = 0.35
SHIP_AGAIN_SECONDS = 0.3


class Machine:
    """A process on a machine. ``disk_kept`` and ``disk_entries`` survive a crash, everything else dies with it."""

    def __init__(self, world: "World", name: str, *, joined: bool = True) -> None:
        self.world, self.name = world, name
        self.peer: Machine = self
        self.runs = self.paused = self.up = False
        self.life = 0
        self.rate, self.offset = 1.0, 0.0
        self.flush_seconds = self.usual_flush_seconds = 0.01
        self.broken_disk = False
        self.healthy = True
        self.kind: WitnessKind = world.kind
        self.lease_seconds = PACE.lease_seconds
        self.disk_kept = Kept(joined=joined)
        self.disk_entries: list[Entry] = []
        self.diverged: set[Entry] = set()

    # Life

    def boot(self) -> None:
        if self.up:
            return
        self.life += 1
        self.up = self.runs = True
        self.paused = self.busy = self.pressed = False
        self.broken_disk = False
        self.contact_at = float("-inf")
        self.checked_term = 0
        self.journal: list[Entry] = list(self.disk_entries)
        self.have = set(self.journal)
        self.flushed = len(self.journal)
        self.truncations = 0
        self.written_at: dict[int, float] = {}
        self.shipped = self.acknowledged = self.effects = 0
        self.led_term = -1
        self.pauses = 0
        self.shipped_again_at = 0.0
        self.pending: Kept | None = None
        self.backlog: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.step_backlog: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.sending: dict[int, int] = {}
        self.standing: Standing = self.world.rules.start(self)
        self.disk_kept = self.standing.kept
        self.world.tell(self, "starts", self.standing.kept)
        self.after(self.world.random.random() * TICK, self.tick)
        self.after(self.world.random.random() * WORK_SECONDS, self.work)

    def crash(self, why: str = "crashes") -> None:
        """Unflushed writes may have reached the disk or not."""
        if not self.up:
            return
        self.world.tell(self, why)
        self.up = self.runs = self.paused = False
        self.life += 1
        if self.world.random.random() < 0.5:
            self.disk_entries = list(self.journal)
        if self.pending is not None and self.world.random.random() < 0.5:
            self.disk_kept = self.pending

    def set_up(self, kind: WitnessKind, lease_seconds: float) -> None:
        """The settings of this machine are changed; the node starts anew by them."""
        if (kind, lease_seconds) == (self.kind, self.lease_seconds):
            return
        self.kind, self.lease_seconds = kind, lease_seconds
        self.world.tell(self, "is set to witness", kind, "and a lease of", lease_seconds)
        if self.up:
            self.crash("starts anew")
            self.world.after(0.1 + 0.4 * self.world.random.random(), self.boot)

    def pause(self) -> None:
        if self.up:
            self.world.tell(self, "is paused")
            self.paused, self.runs = True, False
            self.pauses += 1

    def resume(self) -> None:
        if not (self.up and self.paused):
            return
        self.world.tell(self, "goes on")
        self.paused, self.runs = False, True
        waiting, self.backlog = self.backlog, []
        for do, given in waiting:
            self.world.after(0.0, self.take_up, self.life, do, given)

    def clock(self) -> float:
        return self.offset + self.world.now * self.rate

    def after(self, seconds: float, do: Callable[..., None], *given: Any) -> None:
        """Do something later, if this process still lives; once it goes on, if it is paused."""
        self.world.after(seconds, self.take_up, self.life, do, given)

    def take_up(self, life: int, do: Callable[..., None], given: tuple[Any, ...]) -> None:
        if life != self.life or not self.up:
            return
        if self.paused:
            self.backlog.append((do, given))
        else:
            do(*given)

    # The step

    def tick(self) -> None:
        self.after(TICK, self.tick)
        self.step(Heard(own=self.own(), jitter=self.world.random.random()))
        if self.up and self.standing.phase == "leader":
            self.ship_again()
            self.acknowledge()

    def hear(self, beat: Beat) -> None:
        self.contact_at = self.world.now
        self.step(Heard(own=self.own(), beat=beat))

    def hear_witness(self, reply: Reply) -> None:
        self.contact_at = self.world.now
        self.step(Heard(own=self.own(), reply=reply, jitter=self.world.random.random()))

    def ask(self, wish: Wish) -> None:
        self.world.tell(self, "is asked for", wish)
        self.pressed = self.pressed or wish == "takeover"
        self.step(Heard(own=self.own(), wish=wish))

    def step(self, heard: Heard) -> None:
        if self.busy:
            self.step_backlog.append((self.step, (heard,)))
            return
        before = self.standing
        self.standing, actions = self.world.rules.step(before, heard, self.clock())
        if (before.phase, before.mode, before.kept.term) != (self.standing.phase, self.standing.mode, self.standing.kept.term):
            now = self.standing
            self.world.tell(self, "is now", now.phase, "term", now.kept.term, now.mode if now.phase == "leader" else "", self.reason())
        self.world.laws.stepped(self)
        self.carry_out(actions)
        if self.up and self.standing.phase == "leader":
            self._begin_leading()

    def carry_out(self, actions: tuple[Action, ...]) -> None:
        for place, action in enumerate(actions):
            if isinstance(action, Keep):
                self.busy, self.pending = True, action.kept
                self.after(self.flush_seconds, self.kept, action.kept, actions[place + 1 :])
                return
            if isinstance(action, Send):
                self.world.network.carry(self, self.peer, Machine.hear, action.beat)
            elif isinstance(action, AskWitness):
                self.world.witnesses[self.kind].asked(self, action.ask)
            elif isinstance(action, Stop):
                self.crash(f"stops: {action.reason}")
                self.world.after(0.5, self.boot)

    def kept(self, kept: Kept, rest: tuple[Action, ...]) -> None:
        if self.broken_disk:
            self.end_by_disk()
            return
        self.disk_kept, self.pending, self.busy = kept, None, False
        self.carry_out(rest)
        waiting, self.step_backlog = self.step_backlog, []
        for do, given in waiting:
            do(*given)

    def end_by_disk(self) -> None:
        """A flush failed: the process ends and is started again."""
        self.crash("ends: its disk failed")
        self.world.after(1.0, self.boot)

    def sends(self) -> str:
        return self.world.rules.leave(self.standing, self.clock()).sends

    def reason(self) -> str:
        return self.world.rules.leave(self.standing, self.clock()).reason

    @property
    def term(self) -> int:
        return self.standing.kept.term

    def own(self) -> Own:
        written, leads = len(self.journal), self.led_term == self.term
        end = End(term=self.journal[self.flushed - 1][0] if self.flushed else 0, position=self.flushed)
        waits = self.clock() - self.written_at[self.shipped + 1] if leads and self.shipped < written else 0.0
        drained = leads and self.acknowledged >= written and not self.effects
        shipped = self.shipped if leads else 0
        return Own(
            end=end,
            written=written,
            shipped=shipped,
            waiting_seconds=waits,
            drained=drained,
            sending=self.effects > 0,
            healthy=self.healthy,
        )

    # The journal as leader

    def work(self) -> None:
        """What the loops do: take a mail in, answer one, and now and then a person turns a switch."""
        self.after(WORK_SECONDS * (0.5 + self.world.random.random()), self.work)
        leave = self.world.rules.leave(self.standing, self.clock())
        if leave.loops == "no":
            return
        certain = leave.loops == "yes"
        self.acknowledge()
        ready = [message for message in self.messages("message") if certain and self.may_answer(message)]
        if self.world.random.random() < 0.08:
            self.write(("outbound", int(self.world.random.random() < 0.7)))
        elif ready:
            self.begin_to_send(self.world.random.choice(ready))
        else:
            self.take_in(certain)

    def _begin_leading(self) -> None:
        if self.led_term == self.term:
            return
        self.led_term = self.term
        self.shipped = self.acknowledged = 0
        self.written_at = {position: self.clock() for position in range(1, len(self.journal) + 1)}
        self.sending = {}
        self.write(("leads", self.term))

    def take_in(self, certain: bool) -> None:
        """Take a mail from the mailbox. A claim is an effect: without the lease the mail is only read."""
        waiting = [each for each in self.world.mailbox() if (each not in self.taken()) and self.may_take(each)]
        if not waiting:
            return
        if certain:
            self.put_claim(waiting[0])
        self.write(("message", waiting[0]))

    def begin_to_send(self, message: int) -> None:
        """Claim it first where nobody has yet: whoever read it had no lease."""
        if self.turn(message) == "claim":
            self.put_claim(message)
        if self.turn(message) == "send":
            self.sending[len(self.journal) + 1] = message
            self.write(("sending", message))

    def turn(self, message: int) -> Turn:
        return self.world.rules.turn(self.standing, self.clock(), self.claim(message))

    def put_claim(self, message: int) -> None:
        """The first one stays."""
        self.world.claims.setdefault(message, (self.name, self.term))

    def may_take(self, message: int) -> bool:
        """A forced leader takes no mail that carries a claim; what once diverged is for a person."""
        return message not in self.world.diverged and not (self.claim(message) == "other" and self.standing.kept.forced)

    def claim(self, message: int) -> Claim:
        claim = self.world.claims.get(message)
        if claim is None:
            return "none"
        return "mine" if claim == (self.name, self.term) else "other"

    def taken(self) -> set[int]:
        return set(self.messages("message"))

    def messages(self, kind: str) -> list[int]:
        return [what[1] for _, _, what in self.journal if what[0] == kind]

    def may_answer(self, message: int) -> bool:
        """It was taken in for certain and nobody began to send it."""
        begun = ("sending", message) in [what for _, _, what in self.journal]
        sure = any(what == ("message", message) for _, _, what in self.journal[: self.acknowledged])
        return sure and not begun and self.may_take(message) and self.outbound_on()

    def outbound_on(self) -> bool:
        switches = self.messages("outbound")
        return not switches or bool(switches[-1])

    def write(self, what: tuple[str, int]) -> None:
        entry = (self.term, len(self.journal) + 1, what)
        self.world.laws.wrote(self, entry)
        self.journal.append(entry)
        self.have.add(entry)
        self.written_at[entry[1]] = self.clock()
        self.ship(len(self.journal) - 1)
        self.flush()

    def ship(self, prev: int) -> None:
        """Send the entries after ``prev`` to the standby."""
        prev_entry = self.journal[prev - 1] if prev else None
        frame = (self.term, prev_entry, prev, tuple(self.journal[prev:]))
        self.world.network.carry(self, self.peer, Machine.follow, frame)

    def ship_again(self) -> None:
        if self.led_term == self.term and self.shipped < len(self.journal) and self.clock() - self.shipped_again_at > SHIP_AGAIN_SECONDS:
            self.shipped_again_at = self.clock()
            self.ship(self.shipped)

    def flush(self) -> None:
        self.after(self.flush_seconds, self.flushed_to, len(self.journal), self.truncations)

    def flushed_to(self, position: int, truncations: int) -> None:
        if self.broken_disk:
            self.end_by_disk()
            return
        if truncations == self.truncations and position > self.flushed:
            self.flushed = position
            self.disk_entries = self.journal[:position]
        if self.standing.phase == "leader":
            self.acknowledge()

    def was_shipped(self, answer: tuple[int, int, bool]) -> None:
        term, position, matched = answer
        if term != self.term or self.standing.phase != "leader" or self.led_term != term:
            return
        if matched:
            self.shipped = max(self.shipped, position)
            self.acknowledge()
        elif self.journal:
            self.ship(min(position, max(self.shipped, 0)))

    def acknowledge(self) -> None:
        """Tell the mailbox, and begin to send what may be sent, up to where everybody who must has flushed."""
        if self.led_term != self.term:
            return
        limit = self.world.rules.acknowledged_to(self)
        while self.acknowledged < limit:
            self.acknowledged += 1
            self.world.laws.acknowledges(self, self.journal[self.acknowledged - 1])
            if self.acknowledged in self.sending:
                self.guard(self.sending.pop(self.acknowledged))

    def guard(self, message: int) -> None:
        """The last question before the data of a mail."""
        if not self.outbound_on() or self.turn(message) != "send":
            return
        self.effects += 1
        seconds = self.world.random.random() * self.world.rules.data_seconds
        self.after(seconds, self.data, message, self.world.now, self.lease_until(), self.pauses)

    def lease_until(self) -> float:
        """When the lease ends in true time, if nothing renews it."""
        return self.world.now + (lease_end(self.standing) - self.clock()) / self.rate

    def data(self, message: int, asked_at: float, lease_until: float, pauses: int) -> None:
        self.effects -= 1
        self.world.tell(self, "sends the reply to message", message)
        self.world.laws.data_leaves(self, message, asked_at, lease_until, held_up=pauses != self.pauses)
        if self.standing.phase == "leader" and self.led_term == self.term:
            self.write(("sent", message))

    # The journal as standby

    def follow(self, frame: tuple[int, Entry | None, int, tuple[Entry, ...]]) -> None:
        """Take entries from the leader this node supports; what stands in their place is kept as diverged."""
        term, prev_entry, prev, entries = frame
        kept = self.standing.kept
        if self.standing.phase != "standby" or term != kept.term or kept.supports != self.peer.name or self.busy:
            return
        if prev > len(self.journal) or (prev and self.journal[prev - 1] != prev_entry):
            self.answer(term, min(prev - 1, len(self.journal)), False)
            return
        for entry in entries:
            self._put(entry)
        reach = prev + len(entries)
        self.flush()
        self.after(self.world.rules.peer_flush_seconds(self), self._followed, term, reach, self.truncations)

    def _put(self, entry: Entry) -> None:
        place = entry[1] - 1
        if place < len(self.journal) and self.journal[place] != entry:
            tail = self.journal[place:]
            self.world.tell(self, "cuts off", len(tail), "entries")
            self.world.laws.cut_off(self, tail)
            self.diverged.update(tail)
            self.world.diverged.update(what[1] for _, _, what in tail if what[0] in ("message", "sending"))
            del self.journal[place:]
            self.have = set(self.journal)
            self.flushed = min(self.flushed, place)
            self.truncations += 1
        if place == len(self.journal):
            self.journal.append(entry)
            self.have.add(entry)

    def _followed(self, term: int, reach: int, truncations: int) -> None:
        if term == self.term and truncations == self.truncations and self.standing.phase == "standby":
            self.answer(term, reach, True)

    def answer(self, term: int, position: int, matched: bool) -> None:
        self.world.network.carry(self, self.peer, Machine.was_shipped, (term, max(position, 0), matched))

    def has(self, entry: Entry) -> bool:
        """In the journal, or on the disk of a machine that is off."""
        return entry in self.have if self.up else entry in self.disk_entries

    def keeps(self, entry: Entry) -> bool:
        return self.has(entry) or entry in self.diverged
