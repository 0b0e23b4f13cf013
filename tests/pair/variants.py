"""Rules that are wrong in one known way each. A world that does not catch them proves nothing about the right ones."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from appliance.pair.messages import Action, Ask, AskWitness, Heard, Note, Reply, Take, WitnessRecord
from appliance.pair.permission import Claim, Turn
from appliance.pair.standing import Standing
from tests.pair.rules import Rules

if TYPE_CHECKING:
    from tests.pair.machine import Machine


class TwoLeadersInOneTerm(Rules):
    """A witness that gives a term that it has already given."""

    def witness_answers(self, record: WitnessRecord, ask: Ask, lease_seconds: float) -> tuple[WitnessRecord, Reply]:
        if isinstance(ask, Take) and ask.term == record.term:
            record = replace(record, term=record.term - 1, in_sync=True)
        return super().witness_answers(record, ask, lease_seconds)


class LeadsOnAfterARestart(Rules):
    """A leader that starts again takes up its old term, as if nothing had been lost with the process."""

    def start(self, machine: "Machine") -> Standing:
        standing = super().start(machine)
        if standing.kept.supports != machine.name:
            return standing
        return replace(standing, phase="leader", noted=False, counts_from=standing.at)


class UsesATermBeforeItIsKept(Rules):
    """Asks for a term first and writes it down afterwards, when there is time."""

    def start(self, machine: "Machine") -> Standing:
        standing = super().start(machine)
        return replace(standing, kept=replace(standing.kept, term=0, supports=""))


class InSyncTooEarly(Rules):
    """Says that the peer is in sync as soon as it answers, before it has caught up."""

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
        return super().step(standing, replace(heard, own=replace(heard.own, shipped=heard.own.written)), now)


class SendsAfterTheLease(Rules):
    """Asks once, when it opens the line to the mail server, and not again before the data leaves."""

    data_seconds = 2.0


class NoMargin(Rules):
    """Uses the lease to its last moment, as if all clocks ran alike."""

    def start(self, machine: "Machine") -> Standing:
        standing = super().start(machine)
        return replace(standing, pace=replace(standing.pace, margin_seconds=0.0))


class CountsAFrozenWitness(Rules):
    """Takes a question that left for the answer."""

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
        after, actions = super().step(standing, heard, now)
        for action in actions:
            if isinstance(action, AskWitness) and not (isinstance(action.ask, Note) and action.ask.in_sync):
                return self._as_if_answered(after, action.ask, heard, now, actions)
        return after, actions

    def _as_if_answered(
        self, standing: Standing, ask: Ask, heard: Heard, now: float, actions: tuple[Action, ...]
    ) -> tuple[Standing, tuple[Action, ...]]:
        record = standing.record or WitnessRecord(holder=standing.me, term=standing.kept.term, in_sync=True)
        said = Reply(number=ask.number, granted=True, record=replace(record, in_sync=True))
        after, more = super().step(standing, Heard(own=heard.own, reply=said), now)
        return after, (*actions, *more)


class AcknowledgesBeforeThePeersFlush(Rules):
    """The standby says that it holds an entry when it has received it."""

    def peer_flush_seconds(self, machine: "Machine") -> float:
        return 0.0 * machine.flush_seconds


class AnswersWithoutAClaim(Rules):
    """Claims at intake only: what was read without the lease is answered later, and nobody can see it in the mailbox."""

    def turn(self, standing: Standing, now: float, claim: Claim) -> Turn:
        return super().turn(standing, now, "mine" if claim == "none" else claim)


class TakesAgainWithoutWaiting(Rules):
    """Believes the witness's record, which names it since an answer that got lost, and not that the other's lease may still run."""

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
        after, actions = super().step(standing, heard, now)
        if after.won and not standing.won and not after.forced:
            after = replace(after, promise_left=standing.promise_left)
        return after, actions


class IgnoresOtherRules(Rules):
    """Supports and follows a peer whatever settings it has."""

    def rules_of(self, machine: "Machine") -> str:
        return "" * len(machine.name)


class ForgetsALongerPromise(Rules):
    """Waits its own lease at a start, and not the longer one that it promised before its setting was shortened."""

    def start(self, machine: "Machine") -> Standing:
        standing = super().start(machine)
        seconds = standing.pace.lease_seconds
        return replace(standing, promise_left=seconds, kept=replace(standing.kept, lease_seconds=seconds))


class BelievesAnOldRecord(Rules):
    """Comes back to a witness and believes what it wrote down before others led without it."""

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
        return super().step(replace(standing, kept=replace(standing.kept, led_otherwise=0)), heard, now)
