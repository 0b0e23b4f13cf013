"""A soak: the pair on this machine answers mail by the thousand while a seeded hand kills it, freezes it and cuts its wire.

Two nodes and a witness as processes of their own (``sandbox``), a wire between them in our hands (``soak_wire``), a plan of faults drawn
from a seed (``soak_plan``), somebody who watches who may send (``soak_watch``), and at the end the promises, one by one
(``soak_check``). Faults happen to these processes only, and the clock is never touched.
"""

import re
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import msgspec

from appliance.evals.demo_mail import DemoMail, make_mails, read_source
from appliance.ground.assets import asset
from appliance.ground.errors import TandemError
from appliance.node import soak_check
from appliance.node.sandbox import SandboxPair, Say
from appliance.node.soak_hand import COMMAND_SECONDS, Hand
from appliance.node.soak_plan import plan
from appliance.node.soak_watch import Watch, ask
from appliance.node.soak_wire import Wire

TURN_SECONDS = 0.1
PROGRESS_SECONDS = 30.0
OUTBOX_SECONDS = 1.0
HEAL_SECONDS = 120.0
SETTLE_SECONDS = 300.0
STILL_SECONDS = 3.0
_LIMITS = r"(?m)^replies_per_hour = .*$"


class Soak:
    """One of them, in the folder ``base``, which must be empty. ``rate`` is of mails in a second; ``stop`` ends it early."""

    def __init__(self, base: Path, seconds: float, seed: int, rate: float, say: Say, stop: threading.Event) -> None:
        self.base, self.seconds, self.seed, self.rate = base, seconds, seed, rate
        self._say = say
        self._stop = stop
        self._wire = Wire("a", "b")
        self.pair = SandboxPair(base, None, 0, self._wire.reach)
        self._lift_limits()
        self.clock = self.pair.clock
        self.watch = Watch({name: base / name for name in self.pair.nodes}, self.clock)
        self.faults = plan(seed, seconds)
        self.hand = Hand(self.pair, self._wire, self.watch, self.faults)
        self.mails = sample(max(1, int((seconds - 2) * rate)), seed)
        self.sent: dict[str, str] = {}  # Message-ID of each mail that was let in, and its customer
        self.written_again: set[str] = set()
        self.not_well: list[str] = []
        self._written: dict[str, int] = {}

    def _lift_limits(self) -> None:
        file = self.base / "a" / "policy.toml"
        file.write_text(re.sub(_LIMITS, "replies_per_hour = 100000", file.read_text(encoding="utf-8")), encoding="utf-8")

    def run(self) -> soak_check.Outcome:
        """From nothing to the promises. Nothing of it runs any more when this returns or raises."""
        try:
            self.pair.start(self._say)
            self.watch.start()
            self._soak()
            self._heal()
            seconds = self.hand.now()
            self.watch.stop()
            self._look_into_outbox()
            self.hand.kill_at_once()
            return soak_check.look(self, seconds)
        finally:
            self.hand.let_go()
            self.watch.stop()
            self.pair.stop()
            self._wire.close()

    # While faults happen

    def _soak(self) -> None:
        self._say(f"{len(self.faults)} faults and {len(self.mails)} mails in {self.seconds / 60:.1f} min; seed {self.seed}.")
        self.hand.begin()
        progress, outbox = PROGRESS_SECONDS, 0.0
        while (now := self.hand.now()) < self.seconds:
            self._let_in(now)
            self.hand.turn()
            if now >= outbox:
                self._look_into_outbox()
                outbox = now + OUTBOX_SECONDS
            if now >= progress:
                self._tell_progress(now)
                progress += PROGRESS_SECONDS
            self._wait(TURN_SECONDS)

    def _wait(self, seconds: float) -> None:
        if self.clock.wait(self._stop, seconds):
            raise TandemError(f"The soak was ended after {self.hand.now():.0f} s.", "Nothing was checked.")

    def _let_in(self, now: float) -> None:
        while len(self.sent) < min(len(self.mails), int(now * self.rate)):
            mail = self.mails[len(self.sent)]
            self.pair.inbox.mkdir(parents=True, exist_ok=True)
            partial = self.pair.inbox / f".{mail.expected.file}.part"
            partial.write_bytes(mail.raw)
            partial.rename(self.pair.inbox / mail.expected.file)
            self.sent[str(message_from_bytes(mail.raw, policy=policy.default)["Message-ID"])] = mail.expected.sender

    # The end

    def _heal(self) -> None:
        """Put everything back; until every mail has come to its end and nothing is written any more."""
        self._say("Everything is put back, and the two get into step.")
        self.hand.put_back()
        self._until(self.hand.levers_are_on, HEAL_SECONDS, "the levers could not be put back")
        self._until(self._in_step, HEAL_SECONDS, "the two did not get into step")
        self._say("Waiting until every mail has come to its end.")
        self._until(self._all_ended, SETTLE_SECONDS, "not every mail came to its end")
        self._until(self._is_still, HEAL_SECONDS, "the journals did not come to rest at one position")

    def _in_step(self) -> bool:
        told = [ask(self.base / name, "pair", COMMAND_SECONDS) for name in self.pair.nodes]
        one_leads = [each["role"] for each in told].count("leader") == 1
        written_down = any(each["witness"]["in_sync"] for each in told)  # a standby asks the witness only now and then
        return one_leads and written_down and all(each["mode"] == "pair" and each["peer"]["in_sync"] for each in told)

    def _all_ended(self) -> bool:
        counts = ask(self.base / self.watch.leader(), "counts", COMMAND_SECONDS)
        return not soak_check.under_way(counts) and sum(counts.values()) >= len(self.sent) and not any(self.pair.inbox.glob("*.eml"))

    def _is_still(self) -> bool:
        before = self._positions()
        self._wait(STILL_SECONDS)
        return len(set(before)) == 1 and self._positions() == before and self._in_step()

    def _positions(self) -> list[int]:
        return [int(ask(self.base / name, "status", COMMAND_SECONDS)["position"]) for name in self.pair.nodes]

    def _until(self, so: Callable[[], bool], seconds: float, otherwise: str) -> None:
        """Wait until it is so. What does not come to be is noted, and the promises are looked at all the same."""
        ends = self.clock.elapsed() + seconds
        while not self._is(so):
            if self.clock.elapsed() > ends:
                self.not_well.append(f"{otherwise} within {seconds:.0f} s")
                return
            self.hand.turn()
            self._wait(TURN_SECONDS)

    def _is(self, so: Callable[[], bool]) -> bool:
        try:
            return so()
        except (OSError, ValueError, TandemError):
            if self._stop.is_set():
                raise
            return False

    # What can be seen on the way

    def _look_into_outbox(self) -> None:
        """A reply that is sent a second time lies under the name of the first: it shows by its time."""
        for path in self.pair.outbox.glob("*.eml"):
            changed = path.stat().st_mtime_ns
            if self._written.setdefault(path.name, changed) != changed:
                self.written_again.add(path.name)
                self._written[path.name] = changed

    def _tell_progress(self, now: float) -> None:
        told = self.watch.told[self.watch.leader()]
        happened, left = sum(self.hand.happened.values()), len(self.sent) - len(self._written)
        leads = f"{self.watch.leader()} leads in term {told['term']}" if told.get("role") == "leader" else "nobody leads"
        self._say(
            f"{int(now) // 60:3}:{int(now) % 60:02}  {happened} faults, {len(self.sent)} mails in, "
            f"{len(self._written)} replies out, {left} to go; {leads}"
        )


def sample(count: int, seed: int) -> tuple[DemoMail, ...]:
    """So many mails with a question that the sample company's knowledge answers, each from a customer of its own."""
    source = read_source(asset("demo") / "mails.toml")
    answered = tuple(each for each in source.mail if each.category == "answerable" and not each.attachment)
    return make_mails(msgspec.structs.replace(source, mail=answered), count, seed)
