"""The rules a world plays by: the real ones, each behind a method, so that a test can show what a wrong one does."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from appliance.pair.lease import step
from appliance.pair.messages import Action, Ask, Heard, Reply, WitnessRecord
from appliance.pair.permission import Claim, Leave, Turn, leave, may_acknowledge, turn
from appliance.pair.standing import Pace, Standing, start
from appliance.pair.witness_record import answer

if TYPE_CHECKING:
    from tests.pair.machine import Machine


PACE = Pace(entries_behind_most=4)
"""The real one, but for a journal as short as a world's."""


class Rules:
    """As the appliance does it."""

    data_seconds = 0.03
    """The data of a mail leaves so soon after the last question, unless the process is paused in between."""

    def start(self, machine: "Machine") -> Standing:
        jitter = machine.world.random.random()
        pace = replace(PACE, lease_seconds=machine.lease_seconds)
        return start(
            machine.name,
            machine.peer.name,
            kept=machine.disk_kept,
            now=machine.clock(),
            witness=machine.kind,
            pace=pace,
            jitter=jitter,
            rules=self.rules_of(machine),
        )

    def rules_of(self, machine: "Machine") -> str:
        return f"{machine.kind}/{machine.lease_seconds}"

    def step(self, standing: Standing, heard: Heard, now: float) -> tuple[Standing, tuple[Action, ...]]:
        return step(standing, heard, now)

    def leave(self, standing: Standing, now: float) -> Leave:
        return leave(standing, now)

    def turn(self, standing: Standing, now: float, claim: Claim) -> Turn:
        return turn(standing, now, claim)

    def acknowledged_to(self, machine: "Machine") -> int:
        """The last position that may be acknowledged."""
        now = machine.clock()
        if may_acknowledge(machine.standing, now, peer_holds=False):
            return machine.flushed
        return min(machine.flushed, machine.shipped) if may_acknowledge(machine.standing, now, peer_holds=True) else 0

    def peer_flush_seconds(self, machine: "Machine") -> float:
        """When a standby says that it holds entries: once they are flushed."""
        return machine.flush_seconds

    def witness_answers(self, record: WitnessRecord, ask: Ask, lease_seconds: float) -> tuple[WitnessRecord, Reply]:
        return answer(record, ask, lease_seconds)
